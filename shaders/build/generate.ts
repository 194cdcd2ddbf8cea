import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { LatentGpuError } from '../../src/errors.ts';
import { constantsOf, evaluate } from '../../src/kernels/constants.ts';
import { compact, type Declaration, hookNames } from '../../src/kernels/declarations.ts';
import { expand, resolve } from '../../src/kernels/template.ts';
import { assembly, fusing, SHIFT } from './product.ts';

/** The folder of the shaders. */
export const SHADERS = fileURLToPath(new URL('..', import.meta.url));

const OUTPUT = join(SHADERS, '..', 'src', 'kernels', 'shaders.gen.ts');
const REFLECTION_OUTPUT = join(SHADERS, '..', 'src', 'kernels', 'reflection.gen.ts');
const SAMPLER_OUTPUT = join(SHADERS, '..', 'src', 'sampler', 'kernels.gen.ts');
/** Kernels that only the sampler runs: no part of the library. */
const SAMPLER = /^(lib\/)?sampler/;

interface Binding {
  group: number;
  binding: number;
  name: string;
  access: string;
  type: string;
}

interface Shader {
  source: string;
  /** What may be given another value, in the file and in what it imports. */
  constants: string[];
  /** What may be replaced, there. */
  hooks: string[];
  bindings: Binding[];
  entryPoints: string[];
  workgroupSize: [number, number, number];
}

const UNIFORM = 0;

/** Every shader below `folder`, in a fixed order. */
export function wgslFiles(folder: string = SHADERS): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return wgslFiles(path);
      return entry.name.endsWith('.wgsl') ? [path] : [];
    })
    .sort();
}

/** Where a line, from 1, of the joined declarations comes from. */
function origin(
  declarations: readonly Declaration[],
  line: number,
): { file: string; line: number } {
  let left = line - 1;
  for (const { file, line: start, text } of declarations) {
    const lines = text.split('\n').length;
    if (left < lines) return { file, line: start + left };
    left -= lines;
  }
  return declarations.at(-1) ?? { file: '', line: 1 };
}

