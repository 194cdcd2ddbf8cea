// From op to an expression of PyTorch: a row an op.
import type { Tensor } from '../../graph/tensor.ts';
import type { Image, Window } from '../../kernels/window.ts';
import { NORM_EPSILON, NORM_MOMENTUM, type SplineForm } from '../../ops/index.ts';
import { LEAST, UNIT_SLOPE } from '../../ops/reference/spline.ts';
import { biasOf, weightOf } from '../graphs.ts';
import { isShown } from '../recurrent.ts';
import {
  atom,
  BINDS,
  call,
  type Expression,
  infix,
  method,
  negated,
  tuple,
  within,
} from './expression.ts';
import type { Lowering, Row, Table } from './lowering.ts';
import { RECURRENT_ROWS } from './recurrent.ts';

const first = ({ inputs }: Tensor) => inputs[0] as Tensor;
const all = (to: Lowering, node: Tensor) => node.inputs.map((x) => to.operand(x, node));

const operator =
  (sign: string, binds: number): Row =>
  (to, node) => {
    const [a, b] = all(to, node) as [Expression, Expression];
    return infix(a, sign, b, binds);
  };
const own =
  (name: string, ...given: string[]): Row =>
  (to, node) =>
    method(to.operand(first(node), node), name, ...given);
/** A function, of tensors alone but for the operands that may be numbers. */
const calling =
  (name: string, ...numbers: readonly number[]): Row =>
  (to, node) =>
    call(
      name,
      ...node.inputs.map((x, i) =>
        numbers.includes(i) ? to.operand(x, node).text : to.whole(x, node),
      ),
    );
/** Functions of tensors alone: numbers become tensors of the data's type. */
const pairwise =
  (name: string, bound: string): Row =>
  (to, node) => {
    const numbers = node.inputs.map((x) => to.numberOf(x));
    const at = numbers.findIndex((value) => value !== undefined);
    if (at < 0) return calling(name)(to, node);
    const limit = (numbers[at] as Expression).text;
    return method(to.operand(node.inputs[1 - at] as Tensor, node), 'clamp', `${bound}=${limit}`);
  };
/** A function of functions.py. */
const helper =
  (name: string, ...numbers: readonly number[]): Row =>
  (to, node) =>
    calling(to.helper(name), ...numbers)(to, node);

/** Truth as numbers. */
const comparison =
  (sign: string): Row =>
  (to, node) =>
    atom(`(${infixText(...(all(to, node) as [Expression, Expression]), sign)}).to(${to.typeOf})`);

function infixText(a: Expression, b: Expression, sign: string): string {
  return `${within(a, BINDS.sum)} ${sign} ${within(b, BINDS.sum)}`;
}

const COMPARISONS: Readonly<Record<string, string>> = {
  less: '<',
  lessEqual: '<=',
  greater: '>',
  greaterEqual: '>=',
  equal: '==',
  equalUint: '==',
};

const where: Row = (to, node) => {
  const [mask, a, b] = node.inputs as [Tensor, Tensor, Tensor];
  const sign = COMPARISONS[mask.op.name];
  const isOpen = sign !== undefined && to.isFolded(mask);
  const condition = isOpen
    ? infixText(...(all(to, mask) as [Expression, Expression]), sign)
    : infixText(to.operand(mask, node), atom('0'), '!=');
  return call('torch.where', condition, to.operand(a, node).text, to.operand(b, node).text);
};

/** A sum and so on over axes, which stay with extent 1 unless `isDropped`. */
export function reduced(to: Lowering, node: Tensor, isDropped: boolean): Expression {
  const x = first(node);
  const axes = node.attrs.axes as number[];
  const isAll = isDropped && axes.length === x.rank;
  const over = axes.length === 1 ? String(axes[0]) : tuple(axes);
  const given = isAll && node.op.name !== 'logSumExp' ? [] : [over];
  const keep = isDropped ? [] : ['True'];
  const name = { sum: 'sum', max: 'amax', logSumExp: 'logsumexp' }[node.op.name] as string;
  return method(to.operand(x, node), name, ...given, ...keep);
}

