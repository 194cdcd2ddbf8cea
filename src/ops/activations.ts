// Activations: a row each, with the derivative as an op of its own so that the scheduler can fuse
// it into the backward product. Where it can be had from the output, the input need not be kept.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { libActivations } from '../kernels/shaders.gen.ts';
import { add, mul, neg, sub } from './arithmetic.ts';
import type { TensorLike } from './constant.ts';
import { exp, square } from './elementary.ts';
import { elementwise } from './elementwise.ts';
import * as exact from './reference/special.ts';

const module = libActivations;
type Unary = (x: TensorLike) => Tensor;

/** An activation whose derivative follows from its output y, as does that of the derivative. */
function fromOutput(
  name: string,
  fn: string,
  derivative: string,
  flops: number,
  f: (x: number) => number,
  dy: (y: number) => number,
  ddy?: Unary,
): Unary {
  const slope = elementwise({
    name: `${name}Grad`,
    fn: derivative,
    module,
    flops,
    reference: (y) => dy(y as number),
    ...(ddy && { vjp: ([y], _, g) => [mul(g, ddy(y as Tensor))] }),
  });
  return elementwise({
    name,
    fn,
    module,
    flops,
    reference: (x) => f(x as number),
    vjp: (_, y, g) => [mul(g, slope(y))],
  });
}

/** An activation whose derivative needs its input x. */
function fromInput(
  name: string,
  fn: string,
  derivative: string,
  flops: number,
  f: (x: number) => number,
  dx: (x: number) => number,
  ddx: Unary,
): Unary {
  const slope = elementwise({
    name: `${name}Grad`,
    fn: derivative,
    module,
    flops,
    reference: (x) => dx(x as number),
    vjp: ([x], _, g) => [mul(g, ddx(x as Tensor))],
  });
  return elementwise({
    name,
    fn,
    module,
    flops,
    reference: (x) => f(x as number),
    vjp: ([x], _, g) => [mul(g, slope(x as Tensor))],
  });
}

/**
 * max(x, 0).
 *
 * @example relu(-2) // 0
 */
export const relu = fromOutput(
  'relu',
  'relu',
  'relu_grad',
  1,
  (x) => Math.max(x, 0),
  (y) => +(y > 0),
);
/**
 * Hyperbolic tangent.
 *
 * @example tanh(0.5) // 0.4621
 */
export const tanh = fromOutput(
  'tanh',
  'tanh4',
  'tanh_grad',
  16,
  Math.tanh,
  (y) => 1 - y * y,
  (y) => mul(-2, y),
);
/**
 * 1 / (1 + e⁻ˣ).
 *
 * @example sigmoid(0) // 0.5
 */
export const sigmoid = fromOutput(
  'sigmoid',
  'sigmoid',
  'sigmoid_grad',
  12,
  exact.sigmoid,
  (y) => y * (1 - y),
  (y) => sub(1, mul(2, y)),
);
/**
 * log(1 + eˣ).
 *
 * @example softplus(0) // 0.6931
 */
export const softplus = fromOutput(
  'softplus',
  'softplus',
  'softplus_grad',
  20,
  exact.softplus,
  (y) => -Math.expm1(-y),
  (y) => exp(neg(y)),
);
/**
 * x Φ(x), the exact (erf) form. Hendrycks and Gimpel 2016.
 *
 * @example gelu(1) // 0.8413
 */
export const gelu = fromInput(
  'gelu',
  'gelu',
  'gelu_grad',
  24,
  exact.gelu,
  exact.geluGrad,
  // φ(x) (2 - x²)
  (x) => mul(mul(exp(mul(-0.5, square(x))), exact.normalPdf(0)), sub(2, square(x))),
);
/**
 * x σ(x), also called swish.
 *
 * @example silu(1) // 0.7311
 */
export const silu = fromInput(
  'silu',
  'silu',
  'silu_grad',
  14,
  exact.silu,
  exact.siluGrad,
  // σ' (2 + x (1 - 2σ))
  (x) => {
    const s = sigmoid(x);
    return mul(mul(s, sub(1, s)), add(2, mul(x, sub(1, mul(2, s)))));
  },
);

const leakySlope = elementwise({
  name: 'leakyReluGrad',
  fn: 'leaky_relu_grad',
  module,
  reference: (y, slope) => ((y as number) > 0 ? 1 : (slope as number)),
});
const leaky = elementwise({
  name: 'leakyRelu',
  fn: 'leaky_relu',
  module,
  reference: (x, slope) => ((x as number) > 0 ? (x as number) : (x as number) * (slope as number)),
  vjp: ([, slope], y, g) => [mul(g, leakySlope(y, slope as Tensor)), undefined],
});
/**
 * x for x > 0, else slope · x, with a positive slope.
 *
 * @throws LatentGpuError `bad-input` for another slope
 * @example leakyRelu(-2, 0.1) // -0.2
 */
export function leakyRelu(x: TensorLike, slope = 0.01): Tensor {
  // Of another the derivative would not follow from the sign of the result.
  if (!(slope > 0)) {
    throw new LatentGpuError('bad-input', `leakyRelu: the slope is ${slope}; it must be positive`);
  }
  return leaky(x, slope);
}

/**
 * log σ(x) = -softplus(-x).
 *
 * @example logSigmoid(0) // -0.6931
 */
export const logSigmoid: Unary = elementwise({
  name: 'logSigmoid',
  fn: 'log_sigmoid',
  module,
  flops: 20,
  reference: (x) => exact.logSigmoid(x as number),
  vjp: ([x], _, g) => [mul(g, sub(1, sigmoid(x as Tensor)))],
});

/** The activations a layer can name. */
export const activations = {
  identity: (x: Tensor) => x,
  relu,
  tanh,
  sigmoid,
  softplus,
  gelu,
  silu,
  leakyRelu: (x: Tensor) => leakyRelu(x),
} as const;

export type Activation = keyof typeof activations;
