// Reductions over any axes: sum, max, log-sum-exp, and what follows from them.
import { forEachIndex, type NdArray, ndarray } from '../graph/ndarray.ts';
import { contiguousStrides, normalizeAxis, type Shape, sameShape } from '../graph/shape.ts';
import { defineOp, type Op, Tensor } from '../graph/tensor.ts';
import { copy, div, mul, sub } from './arithmetic.ts';
import { greaterEqual } from './comparison.ts';
import { exp } from './elementary.ts';
import { checkTypes } from './operand-type.ts';
import { logsumexp } from './reference/special.ts';
import { expand, reshape, stopGradient } from './views.ts';

/** One axis, several, or (undefined) all. */
export type Axes = number | readonly number[] | undefined;

export interface ReduceOptions {
  /** Keep the reduced axes with extent 1. */
  keepDims?: boolean;
}

function referenceOf(fold: (values: number[]) => number): Op['reference'] {
  return ([x], node) => {
    const input = x as NdArray;
    const groups = new Map<number, number[]>();
    const strides = contiguousStrides(node.shape);
    forEachIndex(input.shape, (index, linear) => {
      let at = 0;
      index.forEach((i, axis) => {
        at += (node.shape[axis] === 1 ? 0 : i) * (strides[axis] as number);
      });
      const group = groups.get(at);
      const value = input.data[linear] as number;
      if (group) group.push(value);
      else groups.set(at, [value]);
    });
    const result = ndarray(node.shape);
    for (const [at, values] of groups) result.data[at] = fold(values);
    return result;
  };
}

const sumOp = defineOp({
  name: 'sum',
  kind: 'reduce',
  vjp: (node, gradient) => [expand(gradient, (node.inputs[0] as Tensor).shape)],
  reference: referenceOf((values) => values.reduce((a, b) => a + b, 0)),
});

/** From here down numbers may count as -∞ where a maximum begins. */
export const LEAST = -3e38;

const maxOp = defineOp({
  name: 'max',
  kind: 'reduce',
  vjp: (node, gradient) => {
    const x = node.inputs[0] as Tensor;
    const winner = stopGradient(greaterEqual(x, node));
    return [
      mul(gradient, div(winner, sum(winner, node.attrs.axes as number[], { keepDims: true }))),
    ];
  },
  reference: referenceOf((values) => values.reduce((a, b) => Math.max(a, b))),
});

const logSumExpOp = defineOp({
  name: 'logSumExp',
  kind: 'reduce',
  flops: 4,
  vjp: (node, gradient) => [mul(gradient, exp(sub(node.inputs[0] as Tensor, node)))],
  reference: referenceOf(logsumexp),
});

function reduce(op: Op, given: Tensor, axes: Axes, options: ReduceOptions): Tensor {
  checkTypes(op.name, [given]);
  const x = given.dtype === 'u8' ? copy(given) : given;
  const list = axes === undefined ? x.shape.map((_, i) => i) : [axes].flat();
  const over = [
    ...new Set(list.map((axis) => normalizeAxis(op.name, axis as number, x.rank))),
  ].sort((a, b) => a - b);
  const kept = x.shape.map((extent, i) => (over.includes(i) ? 1 : extent));
  const dropped = x.shape.filter((_, i) => !over.includes(i));
  // Nothing to fold: every one of these reductions leaves a single element as it is.
  const result = sameShape(kept, x.shape) ? x : new Tensor(op, [x], kept, 'f32', { axes: over });
  return options.keepDims ? result : reshape(result, dropped);
}

/**
 * Σ over `axes` (all by default).
 *
 * @example sum(reshape(toFloat(iota(4)), [2, 2]), 1) // [1, 5]
 */
export function sum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(sumOp, x, axes, options);
}

/**
 * The arithmetic mean over `axes` (all by default).
 *
 * @example mean(reshape(toFloat(iota(4)), [2, 2]), 0) // [1, 2]
 */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const total = sum(x, axes, options);
  return mul(total, total.size / x.size);
}

/**
 * The largest value over `axes` (all by default); a tie shares the gradient. What is below -3.4·10³⁸ counts as
 * that, -∞ too; NaN among numbers may be passed over.
 *
 * @example max(reshape(toFloat(iota(4)), [2, 2]), 1) // [1, 3]
 */
export function max(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(maxOp, x, axes, options);
}

/**
 * log Σ exp over `axes` (all by default), in one streaming pass that cannot overflow. Of nothing but -∞ it is
 * -3·10³⁸, so that such a row's softmax is 0; of NaN, or of more than one +∞, it is NaN.
 *
 * @example logSumExp(toFloat(iota(3))) // 2.4076
 */
export function logSumExp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(logSumExpOp, x, axes, options);
}

/**
 * log(1/n Σ exp) over `axes`.
 *
 * @example logMeanExp(toFloat(iota(3))) // 1.309
 */
export function logMeanExp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const total = logSumExp(x, axes, options);
  return sub(total, Math.log(x.size / total.size));
}

/**
 * x - log Σ exp x along an axis.
 *
 * @example logSoftmax(toFloat(iota(3))) // [-2.4076, -1.4076, -0.4076]
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return sub(x, logSumExp(x, axis, { keepDims: true }));
}

/**
 * exp x / Σ exp x along an axis.
 *
 * @example softmax(toFloat(iota(3))) // [0.09, 0.2447, 0.6652]
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return exp(logSoftmax(x, axis));
}

/** Sums a gradient over the axes along which `shape` was broadcast. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.rank - shape.length;
  const axes = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && gradient.shape[axis] !== 1));
  return reshape(axes.length > 0 ? sum(gradient, axes, { keepDims: true }) : gradient, shape);
}

/**
 * Variance over `axes` (population, divisor n).
 *
 * @example variance(toFloat(iota(3))) // 0.6667
 */
export function variance(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const centred = sub(x, mean(x, axes, { keepDims: true }));
  return mean(mul(centred, centred), axes, options);
}
