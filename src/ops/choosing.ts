// Which is largest, and in what order: compositions, whose comparisons run where they are used and keep nothing.
import { LatentGpuError } from '../errors.ts';
import { normalizeAxis } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, mul, neg } from './arithmetic.ts';
import { equal, greater, less, lessEqual, where } from './comparison.ts';
import { toFloat, toUint } from './integers.ts';
import { matmul } from './matmul.ts';
import { oneHot } from './one-hot.ts';
import { concat } from './pieces.ts';
import { iota } from './random.ts';
import { type Axes, logSoftmax, max, type ReduceOptions, sum } from './reduce.ts';
import { reshape, transpose, unsqueeze } from './views.ts';

/**
 * The smallest value over `axes` (all by default); a tie shares the gradient.
 *
 * @example min(reshape(toFloat(iota(4)), [2, 2]), 1) // [0, 2]
 */
export function min(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return neg(max(neg(x), axes, options));
}

/**
 * Where along an axis the largest value is, the first of equal ones: unsigned, the axis dropped.
 *
 * @example argMax(reshape(toFloat(iota(4)), [2, 2])) // [1, 1]
 */
export function argMax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis('argMax', axis, x.rank);
  const count = x.shape[at] as number;
  const places = reshape(toFloat(iota(count)), [count, ...x.shape.slice(at + 1).map(() => 1)]);
  const isLess = less(x, max(x, at, { keepDims: true }));
  return toUint(neg(max(where(isLess, 1 - count, neg(places)), at)));
}

/**
 * Where along an axis the smallest value is, the first of equal ones: unsigned, the axis dropped.
 *
 * @example argMin(reshape(toFloat(iota(4)), [2, 2])) // [0, 0]
 */
export function argMin(x: Tensor, axis = -1): Tensor {
  return argMax(neg(x), axis);
}

/**
 * The k largest of each line of the last axis [..., N], from the largest down, and where they are (unsigned):
 * [..., k] each, of equal ones the first. With k = N a line is sorted. Every number is compared with every other:
 * N² steps a line, and no memory. Gradients flow to the values that were chosen.
 *
 * @throws LatentGpuError `shape-mismatch` for k that is none of 1 … N
 * @example topK(toFloat(iota(4)), 2).values // [3, 2]
 */
export function topK(x: Tensor, k: number): { readonly values: Tensor; readonly indices: Tensor } {
  const count = x.shape.at(-1) ?? 0;
  if (!(Number.isInteger(k) && k >= 1 && k <= count)) {
    throw new LatentGpuError(
      'shape-mismatch',
      `topK: ${k} of the ${count} along the last axis of ${x}; give a whole number from 1 to ${count}`,
    );
  }
  const places = toFloat(iota(count));
  const [mine, theirs] = [unsqueeze(x, -1), unsqueeze(x, -2)];
  const isTieBefore = mul(equal(theirs, mine), less(places, reshape(places, [count, 1])));
  const rank = sum(add(greater(theirs, mine), isTieBefore), -1);
  const chosen = equal(unsqueeze(rank, -2), reshape(toFloat(iota(k)), [k, 1]));
  return {
    values: sum(where(chosen, theirs, 0), -1),
    indices: toUint(sum(mul(chosen, places), -1)),
  };
}

/**
 * Sums of all up to each along an axis: a product with a triangle of ones, N² steps a line.
 *
 * @example cumSum(toFloat(iota(4))) // [0, 1, 3, 6]
 */
export function cumSum(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis('cumSum', axis, x.rank);
  const order = x.shape.map((_, i) => (i === at ? x.rank - 1 : i === x.rank - 1 ? at : i));
  const last = transpose(x, order);
  const count = last.shape.at(-1) as number;
  const places = toFloat(iota(count));
  const isBefore = lessEqual(reshape(places, [count, 1]), places);
  return transpose(reshape(matmul(reshape(last, [-1, count]), isBefore), last.shape), order);
}

/**
 * Tensors of one shape side by side along a new axis.
 *
 * @throws LatentGpuError `shape-mismatch` for no tensor, or tensors of several shapes
 * @example stack([toFloat(iota(2)), toFloat(iota(2))]) // [0, 1, 0, 1]
 */
export function stack(parts: readonly Tensor[], axis = 0): Tensor {
  return concat(
    parts.map((part) => unsqueeze(part, axis)),
    axis,
  );
}

/**
 * -log softmax(logits) at a label, in nats: logits [..., K] and unsigned labels [...] to [...]. Of a label beyond the
 * classes, such as that of a row whose class is unknown, it is 0.
 *
 * @throws LatentGpuError `shape-mismatch` for labels that are no unsigned integers
 * @example crossEntropy(toFloat(reshape(iota(3), [1, 3])), iota(1)) // [2.4076]
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return neg(sum(mul(oneHot(labels, logits.shape.at(-1) as number), logSoftmax(logits)), -1));
}
