// Several kernels as one: each takes its share of the workgroups of one dispatch. What they declare
// alike stays one declaration; everything else is told apart by its name.
import { constantsOf, evaluate } from './constants.ts';
import { bad, code, type Declaration, declarationsOf } from './declarations.ts';
import { subgroupSizeAttribute } from './subgroup-size.ts';

/** A whole kernel, as {@link specialize} writes it. */
export interface JoinPart {
  readonly code: string;
  /** How many workgroups it has, in one row. */
  readonly workgroups: number;
  /** What each binding is bound to: equal names are one binding, if they are declared alike too. */
  readonly bindings: readonly string[];
}

export interface Joined {
  readonly code: string;
  /** For each binding of the whole, the part and the binding of the part it comes from. */
  readonly bindings: readonly { readonly part: number; readonly binding: number }[];
}

/** What messages call it. */
const NAME = 'a joined kernel';

const ENTRY =
  /@compute\s+(?:@subgroup_size\(\d+\)\s+)?@workgroup_size\(([^)]*)\)\s*fn\s+main\(([^{]*)\)\s*\{/;
const PARAMETER = /@builtin\((\w+)\)\s*(\w+)\s*:\s*(\w+)/g;
const BINDING = /^@group\(0\)\s*@binding\((\d+)\)\s*(var<[^>]*>)\s*(\w+)\s*:\s*([\s\S]*);$/;

/** What a joined kernel asks of the machine, and passes on. */
const BUILTINS: Record<string, string> = {
  workgroup_id: 'vec3u',
  local_invocation_id: 'vec3u',
  local_invocation_index: 'u32',
};

function entryOf(declarations: readonly Declaration[]): Declaration {
  const entry = declarations.find(({ kind }) => kind === 'entry');
  if (!entry) throw bad(NAME, 'has no entry point');
  return entry;
}

/** Invocations of a kernel's workgroup along each axis, as text: `4,1,1`. */
export function workgroupSizeOf(text: string): string {
  return sizeOf(declarationsOf(NAME, text));
}

function sizeOf(declarations: readonly Declaration[]): string {
  const [, extents = ''] = ENTRY.exec(code(entryOf(declarations).text)) ?? [];
  const constants = constantsOf(declarations);
  const sizes = extents
    .split(',')
    .filter((extent) => extent.trim() !== '')
    .map((extent) => evaluate(NAME, extent, constants));
  return [...sizes, 1, 1].slice(0, 3).join();
}

/** The parameters of a function: no module-level name is meant by them in it. */
function parameterNames(text: string): Set<string> {
  const [, parameters = ''] = /\bfn\s+\w+\s*\(([^)]*)\)/.exec(text) ?? [];
  return new Set([...parameters.matchAll(/(\w+)\s*:/g)].map(([, name]) => name as string));
}

/** Names whose declarations are the same in both, and mean the same because all they use does. */
function sharedNames(
  first: readonly Declaration[],
  other: readonly Declaration[],
  isApart: (declaration: Declaration) => boolean,
): Set<string> {
  const texts = new Map(first.map(({ name, text }) => [name, text]));
  const named = other.filter((d) => d.name !== undefined);
  const declared = new Set(named.map(({ name }) => name as string));
  const shared = new Set(
    named
      .filter((d) => !isApart(d) && texts.get(d.name) === d.text)
      .map(({ name }) => name as string),
  );
  for (let before = -1; before !== shared.size; ) {
    before = shared.size;
    for (const { name, words, text } of named) {
      const own = parameterNames(text);
      const isApartToo = (word: string) =>
        declared.has(word) && !shared.has(word) && !own.has(word);
      if ([...words].some(isApartToo)) shared.delete(name as string);
    }
  }
  return shared;
}

/**
 * One kernel that does what all parts do, in one dispatch of as many workgroups as all have together.
 * The parts must not depend on each other.
 *
 * @throws LatentGpuError `bad-kernel` if workgroups differ in size, or an entry point asks for a
 *   builtin that cannot be passed on
 */
export function joinKernels(parts: readonly JoinPart[]): Joined {
  const taken = parts.map((part) => declarationsOf(NAME, part.code));
  const [first] = taken as [readonly Declaration[]];
  const size = sizeOf(first);
  const headers = new Set<string>();
  const body: string[] = [];
  const bindings: { part: number; binding: number }[] = [];
  const bound = new Map<string, string>();
  const calls: { call: string; end: number }[] = [];
  let start = 0;
  parts.forEach((part, index) => {
    const declarations = taken[index] as readonly Declaration[];
    const constants = constantsOf(declarations);
    const partSize = sizeOf(declarations);
    if (partSize !== size) throw bad(NAME, `workgroups of ${size} and of ${partSize}`);
    const isBinding = (d: Declaration) => BINDING.test(code(d.text));
    const isApart = (d: Declaration) => d.kind === 'entry' || isBinding(d);
    const names = new Map<string, string>();
    const lines: { declaration: Declaration; text: string }[] = [];
    const shared = index === 0 ? new Set<string>() : sharedNames(first, declarations, isApart);
    for (const declaration of declarations) {
      const { name, kind } = declaration;
      if (kind === 'header') headers.add(code(declaration.text));
      if (name === undefined || shared.has(name)) continue;
      const found = BINDING.exec(code(declaration.text));
      if (!found) {
        const own = kind === 'entry' ? `part${index}` : index === 0 ? name : `part${index}_${name}`;
        names.set(name, own);
        lines.push({ declaration, text: declaration.text });
        continue;
      }
      const [, binding = '0', space = '', , type = ''] = found;
      const written = evaluated(type, constants).replace(/\w+/g, (word) => names.get(word) ?? word);
      const key = `${part.bindings[Number(binding)]} ${space} ${written}`;
      const known = bound.get(key);
      // Two names of a part stay two: local variables may have them side by side.
      if (known !== undefined && ![...names.values()].includes(known)) {
        names.set(name, known);
        continue;
      }
      const own = `memory${bindings.length}`;
      names.set(name, own);
      bound.set(key, own);
      body.push(`@group(0) @binding(${bindings.length}) ${space} ${own}: ${written};`);
      bindings.push({ part: index, binding: Number(binding) });
    }
    const rename = (text: string) =>
      text.replace(/(?<![\w.])[A-Za-z_]\w*/g, (word) => names.get(word) ?? word);
    for (const { declaration, text } of lines) {
      body.push(
        declaration.kind === 'entry' ? asFunction(text, `part${index}`, rename) : rename(text),
      );
    }
    const end = start + part.workgroups;
    calls.push({ call: callOf(entryOf(declarations), index, start), end });
    start = end;
  });
  // All that ask, ask for the same; it is no matter to the others.
  const asked = parts
    .map((part) => subgroupSizeAttribute(part.code))
    .filter(Boolean)
    .slice(0, 1);
  const parameters = Object.entries(BUILTINS).map(
    ([builtin, type]) => `  @builtin(${builtin}) ${builtin}: ${type},`,
  );
  const text = [
    ...headers,
    ...body,
    '',
    ['@compute', ...asked, `@workgroup_size(${size.replaceAll(',', ', ')})`].join(' '),
    'fn main(',
    ...parameters,
    ') {',
    ...calls.map(({ call, end }, index) => {
      const isLast = index === calls.length - 1;
      return isLast ? `  { ${call} }` : `  if (workgroup_id.x < ${end}u) { ${call} } else`;
    }),
    '}',
    '',
  ].join('\n');
  return { code: text, bindings };
}

/** A binding's type with its extent as a number: types that are equal are then equal texts. */
function evaluated(type: string, constants: Map<string, string>): string {
  const [, element, extent] = /^array<(.*),([^,]*)>$/.exec(type.trim()) ?? [];
  if (extent === undefined) return type.trim();
  return `array<${element}, ${evaluate(NAME, extent, constants)}>`;
}

function parametersOf(entry: string) {
  const [, , parameters = ''] = ENTRY.exec(entry) ?? [];
  return [...parameters.matchAll(PARAMETER)].map(([, builtin = '', name = '', type = '']) => {
    if (BUILTINS[builtin] === undefined) {
      throw bad(NAME, `cannot pass on @builtin(${builtin})`);
    }
    return { builtin, name, type };
  });
}

function asFunction(entry: string, name: string, rename: (text: string) => string): string {
  const parameters = parametersOf(entry).map((p) => `${p.name}: ${p.type}`);
  const at = entry.search(ENTRY);
  const rest = entry.slice(at).replace(ENTRY, '');
  return rename(`fn ${name}(${parameters.join(', ')}) {${rest}`);
}

function callOf(entry: Declaration, index: number, start: number): string {
  const values = parametersOf(code(entry.text)).map(({ builtin }) =>
    builtin === 'workgroup_id' && start > 0 ? `vec3u(workgroup_id.x - ${start}u, 0u, 0u)` : builtin,
  );
  return `part${index}(${values.join(', ')});`;
}