function reflect(name: string, files: Map<string, string>): Shader {
  const text = files.get(name) as string;
  const lookup = (imported: string) => files.get(imported);
  const declarations = resolve(name, text, lookup);

  let reflection: WgslReflect;
  try {
    reflection = new WgslReflect(declarations.map((d) => d.text).join('\n'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { file, line } = origin(declarations, Number(/Line:?\s*(\d+)/i.exec(message)?.[1] ?? 1));
    const reason = message.replace(/\.*\s*Line:?\s*\d+.*$/i, '').trim();
    throw new LatentGpuError('bad-kernel', `shaders/${file}.wgsl:${line}: ${reason}`);
  }
  expand(name, text, lookup);

  const constants = constantsOf(declarations);
  const size = (attribute: { value: unknown } | undefined): [number, number, number] => {
    const values = attribute === undefined ? [] : [attribute.value].flat();
    const [x = 1, y = 1, z = 1] = values.map((v) => evaluate(name, String(v), constants));
    return [x, y, z];
  };
  const entries = reflection.entry.compute;
  const resolved = [...new Set([name, ...declarations.map((d) => d.file)])];
  return {
    source: compact(text),
    // The others count what is unrolled.
    constants: [...constants.keys()].filter((constant) => /^[A-Z]/.test(constant)),
    hooks: resolved.flatMap((file) => hookNames(files.get(file) as string)),
    bindings: reflection
      .getBindGroups()
      .flatMap((group) => group ?? [])
      .filter((binding) => binding !== undefined)
      .map((binding) => ({
        group: binding.group,
        binding: binding.binding,
        name: binding.name,
        access: binding.resourceType === UNIFORM ? 'uniform' : binding.access,
        // An array without a size is reported as one of size 0.
        type: binding.type.getTypeName().replace(', 0>', '>'),
      })),
    entryPoints: entries.map((entry) => entry.name),
    workgroupSize: size(entries[0]?.attributes?.find((a) => a.name === 'workgroup_size')),
  };
}

function print(value: unknown, indent = ''): string {
  if (typeof value === 'string')
    return `'${value.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n')}'`;
  if (Array.isArray(value)) return `[${value.map((item) => print(item, indent)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const deeper = `${indent}  `;
  const fields = Object.entries(value).map(([key, field]) => {
    const written = /^[A-Za-z_]\w*$/.test(key) ? key : print(key);
    return `${deeper}${written}: ${print(field, deeper)},\n`;
  });
  return `{\n${fields.join('')}${indent}}`;
}

/**
 * Reads every `shaders/**\/*.wgsl`, checks that it parses, reflects its bindings, and writes what changed
 * of three files: `src/kernels/shaders.gen.ts`, the texts and the types that hold callers to them;
 * `src/kernels/reflection.gen.ts`, bindings and entry points, for tests alone; and
 * `src/sampler/kernels.gen.ts`.
 *
 * @returns whether a file was written
 * @throws LatentGpuError `bad-kernel` naming file and line of a shader that does not parse
 */
export function generateShaders(): boolean {
  const files = new Map<string, string>();
  for (const path of wgslFiles()) {
    const name = relative(SHADERS, path)
      .split(sep)
      .join('/')
      .replace(/\.wgsl$/, '');
    files.set(name, readFileSync(path, 'utf8'));
  }
  const shaders: Record<string, Shader> = {};
  for (const name of files.keys()) if (!SAMPLER.test(name)) shaders[name] = reflect(name, files);
  const written = [
    writeIfNew(OUTPUT, sourcesText(shaders)),
    writeIfNew(REFLECTION_OUTPUT, reflectionText(shaders)),
    writeIfNew(SAMPLER_OUTPUT, samplerKernels(files)),
  ];
  return written.includes(true);
}

const HEADER =
  '// Written by shaders/build/generate.ts from the files under shaders/; do not edit.';

/** Names as a union of types. */
const union = (names: readonly string[]): string =>
  names.map((name) => print(name)).join(' | ') || 'never';

/** The files that a text imports, in hooks too, each once. */
const importsOf = (source: string): string[] => [
  ...new Set([...source.matchAll(/^\s*\/\/ @import (\S+)/gm)].map(([, name]) => name as string)),
];

/** `lib/fold_line` as a name in TypeScript: `libFoldLine`. */
const identifier = (name: string): string =>
  name.replace(/[_/](\w)/g, (_, letter: string) => letter.toUpperCase());

function sourcesText(shaders: Record<string, Shader>): string {
  const names = Object.keys(shaders);
  const kernels = names.filter((name) => shaders[name]?.entryPoints.length);
  const members = (of: 'constants' | 'hooks') =>
    names.map((name) => `  readonly ${print(name)}: ${union((shaders[name] as Shader)[of])};`);
  const written = new Map<string, string>();
  const write = (name: string): void => {
    if (written.has(name)) return;
    const { source } = shaders[name] as Shader;
    const imports = importsOf(source);
    // What is imported comes first.
    for (const imported of imports) write(imported);
    written.set(
      name,
      `export const ${identifier(name)}: Shader<${print(name)}> = ` +
        `{ name: ${print(name)}, imports: [${imports.map(identifier).join(', ')}], text: ${print(source)} };`,
    );
  };
  for (const name of names) write(name);
  const texts = names.map((name) => `${name}\n${shaders[name]?.source}`).join('\n');
  return [
    HEADER,
    '',
    '/** Name of a file under `shaders/`, without its ending: `matmul`, `lib/philox`. */',
    `export type ShaderName = ${union(names)};`,
    '',
    '/** Of one with an entry point. */',
    `export type KernelName = ${union(kernels)};`,
    '',
    '/** The constants of each, and of what it imports. */',
    'export interface ShaderConstants {',
    ...members('constants'),
    '}',
    '',
    '/** Its hooks. */',
    'export interface ShaderHooks {',
    ...members('hooks'),
    '}',
    '',
    '/** A file under `shaders/`, with those that it imports unless its hooks are replaced. */',
    'export interface Shader<out Name extends ShaderName = ShaderName> {',
    '  readonly name: Name;',
    '  readonly imports: readonly Shader[];',
    '  readonly text: string;',
    '}',
    '',
    // Each by itself, so that a page has those that its ops are run by.
    ...written.values(),
    '',
    '/** Tells one version of all of them from another. */',
    `export const SHADERS_VERSION = ${print(createHash('sha256').update(texts).digest('hex').slice(0, 16))};`,
    '',
  ].join('\n');
}

function reflectionText(shaders: Record<string, Shader>): string {
  const reflected = Object.entries(shaders)
    .filter(([, { entryPoints }]) => entryPoints.length > 0)
    .map(([name, { bindings, entryPoints, workgroupSize }]) => [
      name,
      { bindings, entryPoints, workgroupSize },
    ]);
  return [
    HEADER,
    '',
    '/** What a kernel binds and how it is entered, as the build read it. */',
    `export const reflection = ${print(Object.fromEntries(reflected))} as const;`,
    '',
  ].join('\n');
}

function writeIfNew(path: string, text: string): boolean {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  mkdirSync(dirname(path), { recursive: true });
  // Several processes may generate at once; a rename never shows a half-written file.
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
  return true;
}

/**
 * The sampler's kernels, small: imports resolved, names shortened. What is repeated for each four rows of a tile
 * stands once, between `#`, with `@` for the number of the four: a page writes it as often as a tile is tall.
 */
function samplerKernels(files: Map<string, string>): string {
  reflect('sampler', files);
  const text = repeatedOnce(files.get('sampler') as string);
  const make = (hooks: Record<string, string>) =>
    minified(expand('sampler', text, (name) => files.get(name), { hooks }))
      .replace('const p=0u;', '')
      .replace('const ACTIVATION=0u;', '')
      .replace(/fn activate\b.*?\}\}\}/, 'fn identity(v:vec4f)->vec4f{return v;}')
      .replace('=activate(', '=identity(')
      .replace(/start_of_fours\(\);|end_of_fours\(\);/g, '#')
      .replace(/#[^#]*#/g, (part) => part.replace(/\bp\b|(?<=_)p(?=_|\b)/g, '@'));
  const quads = make({ share: '// @import lib/sampler_quads' }).replace('enable subgroups;', '');
  const alone = make({});
  // What all begin with, what tells how lanes share, and what all end with.
  const library = alone.slice(0, alone.indexOf('fn first('));
  const rest = alone.slice(alone.indexOf('const TILE_M'));
  const between = (kernel: string) => kernel.slice(library.length, -rest.length);
  const shortened = shortening(library + between(alone) + between(quads) + rest);
  const shorten = (part: string) => shortened(part).replaceAll('vec4f', 'Z');
  return [
    '// Written by shaders/build/generate.ts from shaders/sampler.wgsl; do not edit.',
    '/** What kernels begin with: functions of four numbers. */',
    `export const library = ${print(`alias Z=vec4f;${shorten(library)}`)};`,
    '',
    '/** WebAssembly of shaders/build/product.ts: each letter is a byte and SHIFT. */',
    `export const SHIFT = ${SHIFT};`,
    `export const assembly = ${print(assembly)};`,
    '/** What makes it fuse products with their sums. */',
    `export const fusing = [/${fusing[0]}/g, ${print(fusing[1])}] as const;`,
    '',
    '/** How lanes get rows: each by itself, or four from each other. */',
    `export const alone = ${print(shorten(between(alone)))};`,
    `export const quads = ${print(shorten(between(quads)))};`,
    '',
    '/** The rest of a kernel; what lies between # is there for each four rows of a tile, whose number is @. */',
    `export const layer = ${print(shorten(rest))};`,
    '',
  ].join('\n');
}

/** What a page, or the kernels of a program, call by their names. */
const CALLED = 'layer levels identity relu leakyRelu tanh4 sigmoid softplus gelu silu'.split(' ');
/** What WGSL calls by their names. */
const BUILT_IN =
  /^(?:[iu]32|f32|vec\d[fiu]|fn|let|var|const|return|struct|for|if|switch|case|default|array|bitcast|select|fma|abs|max|storage|read|read_write|workgroup_id|local_invocation_index|global_invocation_id|group|binding|compute|workgroup_size|builtin|quadSwap\w+)$/;
/** Taken by the kernels of programs and by WGSL. */
const TAKEN = ['u', 'as', 'do', 'Z'];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const WORD = /(?<![\w@]|\d)[A-Za-z]\w*/g;
/** Where functions begin. */
const FUNCTION = /(?=@compute|(?<!\))\bfn )/;

