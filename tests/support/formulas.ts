/** Graphs held against formulas in float64, and the numbers that both read. */
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import type { CaseContext, Tolerance } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from './engine.ts';
import { referenceOf } from './run.ts';

/** Variables and their numbers: the plan gets them, and the formulas read them. */
export class Givens extends Map<Variable, Float32Array> {
  uniform(name: string, shape: Shape, low: number, high: number): Variable {
    return this.of(name, shape, (size) => reals(name, size, low, high));
  }

  of(name: string, shape: Shape, make: (size: number) => ArrayLike<number>): Variable {
    const held = variable(name, shape);
    this.set(held, Float32Array.from(make(held.size)));
    return held;
  }

  /** Element `i` of each, wrapped around: how a parameter of trailing axes is broadcast. */
  readers<V extends Variable[]>(...held: V): { [K in keyof V]: (i: number) => number } {
    const read = (variable: Variable) => {
      const values = this.get(variable) as Float32Array;
      return (i: number) => values[i % values.length] as number;
    };
    return held.map(read) as { [K in keyof V]: (i: number) => number };
  }
}

/** Σ over the last axis of `term(flat index)`. */
export function rowSums(rows: number, width: number, term: (i: number) => number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let total = 0;
    for (let j = 0; j < width; j++) total += term(row * width + j);
    return total;
  });
}

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
export const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export function logSumExp(values: readonly number[]): number {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((total, v) => total + Math.exp(v - top), 0));
}

/**
 * The graph in float64 is the formula, and the GPU computes the graph within its bounds, with the
 * kernels of either class of adapter.
 */
export async function agrees(
  t: CaseContext,
  outputs: Record<string, Tensor>,
  givens: Givens,
  formulas: Record<string, ArrayLike<number>>,
  tolerance: Tolerance = { absolute: 1e-12, relative: 1e-12 },
): Promise<void> {
  const reference = referenceOf(outputs, givens);
  for (const [name, expected] of Object.entries(formulas)) {
    t.close(reference[name] as Float64Array, expected, tolerance, name);
  }
  for (const name of adapterNames) {
    await check(t, { outputs }, givens, { adapter: adapters[name] });
  }
}
