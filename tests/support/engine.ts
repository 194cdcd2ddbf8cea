/** Runs a program on a device and holds every result against the float64 reference. */
import type { Device } from '../../src/device/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Variable } from '../../src/graph/variable.ts';
import type { Module } from '../../src/nn/index.ts';
import { seed, step } from '../../src/ops/index.ts';
import { Random, seedWords } from '../../src/random.ts';
import type { AdapterClass } from '../../src/scheduler/lower/adapter.ts';
import type { Plan } from '../../src/scheduler/run/plan.ts';
import { Runtime } from '../../src/scheduler/run/runtime.ts';
import type { Program } from '../../src/scheduler/run/schedule.ts';
import { assertNear } from '../../src/testing/tolerance.ts';
import type { CaseContext } from '../rig/cases.ts';
import { bounded } from './oracle.ts';

/** What variables hold before a step: numbers as the runtime takes them (bytes for a byte table). */
export type Values = ReadonlyMap<Variable, ArrayLike<number>>;

/**
 * Kernels as a software adapter gets them, or as a GPU does: both are run on any adapter. The GPU is one
 * whose products stage nothing in workgroup memory, or a software adapter compiles each for half a second.
 */
export const adapters = {
  software: { isSoftware: true },
  gpu: { isSoftware: false, vendor: 'arm' },
} as const;
/** The same with a GPU whose products stage tiles, for cases about products. */
export const tilingAdapters = { ...adapters, gpu: { isSoftware: false } } as const;
export type AdapterName = keyof typeof adapters;
export const adapterNames = Object.keys(adapters) as AdapterName[];

/** What the variants of products are chosen for, as on such an adapter, within a device's limits. */
export const productAdapter = ({ gpu, subgroupSize }: Device, isSoftware: boolean) => ({
  isSoftware,
  ...(subgroupSize !== undefined && { subgroupSize }),
  maxInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
});

export interface CheckOptions {
  adapter?: Partial<AdapterClass>;
}

/** Opens a runtime for the body of a case and frees all it has afterwards. */
export async function withRuntime<T>(
  t: CaseContext,
  body: (runtime: Runtime) => Promise<T>,
  adapter?: Partial<AdapterClass>,
): Promise<T> {
  const runtime = new Runtime(t.device, { seed: 1, ...(adapter && { adapter }) });
  try {
    return await body(runtime);
  } finally {
    runtime.destroy();
  }
}

/** A runtime with a module's parameters drawn from U(-1, 1), far from where training begins. */
export async function drawnParameters<T>(
  device: Device,
  module: Pick<Module, 'parameters'>,
  body: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = new Runtime(device);
  for (const p of module.parameters()) runtime.write(p, reals(p.name, p.size, -1, 1));
  try {
    return await body(runtime);
  } finally {
    runtime.destroy();
  }
}

/** The reference's view of a variable's numbers. */
function asReal(variable: Variable, numbers: ArrayLike<number>): ArrayLike<number> {
  return variable.dtype === 'u8' ? Array.from(numbers, (x) => x / 255) : numbers;
}

/**
 * Compiles a program, runs one step from the given values, and compares every output, and every
 * variable that is assigned, with the reference. Returns the plan's schedule for further questions.
 */
export async function check(
  t: CaseContext,
  program: Program,
  values: Values,
  { adapter }: CheckOptions = {},
): Promise<Plan['schedule']> {
  return withRuntime(
    t,
    async (runtime) => {
      const plan = await runtime.compile(program);
      for (const [variable, numbers] of values) runtime.write(variable, numbers);
      await plan.run(1);
      await compare(runtime, plan, program, values);
      return plan.schedule;
    },
    adapter,
  );
}

/** Holds what a plan has just computed against the reference, which starts from `values`. */
export async function compare(
  runtime: Runtime,
  plan: Plan,
  program: Program,
  values: Values,
): Promise<void> {
  const outputs = Object.entries(program.outputs ?? {});
  const effects = (program.effects ?? []).filter((effect) => effect.op.kind === 'assign');
  const known = new Map<Tensor, ArrayLike<number>>([
    [step, [0]],
    [seed, seedWords(runtime.seed)],
  ]);
  for (const [variable, numbers] of values) known.set(variable, asReal(variable, numbers));
  const all = [...outputs.map(([, tensor]) => tensor), ...(program.effects ?? [])];
  const expected = bounded(all, known);
  const subjects = [
    ...outputs.map(([name, tensor]) => ({ what: `output ${name}`, tensor, read: plan.read(name) })),
    ...effects.map((tensor) => {
      const target = tensor.attrs.target as Variable;
      return { what: `variable ${target.name}`, tensor, read: runtime.read(target) };
    }),
  ];
  for (const { what, tensor, read } of subjects) {
    const got = await read;
    const { value, error } = expected[all.indexOf(tensor)] as (typeof expected)[number];
    matches(got, value.data, error.data, `${what} (${tensor})`);
  }
}

/** Denormal numbers may count as zero. */
const FLUSH = 2 ** -126;

/** Every number within its own bound; otherwise names the worst. */
export function matches(
  got: ArrayLike<number>,
  value: ArrayLike<number>,
  error: ArrayLike<number>,
  what: string,
): void {
  assertNear(got, value, { absolute: Float64Array.from(error, (bound) => bound + FLUSH) }, what);
}

/** float32 numbers that are a function of their name. */
export function reals(name: string, size: number, low = -2, high = 2): Float32Array {
  const random = new Random(7, hash(name), 0);
  return Float32Array.from({ length: size }, () => random.uniform(low, high));
}

/** Small whole numbers: their sums and products make no rounding error. */
export function integers(name: string, size: number, low = -4, high = 4): Float32Array {
  const random = new Random(7, hash(name), 1);
  return Float32Array.from({ length: size }, () => low + random.integer(high - low + 1));
}

function hash(name: string): number {
  let h = 17;
  for (const c of name) h = (Math.imul(h, 31) + (c.codePointAt(0) as number)) >>> 0;
  return h;
}
