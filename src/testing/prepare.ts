// From what a test asks for to what a device does: plain data, fit to be sent to another process.
import { LatentGpuError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Shader } from './diagnostics.ts';
import {
  type BindingValue,
  type Layout,
  type NumberArray,
  pack,
  type Unpacked,
  unpack,
} from './layout.ts';
import {
  type Binding,
  constantOf,
  reflectPartly,
  type ShaderInfo,
  unreadError,
} from './reflect.ts';
import {
  planSampler,
  planTexture,
  type SamplerPlan,
  type SamplerValue,
  type TexturePlan,
  type TextureValue,
  unpackTexture,
} from './textures.ts';

/** What each variable of the WGSL holds, by its name. */
export type Bindings = Readonly<Record<string, BindingValue | TextureValue | SamplerValue>>;

/** One dispatch of a compute shader. */
export interface KernelRequest<B extends Bindings = Bindings> {
  /** What messages call the shader. Default: the file's path, or `shader.wgsl`. */
  readonly label?: string;
  readonly code: string;
  /** Default: the only compute entry point. */
  readonly entryPoint?: string;
  /** Values of `override` constants, by name. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /**
   * What the variables hold. What is written comes back under the same name. What is only written
   * may be given as `{ length }`, or left out if its WGSL type says its size: it starts as zeros.
   */
  readonly bindings: B;
  /** Workgroups: a number, or up to three. */
  readonly dispatch: number | readonly number[];
}

type OutputOf<V> = V extends NumberArray
  ? V
  : V extends Float64Array | ArrayBuffer | readonly unknown[]
    ? NumberArray
    : V extends { readonly length: number }
      ? NumberArray
      : V extends { readonly width: number }
        ? NumberArray
        : Unpacked;

/**
 * What the variables that the shader may write to hold afterwards, by name: typed arrays of the WGSL's
 * numbers; structures as objects; of storage textures the texels' numbers in a row.
 */
export type Outputs<B extends Bindings = Bindings> = { readonly [K in keyof B]: OutputOf<B[K]> };

/** A binding with its bytes; a buffer unless it has a plan for something else. */
export interface Slot {
  readonly name: string;
  readonly group: number;
  readonly binding: number;
  readonly kind: 'uniform' | 'read' | 'write';
  readonly bytes: Uint8Array;
  readonly texture?: TexturePlan;
  readonly sampler?: SamplerPlan;
}

/** All that it takes to run a kernel. */
export interface KernelJob extends Shader {
  readonly entryPoint: string;
  /** Of its declaration. */
  readonly line: number;
  /** As WebGPU wants them: by name, or by number for an override with an `@id`. */
  readonly constants: Record<string, number>;
  readonly slots: readonly Slot[];
  readonly dispatch: readonly [number, number, number];
}

export interface Prepared {
  readonly job: KernelJob;
  readonly info: ShaderInfo;
  /** From the bytes of the slots that are written, in order, to what the test gets. */
  finish(bytes: readonly Uint8Array[]): Record<string, Unpacked>;
}

function bad(message: string): LatentGpuError {
  return new LatentGpuError('bad-input', message);
}

/** What messages call a shader. */
export function labelOf({ label }: { readonly label?: string }): string {
  return label ?? 'shader.wgsl';
}

function chooseEntry({ entryPoints }: ShaderInfo, label: string, wanted?: string) {
  const compute = entryPoints.filter(({ stage }) => stage === 'compute');
  const names = compute.map(({ name }) => name);
  const entry = wanted === undefined ? compute[0] : compute.find(({ name }) => name === wanted);
  if (!entry) {
    const has = names.length ? `it has ${names.join(', ')}` : 'it has none';
    throw bad(`${label}: no compute entry point${wanted ? ` '${wanted}'` : ''}; ${has}.`);
  }
  if (wanted === undefined && compute.length > 1) {
    throw bad(`${label} has several entry points: set entryPoint to one of ${names.join(', ')}.`);
  }
  return entry;
}

function chooseConstants(
  { overrides }: ShaderInfo,
  label: string,
  given: KernelRequest['constants'] = {},
): Record<string, number> {
  const names = overrides.map(({ name }) => name);
  const constants: Record<string, number> = {};
  for (const [name, value] of Object.entries(given)) {
    const override = overrides.find((each) => each.name === name);
    if (!override) {
      const hint = names.length
        ? `did you mean '${nearest(name, names)}'?`
        : 'it declares none (a `const` cannot be set from outside).';
      throw bad(`${label} has no override '${name}'; ${hint}`);
    }
    const number = constantOf(name, value);
    if (number !== undefined) constants[String(override.id ?? name)] = number;
  }
  return constants;
}

