// Comparisons, and choices that hang on one: a row an op. Truth is 1, falsehood 0.
import type { Tensor } from '../graph/tensor.ts';
import { mul, sub } from './arithmetic.ts';
import type { TensorLike } from './constant.ts';
import { type Binary, elementwise, type Unary } from './elementwise.ts';

const comparison = (name: string, fn: string, f: (a: number, b: number) => boolean): Binary =>
  elementwise({
    name,
    fn,
    reference: (a, b) => Number(f(a as number, b as number)),
  });
/**
 * 1 where a < b, else 0.
 *
 * @example less(1, 2) // 1
 */
export const less = comparison('less', 'less', (a, b) => a < b);
/**
 * 1 where a ≤ b, else 0.
 *
 * @example lessEqual(2, 2) // 1
 */
export const lessEqual = comparison('lessEqual', 'less_equal', (a, b) => a <= b);
/**
 * 1 where a > b, else 0.
 *
 * @example greater(1, 2) // 0
 */
export const greater = comparison('greater', 'greater', (a, b) => a > b);
/**
 * 1 where a ≥ b, else 0.
 *
 * @example greaterEqual(2, 2) // 1
 */
export const greaterEqual = comparison('greaterEqual', 'greater_equal', (a, b) => a >= b);
/**
 * 1 where a = b, else 0.
 *
 * @example equal(1, 2) // 0
 */
export const equal = comparison('equal', 'equal4', (a, b) => a === b);
/**
 * 1 where x is neither NaN nor infinite, else 0; looks at the bits, which no compiler may assume.
 *
 * @example finite(1) // 1
 */
export const finite: Unary = elementwise({
  name: 'finite',
  fn: 'is_finite4',
  reference: (x) => Number(Number.isFinite(x)),
});
/**
 * x where it is above 0, NaN elsewhere: what a distribution is given and must be so, named by whoever asks.
 *
 * @example positive(2) // 2
 */
export const positive: Unary = elementwise({
  name: 'positive',
  fn: 'positive4',
  reference: (x) => ((x as number) > 0 ? (x as number) : Number.NaN),
  vjp: (_inputs, _, g) => [g],
});
const whereFloat = elementwise({
  name: 'where',
  fn: 'choose',
  reference: (mask, a, b) => (mask !== 0 ? (a as number) : (b as number)),
  vjp: ([mask], _, g) => [undefined, where(mask as Tensor, g, 0), where(mask as Tensor, 0, g)],
});
const whereUint = elementwise({
  name: 'whereUint',
  fn: 'choose_u',
  dtype: 'u32',
  operands: ['f32', 'u32', 'u32'],
  reference: (mask, a, b) => (mask !== 0 ? (a as number) : (b as number)),
});
/**
 * a where mask ≠ 0, else b; of unsigned integers, if either is one.
 *
 * @throws LatentGpuError `shape-mismatch` for a mask that is no float32, or an a and a b of two types
 * @example where(less(1, 2), 5, 6) // 5
 */
export function where(mask: Tensor, a: TensorLike, b: TensorLike): Tensor {
  const isUint = [a, b].some((x) => typeof x !== 'number' && x?.dtype === 'u32');
  return isUint ? whereUint(mask, a, b) : whereFloat(mask, a, b);
}
/**
 * The larger; a tie sends the gradient to the first. NaN stays where it is the first, and counts for nothing
 * where it is the second.
 *
 * @example maximum(1, 2) // 2
 */
export const maximum: Binary = elementwise({
  name: 'maximum',
  reference: (a, b) => ((b as number) > (a as number) ? (b as number) : (a as number)),
  vjp: ([a, b], _, g) => {
    const first = greaterEqual(a as Tensor, b as Tensor);
    return [mul(g, first), mul(g, sub(1, first))];
  },
});
/**
 * The smaller; a tie sends the gradient to the first. NaN as with {@link maximum}.
 *
 * @example minimum(1, 2) // 1
 */
export const minimum: Binary = elementwise({
  name: 'minimum',
  reference: (a, b) => ((b as number) < (a as number) ? (b as number) : (a as number)),
  vjp: ([a, b], _, g) => {
    const first = lessEqual(a as Tensor, b as Tensor);
    return [mul(g, first), mul(g, sub(1, first))];
  },
});
/**
 * x held between lo and hi; no gradient outside.
 *
 * @example clamp(constant(3), 0, 1) // 1
 */
export function clamp(x: Tensor, lo: number, hi: number): Tensor {
  return minimum(maximum(x, lo), hi);
}
