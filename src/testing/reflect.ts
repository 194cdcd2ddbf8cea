// What a shader declares: its entry points, bindings and overrides, read from its text.
import { LatentGpuError } from '../errors.ts';
import { formatDiagnostic, type Shader } from './diagnostics.ts';
import type { Layout } from './layout.ts';
import { Evaluator } from './wgsl/evaluate.ts';
import {
  type Attribute,
  type FunctionDeclaration,
  readModule,
  type ValueDeclaration,
  type Variable,
} from './wgsl/module.ts';
import { nameOf } from './wgsl/names.ts';
import { Unreadable } from './wgsl/tokens.ts';
import { layoutOf, type Misplaced } from './wgsl/types.ts';
import { usesOf } from './wgsl/uses.ts';

export interface EntryPoint {
  readonly name: string;
  readonly stage: 'compute' | 'vertex' | 'fragment';
  /** Line of its declaration, from 1. */
  readonly line: number;
  /** Of a compute shader; absent if an override in it has no value. */
  readonly workgroupSize?: readonly [number, number, number];
  /** Names of the bindings that it uses, itself or in functions that it calls. */
  readonly bindings: readonly string[];
}

export interface Binding {
  readonly group: number;
  readonly binding: number;
  readonly name: string;
  /** As WGSL writes it: `array<vec4f>`, `Params`, `texture_2d<f32>`. */
  readonly type: string;
  readonly kind: 'uniform' | 'storage' | 'texture' | 'sampler';
  readonly access: 'read' | 'write' | 'read_write';
  /** Bytes; of an array without a size, those of one element. 0 for what is no buffer. */
  readonly size: number;
  /** How a buffer's content lies in memory. */
  readonly layout?: Layout;
}

export interface Override {
  readonly name: string;
  /** The number of `@id`, if it has one. */
  readonly id?: number;
  readonly type?: string;
}

/** What is declared in a shader. */
export interface ShaderInfo {
  readonly entryPoints: readonly EntryPoint[];
  readonly bindings: readonly Binding[];
  readonly overrides: readonly Override[];
}

/** Values of overrides, by name. */
export type Constants = Readonly<Record<string, number | boolean>>;

/**
 * An override's value as WebGPU takes it; undefined where none was given.
 *
 * @throws LatentGpuError `bad-input` for what is neither a finite number nor a boolean: engines differ
 *   in what they make of NaN
 */
export function constantOf(name: string, given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'boolean') return Number(given);
  if (typeof given === 'number' && Number.isFinite(given)) return given;
  throw new LatentGpuError(
    'bad-input',
    `the override ${name} is given ${typeof given === 'string' ? `'${given}'` : String(given)}: give a finite number, true or false.`,
  );
}

const attributeOf = (attributes: readonly Attribute[], name: string) =>
  attributes.find((each) => each.name === name);

function numberOf(
  { attributes }: Pick<Variable, 'attributes'>,
  name: string,
  module: Evaluator,
): number | undefined {
  const [argument] = attributeOf(attributes, name)?.args ?? [];
  return argument && module.number(argument);
}

function entryOf(
  found: FunctionDeclaration,
  stage: EntryPoint['stage'],
  bound: readonly string[],
  uses: (name: string) => Set<string>,
  module: Evaluator,
): EntryPoint {
  const used = uses(found.name);
  const workgroupSize = workgroupOf(found, module);
  return {
    name: found.name,
    stage,
    line: found.line,
    ...(workgroupSize && { workgroupSize }),
    bindings: bound.filter((name) => used.has(name)),
  };
}

function workgroupOf(
  { attributes }: FunctionDeclaration,
  module: Evaluator,
): EntryPoint['workgroupSize'] {
  const given = attributeOf(attributes, 'workgroup_size');
  if (!given) return undefined;
  try {
    const [x = 1, y = 1, z = 1] = given.args.map((argument) => module.number(argument));
    return [x, y, z];
  } catch {
    return undefined;
  }
}

