/** Functions of a few tensors that use every op whose derivative is more than a formula an element. */
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';

export interface Composition {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly build: (...inputs: Tensor[]) => Tensor;
}

type Inputs = [Tensor, Tensor, Tensor, Tensor];
type Build = (...inputs: Inputs) => Tensor;
const composition = (name: string, shapes: readonly Shape[], build: Build): Composition => ({
  name,
  shapes,
  build: (...inputs) => build(...(inputs as Inputs)),
});

export const compositions: readonly Composition[] = [
  composition('broadcasting', [[3, 4], [4], [3, 1], []], (a, b, c, d) =>
    o.mul(o.add(a, b), o.sub(c, d)),
  ),
  composition(
    'leading axes',
    [
      [2, 3, 4],
      [3, 1],
      [1, 1, 4],
    ],
    (a, b, c) => o.div(o.mul(a, b), o.add(o.square(c), 1)),
  ),
  composition('clamp', [[3, 5]], (a) => o.clamp(a, -0.7, 0.9)),
  composition('where', [[3, 4], [4]], (a, b) =>
    o.where(o.greater(a, 0.1), o.square(b), o.mul(a, b)),
  ),
  composition(
    'reshape',
    [
      [3, 4],
      [2, 6],
    ],
    (a, b) => o.mul(o.reshape(a, [2, 6]), o.tanh(b)),
  ),
  composition(
    'transpose',
    [
      [2, 3, 4],
      [4, 2, 3],
    ],
    (a, b) => o.mul(o.transpose(a, [2, 0, 1]), b),
  ),
  composition('slice', [[4, 6]], (a) => o.mul(o.slice(a, 1, 1, 4), o.slice(a, 1, 3, 6))),
  composition('split', [[3, 7]], (a) => {
    const [x, y, z] = o.split(a, [2, 3, 2]) as [Tensor, Tensor, Tensor];
    return o.add(o.mul(x, z), o.sum(o.square(y), 1, { keepDims: true }));
  }),
  composition(
    'concat',
    [
      [2, 3],
      [2, 4],
      [2, 1],
    ],
    (a, b, c) => o.square(o.concat([a, o.mul(b, c), a], 1)),
  ),
  composition('expand', [[3, 1]], (a) => o.square(o.sub(o.expand(a, [2, 3, 4]), 0.3))),
  composition('unsqueeze', [[3, 4]], (a) => o.mul(o.unsqueeze(a, 1), o.unsqueeze(a, 0))),
  composition('stopGradient and copy', [[3, 4]], (a) => o.mul(o.copy(a), a)),
  composition('sum over the middle', [[2, 3, 4]], (a) => o.square(o.sum(a, 1))),
  composition('mean of all', [[3, 5]], (a) => o.square(o.mean(a))),
  composition('max', [[3, 5]], (a) => o.square(o.max(a, 1, { keepDims: true }))),
  composition('logSumExp', [[2, 3, 4]], (a) => o.square(o.logSumExp(a, [0, 2]))),
  composition('logMeanExp', [[4, 3]], (a) => o.square(o.logMeanExp(a, 0))),
  composition('softmax', [[3, 5], [5]], (a, b) => o.mul(o.softmax(a), b)),
  composition(
    'logSoftmax over columns',
    [
      [3, 5],
      [3, 1],
    ],
    (a, b) => o.mul(o.logSoftmax(a, 0), b),
  ),
  composition('variance', [[3, 5]], (a) => o.square(o.variance(a, 1))),
  composition('layer norm', [[3, 5], [5], [5]], (a, gain, bias) => {
    const x = a;
    const centred = o.sub(x, o.mean(x, 1, { keepDims: true }));
    const scale = o.rsqrt(o.add(o.variance(x, 1, { keepDims: true }), 0.1));
    return o.square(o.add(o.mul(o.mul(centred, scale), gain), bias));
  }),
  composition(
    'product',
    [
      [3, 4],
      [4, 2],
    ],
    (a, b) => o.square(o.matmul(a, b)),
  ),
  composition(
    'transposed products',
    [
      [4, 3],
      [2, 4],
    ],
    (a, b) => o.square(o.matmul(o.transpose(a), o.transpose(b))),
  ),
  composition(
    'batched product',
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    (a, b) => o.square(o.matmul(a, b)),
  ),
  composition(
    'product broadcast over a batch',
    [
      [2, 3, 4],
      [4, 2],
    ],
    (a, b) => o.square(o.matmul(a, b)),
  ),
  composition(
    'product broadcast either way',
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    (a, b) => o.square(o.matmul(a, b)),
  ),
  composition(
    'vector product',
    [
      [1, 4],
      [4, 1],
    ],
    (a, b) => o.exp(o.mul(0.1, o.matmul(a, b))),
  ),
  composition('a tensor with itself', [[3, 3]], (a) => o.matmul(a, o.transpose(a))),
  composition('linear, activation, loss', [[3, 4], [5, 4], [5], [3, 5]], (x, w, b, y) =>
    o.bernoulliLogProb(o.tanh(o.add(o.matmul(x, o.transpose(w)), b)), o.sigmoid(y)),
  ),
];

/** A number that depends on every element of a tensor in a way of its own. */
export function lossOf(y: Tensor): Tensor {
  const weights = o.add(o.mul(0.25, o.toFloat(o.modUint(o.iota(y.size), 7))), 0.5);
  return o.sum(o.mul(o.reshape(y, [y.size]), weights));
}