const reshape: Row = (to, node) => {
  const x = first(node);
  const isReduced = x.op.kind === 'reduce' && to.isFolded(x);
  const axes = (x.attrs.axes ?? []) as number[];
  const dropped = x.shape.filter((_, axis) => !axes.includes(axis));
  if (isReduced && dropped.join() === node.shape.join()) return reduced(to, x, true);
  const shape = to.extents(node);
  return method(to.operand(x, node), 'reshape', ...(shape.length > 0 ? shape : ['()']));
};

/** m · Σ x / n is m times the mean. */
function scaledMean(to: Lowering, node: Tensor): Expression | undefined {
  const at = node.inputs.findIndex((x) => to.perRow(x) !== undefined);
  const summed = node.inputs[1 - at];
  if (at < 0 || !summed) return undefined;
  const perRow = to.perRow(node.inputs[at] as Tensor) as number;
  const view = summed.op.name === 'reshape' ? first(summed) : summed;
  if (view.op.name === 'sum' && to.isFolded(summed) && to.isFolded(view)) {
    const axes = view.attrs.axes as number[];
    const x = first(view);
    const count = axes.reduce((n, axis) => n * (x.shape[axis] as number), 1) / to.rows;
    const isAll = axes.length === x.rank && view !== summed;
    const isPlain = view === summed || summed.rank === x.rank - axes.length;
    const times = Number((perRow * count).toPrecision(12));
    if (isPlain && Number.isInteger(count)) {
      const keep = view === summed ? ['True'] : [];
      const over = isAll ? [] : [axes.length === 1 ? String(axes[0]) : tuple(axes), ...keep];
      const mean = method(to.operand(x, view), 'mean', ...over);
      if (times === 1) return mean;
      if (times === -1) return negated(mean);
      return infix(to.number(times), '*', mean, BINDS.product);
    }
  }
  const by = infix(to.operand(summed, node), '/', atom('B'), BINDS.product);
  return perRow === 1 ? by : infix(to.number(perRow), '*', by, BINDS.product);
}

const product: Row = (to, node) => scaledMean(to, node) ?? operator('*', BINDS.product)(to, node);

const addition: Row = (to, node) => {
  const layer = biasOf(node);
  if (!layer || !to.isFolded(layer.product)) return operator('+', BINDS.sum)(to, node);
  return linear(to, layer.product, to.operand(layer.bias, node).text);
};

function linear(to: Lowering, node: Tensor, ...bias: string[]): Expression {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const weight = node.rank === 2 ? weightOf(b) : undefined;
  const fed = to.operand(a, node);
  if (weight) return call('F.linear', fed.text, to.variable(weight), ...bias);
  const made = infix(fed, '@', to.operand(b, node), BINDS.product);
  return bias.length === 0 ? made : infix(made, '+', atom(bias[0] as string), BINDS.sum);
}

const slice: Row = (to, node) => {
  if (isShown(node)) return to.operand(first(node), node);
  const { axis, start } = node.attrs as { axis: number; start: number };
  const range = `${start}:${start + (node.shape[axis] as number)}`;
  const x = within(to.operand(first(node), node), BINDS.atom);
  if (axis === node.rank - 1) return atom(`${x}[..., ${range}]`);
  return atom(`${x}[${[...Array<string>(axis).fill(':'), range].join(', ')}]`);
};

const picked =
  (prefix: string): Row =>
  (to, node) => {
    const [x, index] = all(to, node) as [Expression, Expression];
    return atom(`${within(x, BINDS.atom)}[${prefix}${index.text}]`);
  };

const concat: Row = (to, node) =>
  call(
    'torch.cat',
    `[${node.inputs.map((x) => to.whole(x, node)).join(', ')}]`,
    String(node.attrs.axis),
  );

const transpose: Row = (to, node) => {
  const order = node.attrs.order as number[];
  const x = to.operand(first(node), node);
  if (order.length === 2) return atom(`${within(x, BINDS.atom)}.T`);
  return method(x, 'permute', ...order.map(String));
};

interface Places {
  readonly window: Window;
  readonly image: Image;
  readonly width: number;
}