/** A variable with a binding; undefined for others. */
function bindingOf(
  found: Variable,
  module: Evaluator,
  misplaced: Map<string, Misplaced>,
): Binding | undefined {
  const group = numberOf(found, 'group', module);
  const binding = numberOf(found, 'binding', module);
  if (group === undefined || binding === undefined || !found.type) return undefined;
  const [space, access] = found.template.map((each) => (each.kind === 'name' ? each.name : ''));
  const type = nameOf(found.type, module);
  const common = { group, binding, name: found.name, type };
  if (space === 'uniform' || space === 'storage') {
    const { layout, misplaced: here } = layoutOf(found.type, module);
    for (const each of here) misplaced.set(`${each.kind} ${each.name}`, each);
    const open = layout.kind === 'array' && layout.count === 0;
    return {
      ...common,
      kind: space,
      access: (access ?? 'read') as Binding['access'],
      size: open ? layout.stride : layout.size,
      layout,
    };
  }
  const stored = /^texture_storage_\w+<\w+, (\w+)>/.exec(type)?.[1] ?? 'read';
  const kind = type.startsWith('sampler') ? 'sampler' : 'texture';
  return { ...common, kind, access: stored as Binding['access'], size: 0 };
}

function overrideOf(found: ValueDeclaration, module: Evaluator): Override {
  const id = numberOf(found, 'id', module);
  return {
    name: found.name,
    ...(id !== undefined && { id }),
    ...(found.type && { type: nameOf(found.type, module) }),
  };
}

/** A variable with a binding whose place or layout takes a compiler to tell, and why. */
export interface Unread {
  readonly name: string;
  readonly why: Unreadable;
}

interface Read {
  readonly info: ShaderInfo;
  readonly unread: readonly Unread[];
  /** What naga puts elsewhere, of all that bindings hold. */
  readonly misplaced: readonly Misplaced[];
}

/** What can be read of the declarations. @throws Unreadable for a text that cannot be read at all */
function readInfo(code: string, constants: Constants): Read {
  const declarations = readModule(code);
  const module = new Evaluator(declarations, constants);
  const functions = declarations.filter((each) => each.kind === 'fn');
  const unread: Unread[] = [];
  const misplaced = new Map<string, Misplaced>();
  const bindings = declarations
    .filter((each) => each.kind === 'var')
    .flatMap((each) => {
      try {
        return bindingOf(each, module, misplaced) ?? [];
      } catch (cause) {
        const why = `'${each.name}' takes a compiler to tell: ${(cause as Error).message}`;
        unread.push({ name: each.name, why: new Unreadable(why, each.line) });
        return [];
      }
    })
    .sort((a, b) => a.group - b.group || a.binding - b.binding);
  const uses = usesOf(functions);
  const bound = [...bindings, ...unread].map(({ name }) => name);
  const info = {
    entryPoints: (['compute', 'vertex', 'fragment'] as const).flatMap((stage) =>
      functions
        .filter(({ attributes }) => attributeOf(attributes, stage))
        .map((each) => entryOf(each, stage, bound, uses, module)),
    ),
    bindings,
    overrides: declarations
      .filter((each): each is ValueDeclaration => each.kind === 'override')
      .map((each) => overrideOf(each, module)),
  };
  return { info, unread, misplaced: [...misplaced.values()] };
}

function failure(shader: Shader, cause: unknown): LatentGpuError {
  const why = cause instanceof RangeError ? 'too deep a nest' : (cause as Error).message;
  const message = `its declarations could not be read: ${why}`;
  const line = cause instanceof Unreadable ? cause.line : 0;
  const diagnostic = { severity: 'error', line, column: 0, length: 0, message } as const;
  return new LatentGpuError('bad-kernel', formatDiagnostic(shader, diagnostic), { cause });
}

/**
 * Reads a shader's declarations. The compiler is the judge of what is right; this only reads.
 *
 * @param constants values of overrides, by name; for the others their defaults count
 * @throws LatentGpuError `bad-kernel` for a text that it cannot read, which may be right nonetheless
 * @example reflect({ label: 'one.wgsl', code: 'override n: u32 = 2u;' }).overrides.length // 1
 */
export function reflect(shader: Shader, constants: Constants = {}): ShaderInfo {
  const { info, unread } = reflectPartly(shader, constants);
  if (unread[0]) throw unreadError(shader, unread[0]);
  return info;
}

/**
 * As {@link reflect}, with those bindings set apart that take a compiler to tell.
 *
 * @throws LatentGpuError `bad-kernel` for a text that it cannot read at all
 */
export function reflectPartly(shader: Shader, constants: Constants = {}): Read {
  try {
    return readInfo(shader.code, constants);
  } catch (cause) {
    throw failure(shader, cause);
  }
}

/** Says why a binding of {@link reflectPartly} could not be read. */
export const unreadError = (shader: Shader, { why }: Unread): LatentGpuError =>
  failure(shader, why);
