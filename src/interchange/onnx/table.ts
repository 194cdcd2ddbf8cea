// From op to node, opset 15: a row an op. What ONNX has no operator for is composed of ops that it has.
import type { Tensor } from '../../graph/tensor.ts';
import { biasOf, weightOf } from '../graphs.ts';
import { isShown } from '../recurrent.ts';
import { COMPOSED } from './composed.ts';
import { IMAGE_ROWS } from './images.ts';
import type { Lowering, Row, Table } from './lowering.ts';
import { RECURRENT_ROWS } from './recurrent.ts';

const names = (to: Lowering, { inputs }: Tensor) => inputs.map((x) => to.operand(x));
const first = ({ inputs }: Tensor) => inputs[0] as Tensor;

const operator =
  (op: string): Row =>
  (to, node) =>
    to.node(op, names(to, node));

/** Types of ONNX, as Cast names them. */
const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;

/** Truth is 1 and falsehood 0 here, a type of its own there. */
const comparison =
  (op: string): Row =>
  (to, node) =>
    to.node('Cast', [to.node(op, names(to, node))], { to: FLOAT });

/** A view that changes nothing. */
const same: Row = (to, node) => to.operand(first(node));

const reduction =
  (op: string): Row =>
  (to, node) =>
    to.node(op, [to.operand(first(node))], { axes: node.attrs.axes as number[], keepdims: 1 });

const product: Row = (to, node) => {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const weight = node.rank === 2 ? weightOf(b) : undefined;
  if (!weight) return to.node('MatMul', names(to, node));
  return to.node('Gemm', [to.operand(a), to.variable(weight)], { transB: 1 });
};

const addition: Row = (to, node) => {
  const layer = biasOf(node);
  if (!layer || to.has(layer.product)) return to.node('Add', names(to, node));
  const [a, b] = layer.product.inputs as [Tensor, Tensor];
  const weight = weightOf(b);
  const bias = to.operand(layer.bias);
  if (weight) return to.node('Gemm', [to.operand(a), to.variable(weight), bias], { transB: 1 });
  return to.node('Gemm', [to.operand(a), to.operand(b), bias]);
};

const cut: Row = (to, node) => {
  if (isShown(node)) return to.operand(first(node));
  const { axis, start } = node.attrs as { axis: number; start: number };
  const end = start + (node.shape[axis] as number);
  const range = [[start], [end], [axis]].map((at) => to.integers(at, 'range'));
  return to.node('Slice', [to.operand(first(node)), ...range]);
};

const where: Row = (to, node) => {
  const [mask, a, b] = names(to, node) as [string, string, string];
  return to.node('Where', [to.node('Cast', [mask], { to: BOOL }), a, b]);
};

/** Rows of channels, with the ε that ONNX takes by itself; operands come in another order there. */
const normalised: Row = (to, node) => {
  const [x, mean, variance, weight, bias] = names(to, node) as string[];
  return to.node('BatchNormalization', [x, weight, bias, mean, variance] as string[]);
};

const PLAIN: Readonly<Record<string, Row>> = {
  add: addition,
  sub: operator('Sub'),
  mul: operator('Mul'),
  div: operator('Div'),
  neg: operator('Neg'),
  abs: operator('Abs'),
  sign: operator('Sign'),
  floor: operator('Floor'),
  sqrt: operator('Sqrt'),
  reciprocal: operator('Reciprocal'),
  pow: operator('Pow'),
  exp: operator('Exp'),
  log: operator('Log'),
  sin: operator('Sin'),
  cos: operator('Cos'),
  erf: operator('Erf'),
  relu: operator('Relu'),
  tanh: operator('Tanh'),
  sigmoid: operator('Sigmoid'),
  maximum: operator('Max'),
  minimum: operator('Min'),
  less: comparison('Less'),
  lessEqual: comparison('LessOrEqual'),
  greater: comparison('Greater'),
  greaterEqual: comparison('GreaterOrEqual'),
  equal: comparison('Equal'),
  equalUint: comparison('Equal'),
  where,
  whereUint: where,
  toFloat: (to, node) => to.node('Cast', names(to, node), { to: FLOAT }),
  toUint: (to, node) => to.node('Cast', names(to, node), { to: INT64 }),
  toIndex: (to, node) => to.node('Cast', names(to, node), { to: INT64 }),
  addUint: operator('Add'),
  matmul: product,
  batchNorm: normalised,
  sum: (to, node) =>
    to.node(
      'ReduceSum',
      [to.operand(first(node)), to.integers(node.attrs.axes as number[], 'axes')],
      {
        keepdims: 1,
      },
    ),
  max: reduction('ReduceMax'),
  logSumExp: reduction('ReduceLogSumExp'),
  concat: (to, node) => to.node('Concat', names(to, node), { axis: node.attrs.axis as number }),
  slice: cut,
  gather: (to, node) => to.node('Gather', names(to, node), { axis: 0 }),
  permuteColumns: (to, node) => to.node('Gather', names(to, node), { axis: node.rank - 1 }),
  reshape: (to, node) => to.node('Reshape', [to.operand(first(node)), to.target(node.shape)]),
  transpose: (to, node) =>
    to.node('Transpose', names(to, node), { perm: node.attrs.order as number[] }),
  expand: (to, node) => to.node('Expand', [to.operand(first(node)), to.extents(node.shape)]),
  copy: same,
  stopGradient: same,
  scaleGradient: same,
};

export const TABLE: Table = {
  ...PLAIN,
  ...IMAGE_ROWS,
  ...RECURRENT_ROWS,
  ...Object.fromEntries(
    Object.entries(COMPOSED).map(([name, compose]): [string, Row] => [
      name,
      (to, node) => to.value(compose(node.inputs, node)),
    ]),
  ),
};