/** Zeros that a convolution puts around an image, or rows that it leaves out: left, right, above, below. */
function padding({ window, image }: Places): string {
  const { stride, dilation, kernel, out, top, left } = window;
  const after = ([0, 1] as const).map(
    (axis) =>
      (out[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1 - (image[axis + 1] as number),
  );
  return tuple([left, (after[1] as number) - left, top, (after[0] as number) - top]);
}

const convolution =
  (name: string): Row =>
  (to, node) => {
    const places = node.attrs as unknown as Places;
    const { stride, dilation } = places.window;
    const given = all(to, node).map(({ text }) => text);
    return call(to.helper(name), ...given, String(stride), String(dilation), padding(places));
  };

/** By the batch's statistics in training, which then move the running ones, as PyTorch's layer does. */
const normalised: Row = (to, node) => {
  const given = all(to, node).map(({ text }) => text);
  return call(
    'F.batch_norm',
    ...given,
    'self.training',
    `momentum=${NORM_MOMENTUM}`,
    `eps=${NORM_EPSILON}`,
  );
};

const patches: Row = (to, node) => {
  const { window, width } = node.attrs as unknown as Places;
  const { kernel, stride, dilation, top, left, out } = window;
  const shape = [tuple(kernel), stride, dilation, tuple([top, left]), tuple(out), width];
  return call(to.helper('patches'), to.operand(first(node), node).text, ...shape.map(String));
};

const spline: Row = (to, node) => {
  const { bins, bound, inverse } = node.attrs as unknown as SplineForm;
  const form = [bins, bound, inverse ? 'True' : 'False', LEAST, UNIT_SLOPE].map(String);
  return call(to.helper('spline'), ...all(to, node).map(({ text }) => text), ...form);
};

const inverseOfTriangle: Row = (to, node) => {
  const { upper, unitDiagonal } = node.attrs as { upper: boolean; unitDiagonal: boolean };
  const flags = [upper, unitDiagonal].map((is) => (is ? 'True' : 'False'));
  return call(to.helper('inverse_of_triangle'), to.operand(first(node), node).text, ...flags);
};

const reparameterize: Row = (to, node) => {
  const [mean, logStd, noise] = node.inputs as [Tensor, Tensor, Tensor];
  const given = to.operand(noise, node);
  const still = noise.op.kind === 'noise' ? given : method(given, 'detach');
  const spread = infix(method(to.operand(logStd, node), 'exp'), '*', still, BINDS.product);
  return infix(to.operand(mean, node), '+', spread, BINDS.sum);
};

/** A fold of all up to each; from the other end by way of a line turned around. */
const running =
  (name: string): Row =>
  (to, node) => {
    const { reverse, exclusive } = node.attrs;
    const axis = String(node.attrs.axis);
    const x = to.operand(first(node), node);
    const turned = (of: Expression) => (reverse ? method(of, 'flip', axis) : of);
    const all = turned(method(turned(x), name, axis));
    return exclusive ? infix(all, '-', x, BINDS.sum) : all;
  };

/** The first places in order; of equal ones the first comes first. */
const ordered: Row = (to, node) => {
  const way = node.attrs.descending ? 'True' : 'False';
  const x = to.operand(first(node), node);
  const all = method(x, 'argsort', 'dim=-1', `descending=${way}`, 'stable=True');
  const count = node.shape.at(-1) as number;
  return count === first(node).shape.at(-1) ? all : method(all, 'narrow', '-1', '0', String(count));
};

const taken: Row = (to, node) => {
  const [x, index] = all(to, node) as [Expression, Expression];
  return call('torch.take_along_dim', x.text, index.text, '-1');
};

/** A fold over segments of the last axis, at each element that of its own. */
const segmented =
  (name: string): Row =>
  (to, node) => {
    const sizes = `[${(node.attrs.sizes as number[]).join(', ')}]`;
    const parts = method(to.operand(first(node), node), 'split', sizes, '-1').text;
    const each = `part.${name}(-1, keepdim=True).expand_as(part)`;
    return call('torch.cat', `[${each} for part in ${parts}]`, '-1');
  };

const positive: Row = (to, node) => {
  const x = to.whole(first(node), node);
  return call('torch.where', `${x} > 0`, x, 'float("nan")');
};

/** A view that changes nothing. */
const same: Row = (to, node) => to.operand(first(node), node);

export const TABLE: Table = {
  add: addition,
  sub: operator('-', BINDS.sum),
  mul: product,
  div: operator('/', BINDS.product),
  neg: (to, node) => negated(to.operand(first(node), node)),
  abs: own('abs'),
  sign: own('sign'),
  floor: own('floor'),
  square: own('square'),
  sqrt: own('sqrt'),
  rsqrt: own('rsqrt'),
  reciprocal: own('reciprocal'),
  pow: calling('torch.pow', 0, 1),
  exp: own('exp'),
  log: own('log'),
  log1p: own('log1p'),
  expm1: own('expm1'),
  sin: own('sin'),
  cos: own('cos'),
  erf: own('erf'),
  logGamma: own('lgamma'),
  digamma: own('digamma'),
  logNdtr: calling('torch.special.log_ndtr'),
  ndtri: calling('torch.special.ndtri'),
  logAddExp: calling('torch.logaddexp'),
  relu: calling('F.relu'),
  tanh: own('tanh'),
  sigmoid: own('sigmoid'),
  softplus: calling('F.softplus'),
  gelu: calling('F.gelu'),
  silu: calling('F.silu'),
  leakyRelu: calling('F.leaky_relu', 1),
  logSigmoid: calling('F.logsigmoid'),
  maximum: pairwise('torch.maximum', 'min'),
  minimum: pairwise('torch.minimum', 'max'),
  ...Object.fromEntries(
    Object.entries(COMPARISONS).map(([name, sign]) => [name, comparison(sign)]),
  ),
  where,
  whereUint: where,
  positive,
  cumSum: running('cumsum'),
  cumProd: running('cumprod'),
  logCumSumExp: running('logcumsumexp'),
  argSort: ordered,
  takeLines: taken,
  segmentSum: segmented('sum'),
  segmentLogSumExp: segmented('logsumexp'),
  segmentMax: segmented('amax'),
  toFloat: (to, node) => method(to.operand(first(node), node), 'to', to.typeOf),
  toUint: (to, node) => method(method(to.operand(first(node), node), 'floor'), 'long'),
  toIndex: (to, node) => method(method(to.operand(first(node), node), 'floor'), 'long'),
  addUint: operator('+', BINDS.sum),
  divUint: operator('//', BINDS.product),
  modUint: operator('%', BINDS.product),
  matmul: (to, node) => linear(to, node),
  sum: (to, node) => reduced(to, node, false),
  max: (to, node) => reduced(to, node, false),
  logSumExp: (to, node) => reduced(to, node, false),
  reparameterize,
  standardNormalLogProb: helper('standard_normal_log_prob'),
  normalLogProb: helper('normal_log_prob'),
  bernoulliLogProb: helper('bernoulli_log_prob'),
  logisticLogProb: helper('logistic_log_prob'),
  discretizedLogisticLogProb: helper('discretized_logistic_log_prob', 3),
  studentTLogProb: helper('student_t_log_prob'),
  klStandardNormal: helper('kl_standard_normal'),
  klNormal: helper('kl_normal'),
  concat,
  slice,
  gather: picked(''),
  permuteColumns: picked('..., '),
  reshape,
  transpose,
  expand: (to, node) => method(to.operand(first(node), node), 'expand', ...to.extents(node)),
  iota: (to, node) => call('torch.arange', ...to.extents(node), `device=${to.deviceOf}`),
  copy: same,
  stopGradient: own('detach'),
  // The gradient is scaled at the end, when the scale is there.
  scaleGradient: (to, node) =>
    method(to.operand(first(node), node), 'view_as', to.operand(first(node), node).text),
  convolution: convolution('convolution'),
  convolutionAdjoint: convolution('transposed_convolution'),
  batchNorm: normalised,
  patches,
  ...RECURRENT_ROWS,
  spline,
  triangularInverse: inverseOfTriangle,
  cholesky: calling('torch.linalg.cholesky'),
  luMatrix: helper('lu_matrix'),
  luInverse: helper('lu_inverse'),
};
