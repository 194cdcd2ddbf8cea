// From op to node of a program: a row an op. What the runtime has no node for is composed of what it has.
import type { Tensor } from '../../graph/tensor.ts';
import { tapsOf, type Window, type WindowedImage } from '../../kernels/window.ts';
import { add, expand, mul, NORM_EPSILON, reshape, rsqrt, sub, transpose } from '../../ops/index.ts';
import { FUNCTIONS } from '../../sampler/program/functions.ts';
import { COMPOSED } from '../onnx/composed.ts';
import type { Lowering, Row, Table } from './lowering.ts';

const first = ({ inputs }: Tensor) => inputs[0] as Tensor;
const places = (to: Lowering, { inputs }: Tensor) => inputs.map((x) => to.operand(x));

const named =
  (op: string): Row =>
  (to, node) =>
    to.node(op, places(to, node));

/** The same numbers under the same shape. */
const same: Row = (to, node) => to.operand(first(node));

const reduction =
  (op: string): Row =>
  (to, node) =>
    to.node(op, [to.operand(first(node))], node.attrs.axes as number[]);

/** x wᵀ: the second operand lies as layers keep their weights, one for all or one for each matrix. */
const product: Row = (to, { inputs, shape }) => {
  const [a, b] = inputs as [Tensor, Tensor];
  const w = transpose(b);
  const lead = shape.slice(0, -2);
  const each = (x: Tensor) => expand(x, [...lead, ...x.shape.slice(-2)]);
  const isOne = w.rank === 2 || w.shape.slice(0, -2).every((n) => n === 1);
  const [x, y] = isOne ? [a, reshape(w, w.shape.slice(-2))] : [each(a), each(w)];
  const product = to.node('linear', [to.operand(x), to.operand(y)]);
  return x.rank === shape.length ? product : to.node('reshape', [product], to.extents(shape));
};

/** Of statistics that are known, a scale and a shift. */
const folded: Row = (to, { inputs }) => {
  const [x, mean, variance, weight, bias] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const scale = mul(weight, rsqrt(add(variance, NORM_EPSILON)));
  return to.value(add(mul(x, scale), sub(bias, mul(mean, scale))));
};

const cut: Row = (to, node) => {
  const { axis, start } = node.attrs as { axis: number; start: number };
  const end = start + (node.shape[axis] as number);
  return to.node('slice', [to.operand(first(node))], axis, to.extent(start), to.extent(end));
};

/** A kernel may read few parts: many are joined by and by. */
function joined(to: Lowering, axis: number, parts: readonly number[]): number {
  if (parts.length <= MOST_PARTS) return to.node('concat', parts, axis);
  const few = [];
  for (let i = 0; i < parts.length; i += MOST_PARTS) {
    const own = parts.slice(i, i + MOST_PARTS);
    few.push(own.length > 1 ? to.node('concat', own, axis) : (own[0] as number));
  }
  return joined(to, axis, few);
}

const MOST_PARTS = 6;

const windowOf = ({ kernel, stride, dilation, top, left }: Window, over: readonly number[]) => [
  ...kernel,
  stride,
  dilation,
  top,
  left,
  ...over,
];

/** Weights [O, C, u, v] as a row for each of O. */
const flat = (weight: Tensor) =>
  reshape(transpose(weight, [0, 2, 3, 1]), [weight.shape[0] as number, -1]);

const isPointwise = ({ kernel, stride, top, left }: Window) =>
  kernel[0] * kernel[1] * stride === 1 && top === 0 && left === 0;

/** A product with the windows of images. */
const convolution: Row = (to, node) => {
  const { window } = node.attrs as unknown as WindowedImage;
  const [x, w] = node.inputs as [Tensor, Tensor];
  const image = to.operand(x);
  const windows = isPointwise(window)
    ? image
    : to.node('patches', [image], windowOf(window, window.out));
  return to.node('linear', [windows, to.operand(flat(w))]);
};

/** Its transpose: products go back to the pixels of their windows. */
const adjoint: Row = (to, node) => {
  const { window, image } = node.attrs as unknown as WindowedImage;
  const [y, w] = node.inputs as [Tensor, Tensor];
  const products = to.node('linear', [to.operand(y), to.operand(transpose(flat(w)))]);
  if (isPointwise(window)) return products;
  return to.node('overlap', [products], windowOf(window, image.slice(1, 3)));
};

const patches: Row = (to, node) => {
  const { window, image, width } = node.attrs as unknown as WindowedImage & { width: number };
  const taps = tapsOf(window) * image[3];
  const own = to.node('patches', [to.operand(first(node))], windowOf(window, window.out));
  if (width === taps) return own;
  const rest = to.extents([...node.shape.slice(0, -1), width - taps]);
  return to.node('concat', [own, to.node('expand', [to.node('c', [], 0)], rest)], node.rank - 1);
};

export const TABLE: Table = {
  ...Object.fromEntries(Object.keys(FUNCTIONS).map((name) => [name, named(name)])),
  ...Object.fromEntries(
    Object.entries(COMPOSED)
      .filter(([name]) => !Object.hasOwn(FUNCTIONS, name))
      .map(([name, compose]): [string, Row] => [
        name,
        (to, node) => to.value(compose(node.inputs, node)),
      ]),
  ),
  constant: (to, node) => to.node('c', [], node.attrs.value as number),
  normal: (to, node) => to.node('noise', [], 'normal', to.extents(node.shape)),
  uniform: (to, node) => to.node('noise', [], 'uniform', to.extents(node.shape)),
  gumbel: (to, node) => to.node('noise', [], 'gumbel', to.extents(node.shape)),
  logistic: (to, node) => to.node('noise', [], 'logistic', to.extents(node.shape)),
  equalUint: named('equal'),
  whereUint: named('where'),
  addUint: named('add'),
  mulUint: named('mul'),
  toUint: named('floor'),
  toIndex: named('floor'),
  toFloat: same,
  copy: same,
  stopGradient: same,
  scaleGradient: same,
  matmul: product,
  batchNorm: folded,
  sum: reduction('sum'),
  max: reduction('max'),
  logSumExp: reduction('logSumExp'),
  concat: (to, node) => joined(to, node.attrs.axis as number, places(to, node)),
  slice: cut,
  gather: named('gather'),
  permuteColumns: named('pick'),
  reshape: (to, node) => to.node('reshape', [to.operand(first(node))], to.extents(node.shape)),
  expand: (to, node) => to.node('expand', [to.operand(first(node))], to.extents(node.shape)),
  transpose: (to, node) =>
    to.node('transpose', [to.operand(first(node))], node.attrs.order as number[]),
  convolution,
  convolutionAdjoint: adjoint,
  patches,
  causalSolve: (to, node) =>
    to.node('solve', places(to, node), Number(node.attrs.reversed === true)),
  gru: named('gru'),
  lstm: named('lstm'),
};
