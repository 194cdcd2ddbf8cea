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
import { compact, type Declaration, hookNames } from '../../src/kernels/declarations.ts';
import { constantsOf, evaluate, expand, resolve } from '../../src/kernels/template.ts';

/** The folder of the shaders. */
export const SHADERS = fileURLToPath(new URL('..', import.meta.url));

const OUTPUT = join(SHADERS, '..', 'src', 'kernels', 'shaders.gen.ts');

interface Binding {
  group: number;
  binding: number;
  name: string;
  access: string;
  type: string;
}

interface Shader {
  source: string;
  constants: string[];
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
  return {
    source: compact(text),
    constants: [...constantsOf(declarations.filter((d) => d.file === name)).keys()],
    hooks: hookNames(text),
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
 * Reads every `shaders/**\/*.wgsl`, checks that it parses, reflects its bindings, and writes
 * `src/kernels/shaders.gen.ts` if that changed.
 *
 * @returns whether the file was written
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
  for (const name of files.keys()) shaders[name] = reflect(name, files);
  const text = [
    '// Written by shaders/build/generate.ts from the files under shaders/; do not edit.',
    '',
    '/** WGSL by name, with what the build read from it. */',
    `export const shaders = ${print(shaders)} as const;`,
    '',
  ].join('\n');

  if (existsSync(OUTPUT) && readFileSync(OUTPUT, 'utf8') === text) return false;
  mkdirSync(dirname(OUTPUT), { recursive: true });
  // Several processes may generate at once; a rename never shows a half-written file.
  const temporary = `${OUTPUT}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, OUTPUT);
  return true;
}