function chooseDispatch(given: KernelRequest['dispatch']): [number, number, number] {
  const [x, y = 1, z = 1, ...more] = typeof given === 'number' ? [given] : given;
  const sizes = [x ?? Number.NaN, y, z] as [number, number, number];
  if (more.length > 0 || sizes.some((n) => !(Number.isInteger(n) && n >= 0))) {
    throw bad(`dispatch is [${[given].flat()}]: give one to three whole numbers of workgroups.`);
  }
  return sizes;
}

/** The value of a variable that was not given, if it can be known. */
function defaultOf({ name, type, layout, access }: Binding): BindingValue {
  if (access !== 'read' && layout && layout.size > 0 && sizeIsKnown(layout)) {
    return new ArrayBuffer(layout.size);
  }
  const hint = access === 'read' ? '' : `: give an array, or { length: n } for n zeros`;
  throw bad(`the binding ${name} (${type}) is missing${hint}.`);
}

/** A binding with what it was given. */
function slotOf(variable: Binding, given: Bindings[string] | undefined, filtered: boolean): Slot {
  const { name, group, binding, kind, access, layout } = variable;
  const place = { name, group, binding, kind: access === 'read' ? 'read' : 'write' } as const;
  if (kind === 'sampler') {
    return { ...place, bytes: new Uint8Array(), sampler: planSampler(variable, given) };
  }
  if (kind === 'texture') {
    const { plan, bytes } = planTexture(variable, given, filtered);
    return { ...place, bytes, texture: plan };
  }
  const value = given ?? defaultOf(variable);
  const bytes = pack(layout as Layout, value, name);
  return { ...place, kind: kind === 'uniform' ? 'uniform' : place.kind, bytes };
}

function sizeIsKnown(layout: Layout): boolean {
  if (layout.kind === 'array') return layout.count > 0;
  const last = layout.kind === 'struct' ? layout.members.at(-1)?.layout : undefined;
  return last === undefined || sizeIsKnown(last);
}

/**
 * Reads the shader, checks what it is given against what it declares and lays it out in bytes.
 *
 * @throws LatentGpuError `bad-input` for bindings, constants or a dispatch that do not fit;
 *   `bad-kernel` for a text that cannot be read
 */
export function prepare(request: KernelRequest): Prepared {
  const { code } = request;
  const label = labelOf(request);
  const shader = { label, code };
  const { info, unread } = reflectPartly(shader, request.constants);
  const entry = chooseEntry(info, label, request.entryPoint);
  const dark = unread.find(({ name }) => entry.bindings.includes(name));
  if (dark) throw unreadError(shader, dark);
  const declared = [...info.bindings, ...unread].map(({ name }) => name);
  for (const name of Object.keys(request.bindings)) {
    if (declared.includes(name)) continue;
    const hint = declared.length ? `it has ${declared.join(', ')}` : 'it declares none';
    throw bad(`${label} has no variable '${name}' with a binding; ${hint}.`);
  }
  const used = info.bindings.filter(({ name }) => entry.bindings.includes(name));
  const { bindings } = request;
  const samplers = used.filter(({ kind }) => kind === 'sampler');
  const filtered = samplers.some(
    (each) => planSampler(each, bindings[each.name]).type === 'filtering',
  );
  const slots = used.map((variable) => slotOf(variable, bindings[variable.name], filtered));
  const job: KernelJob = {
    label,
    code,
    entryPoint: entry.name,
    line: entry.line,
    constants: chooseConstants(info, label, request.constants),
    slots,
    dispatch: chooseDispatch(request.dispatch),
  };
  return {
    job,
    info,
    finish(bytes) {
      const results: Record<string, Unpacked> = {};
      const written = slots.filter(({ kind }) => kind === 'write');
      written.forEach(({ name, texture }, i) => {
        const { layout } = used.find((each) => each.name === name) as Binding;
        const own = bytes[i] as Uint8Array;
        results[name] = texture ? unpackTexture(texture, own, name) : unpack(layout as Layout, own);
      });
      return results;
    },
  };
}