/** Short ones for names that are written in full, the most frequent first. */
function shortNames(wgsl: string, isOwn: (word: string) => boolean, taken: readonly string[]) {
  const words = new Map<string, number>();
  for (const [word] of wgsl.matchAll(WORD)) words.set(word, (words.get(word) ?? 0) + 1);
  const free = LETTERS.concat(LETTERS.map((letter) => `a${letter}`)).filter(
    (name) => !words.has(name) && !taken.includes(name),
  );
  const long = [...words.keys()]
    .filter((word) => word.length > 1 && !BUILT_IN.test(word) && !CALLED.includes(word))
    .filter(isOwn)
    .sort((a, b) => (words.get(b) as number) - (words.get(a) as number));
  return new Map(long.map((word, i) => [word, free[i] as string]));
}

/** Letters in place of names; those within functions are the same ones again. */
function shortening(wgsl: string): (part: string) => string {
  const outside = new Set(
    [...wgsl.matchAll(/\b(?:fn|struct|const) (\w+)|\.(\w+)/g)].map(
      ([, name, field]) => name ?? field,
    ),
  );
  const shared = shortNames(wgsl, (word) => outside.has(word), TAKEN);
  const short = (text: string, names: ReadonlyMap<string, string>) =>
    text.replace(WORD, (word) => names.get(word) ?? word);
  return (part) =>
    part
      .split(FUNCTION)
      .map((own) => {
        const begun = short(own, shared);
        return short(
          begun,
          shortNames(begun, () => true, ['x', 'y', 'w']),
        );
      })
      .join('');
}

