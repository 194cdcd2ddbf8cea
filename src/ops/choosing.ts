// Which is largest, and what hangs on it: compositions, whose comparisons run where they are used and keep nothing.
import { normalizeAxis } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { neg } from './arithmetic.ts';
import { less, maximum, where } from './comparison.ts';
import { toFloat, toUint } from './integers.ts';
import { oneHot } from './one-hot.ts';
import { concat } from './pieces.ts';
import { iota } from './random.ts';
import { type Axes, LEAST, logSoftmax, max, type ReduceOptions, sum } from './reduce.ts';
import { reshape, unsqueeze } from './views.ts';

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
  // -∞ counts as the least that max tells, so that the first of a row of nothing else is found, too.
  const isLess = less(maximum(x, LEAST), max(x, at, { keepDims: true }));
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
 * classes, such as that of a row whose class is unknown, it is 0. Logits of -∞ are classes that cannot be.
 *
 * @throws LatentGpuError `shape-mismatch` for labels that are no unsigned integers
 * @example crossEntropy(toFloat(reshape(iota(3), [1, 3])), iota(1)) // [2.4076]
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const chosen = oneHot(labels, logits.shape.at(-1) as number);
  return neg(sum(where(chosen, logSoftmax(logits), 0), -1));
}
