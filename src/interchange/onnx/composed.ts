// Ops that ONNX has no operator for, in terms of others that it has.
import type { Tensor } from '../../graph/tensor.ts';
import {
  abs,
  add,
  div,
  equal,
  erf,
  exp,
  greater,
  less,
  log,
  log1p,
  maximum,
  mul,
  neg,
  reciprocal,
  relu,
  sigmoid,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from '../../ops/index.ts';
import { ORDERED } from './order.ts';
import { SEGMENTED } from './segments.ts';
import { spline } from './spline.ts';

type Compose = (inputs: readonly Tensor[], node: Tensor) => Tensor;

const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI);

const unary =
  (f: (x: Tensor) => Tensor): Compose =>
  ([x]) =>
    f(x as Tensor);

/** -½ x² - ½ log 2π. */
const standardNormal = (x: Tensor) => sub(mul(-0.5, mul(x, x)), HALF_LOG_2_PI);
/** (x - μ) / σ. */
const scaled = (x: Tensor, mean: Tensor, logStd: Tensor) => mul(sub(x, mean), exp(neg(logStd)));

export const COMPOSED: Readonly<Record<string, Compose>> = {
  square: unary((x) => mul(x, x)),
  rsqrt: unary((x) => reciprocal(sqrt(x))),
  /** log(u) x / (u - 1) with u = 1 + x, whose roundings cancel. */
  log1p: unary((x) => {
    const u = add(x, 1);
    const moved = sub(u, 1);
    const isLost = equal(moved, 0);
    return where(isLost, x, mul(log(u), div(x, where(isLost, 1, moved))));
  }),
  /** tanh(x / 2) (eˣ + 1), which cancels nothing. */
  expm1: unary((x) => mul(tanh(mul(0.5, x)), add(exp(x), 1))),
  logAddExp: ([a, b]) =>
    add(maximum(a as Tensor, b as Tensor), log1p(exp(neg(abs(sub(a as Tensor, b as Tensor)))))),
  /** max(x, 0) + log(1 + e^-|x|), which nothing can overflow. */
  softplus: unary((x) => add(relu(x), log(add(exp(neg(abs(x))), 1)))),
  logSigmoid: unary((x) => neg(softplus(neg(x)))),
  /** The error function's form: the Gelu operator came with opset 20. */
  gelu: unary((x) => mul(mul(x, add(erf(mul(x, Math.SQRT1_2)), 1)), 0.5)),
  silu: unary((x) => mul(x, sigmoid(x))),
  leakyRelu: ([x, slope]) => sub(relu(x as Tensor), mul(slope as Tensor, relu(neg(x as Tensor)))),
  reparameterize: ([mean, logStd, noise]) =>
    add(mean as Tensor, mul(exp(logStd as Tensor), noise as Tensor)),
  standardNormalLogProb: unary(standardNormal),
  normalLogProb: ([x, mean, logStd]) =>
    sub(standardNormal(scaled(x as Tensor, mean as Tensor, logStd as Tensor)), logStd as Tensor),
  bernoulliLogProb: ([logits, x]) =>
    sub(mul(x as Tensor, logits as Tensor), softplus(logits as Tensor)),
  klStandardNormal: ([mean, logStd]) =>
    sub(
      mul(0.5, sub(add(square(mean as Tensor), exp(mul(2, logStd as Tensor))), 1)),
      logStd as Tensor,
    ),
  klNormal: ([mean, logStd, meanP, logStdP]) => {
    const ratio = sub(logStd as Tensor, logStdP as Tensor);
    const apart = square(scaled(mean as Tensor, meanP as Tensor, logStdP as Tensor));
    return sub(mul(0.5, sub(add(apart, exp(mul(2, ratio))), 1)), ratio);
  },
  /** -z - log s - 2 softplus(-z). */
  logisticLogProb: ([x, mean, logScale]) => {
    const z = scaled(x as Tensor, mean as Tensor, logScale as Tensor);
    return sub(sub(neg(z), mul(2, softplus(neg(z)))), logScale as Tensor);
  },
  /** The bin around x, of which the outermost are open: σ(u) - σ(l) = σ(u) σ(-l) (1 - e^(l - u)). */
  discretizedLogisticLogProb: ([x, mean, logScale, levels]) => {
    const half = div(0.5, sub(levels as Tensor, 1));
    const inverse = exp(neg(logScale as Tensor));
    const edge = (at: Tensor) => mul(sub(at, mean as Tensor), inverse);
    const below = softplus(neg(edge(add(x as Tensor, half))));
    const above = softplus(edge(sub(x as Tensor, half)));
    // 1 - e^-w = tanh(w / 2) (1 + e^-w), which cancels nothing.
    const width = mul(mul(2, half), inverse);
    const mass = log(mul(tanh(mul(0.5, width)), add(1, exp(neg(width)))));
    const inner = sub(sub(mass, below), above);
    const isLast = greater(x as Tensor, sub(1, half));
    return where(less(x as Tensor, half), neg(below), where(isLast, neg(above), inner));
  },
  /** The logarithm of what is below 0 is no number. */
  positive: unary((x) => where(greater(x, 0), x, log(sub(-1, mul(x, x))))),
  spline,
  ...ORDERED,
  ...SEGMENTED,
};