/** Marks what is unrolled by `p`, in words that come through. */
function repeatedOnce(text: string): string {
  const open: boolean[] = [];
  return text
    .split('\n')
    .map((line) => {
      const unrolls = /@unroll (\w+)/.exec(line);
      if (unrolls) open.push(unrolls[1] === 'p');
      if (unrolls?.[1] === 'p') return 'start_of_fours();';
      return /@end/.test(line) && open.pop() ? 'end_of_fours();' : line;
    })
    .join('\n');
}

/** The same float32 in as few digits as can be. */
function shortest(number: string): string {
  const value = Math.fround(Number(number));
  const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => Number(number).toPrecision(n));
  const found = digits.find((text) => Math.fround(Number(text)) === value) ?? number;
  return /[.e]/.test(found) ? found : `${found}.0`;
}

/** WGSL without comments and without the spaces it does not need. */
const minified = (wgsl: string): string =>
  wgsl
    .replace(/\/\/.*/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([^\w ]) ?/g, '$1')
    // Beside another number whole ones take its type.
    .replace(/\b(\d+)u(?=\*)|(?<=[+*/%])(\d+)u/g, '$1$2')
    .replace(/(?<=vec4f\()-?\d+\.[\de-]+(?=\))/g, shortest)
    .replace(/(?<=\d\.)0\b/g, '')
    .replace(/\b0(?=\.\d)/g, '')
    .replace(/(?<=const \w+):[uf]32/g, '')
    .trim();
