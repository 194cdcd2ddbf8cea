/** Small programs, run once and read out. */
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Variable } from '../../src/graph/variable.ts';
import { evaluate, seed, step } from '../../src/ops/index.ts';
import type { AdapterClass } from '../../src/scheduler/lower/adapter.ts';
import type { CaseContext } from '../rig/cases.ts';
import { adapters as bothAdapters, type CheckOptions, type Values, withRuntime } from './engine.ts';

type Outputs<K extends string> = Readonly<Record<K, Tensor>>;

/** One step of a plan with these outputs, from the given values; what it computed. */
export async function outputsOf<K extends string>(
  t: CaseContext,
  outputs: Outputs<K>,
  values: Values = new Map(),
  { adapter }: CheckOptions = {},
): Promise<Record<K, Float32Array>> {
  return await withRuntime(
    t,
    async (runtime) => {
      const plan = await runtime.compile({ outputs });
      for (const [variable, numbers] of values) runtime.write(variable, numbers);
      await plan.run();
      const names = Object.keys(outputs) as K[];
      // At a time: engines that are slow to tell of their GPU are waited for once.
      const read = await Promise.all(names.map((name) => plan.read(name)));
      return Object.fromEntries(names.map((name, i) => [name, read[i]])) as Record<K, Float32Array>;
    },
    adapter,
  );
}

/** The same in float64, by the ops' references. Noise has the seed and the step of a fresh runtime. */
export function referenceOf<K extends string>(
  outputs: Outputs<K>,
  values: Values = new Map(),
): Record<K, Float64Array> {
  const names = Object.keys(outputs) as K[];
  const known = new Map<Tensor, ArrayLike<number>>([[step, [0]], [seed, [0, 0]], ...values]);
  const results = evaluate(
    names.map((name) => outputs[name]),
    known,
  );
  return Object.fromEntries(names.map((name, i) => [name, results[i]?.data])) as Record<
    K,
    Float64Array
  >;
}

/** Both kinds of adapter against the float64 reference, relative to the largest number of a tensor. */
export async function againstFloat64(
  t: CaseContext,
  outputs: Record<string, Tensor>,
  values: ReadonlyMap<Variable, ArrayLike<number>>,
  adapters: readonly Partial<AdapterClass>[] = Object.values(bothAdapters),
): Promise<void> {
  const expected = evaluate(Object.values(outputs), values);
  for (const adapter of adapters) {
    await withRuntime(
      t,
      async (runtime) => {
        const plan = await runtime.compile({ outputs });
        for (const [variable, numbers] of values) runtime.write(variable, numbers);
        await plan.run();
        const names = Object.keys(outputs);
        const read = await Promise.all(names.map((name) => plan.read(name)));
        for (const [i, name] of names.entries()) {
          const want = expected[i]?.data as Float64Array;
          const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
          t.close(read[i] ?? [], want, { absolute: 1e-5 * scale }, name);
        }
      },
      adapter,
    );
  }
}
