// The gamma function's logarithm and its derivatives: what densities of counts, rates and shares are made of.
import type { Tensor } from '../graph/tensor.ts';
import { libGamma } from '../kernels/shaders.gen.ts';
import { mul } from './arithmetic.ts';
import { type Binary, elementwise, type Unary } from './elementwise.ts';
import * as reference from './reference/gamma.ts';
import { unknownGradient } from './unknown-gradient.ts';

const module = libGamma;

const trigamma: Unary = elementwise({
  name: 'trigamma',
  fn: 'trigamma4',
  module,
  reference: (x) => reference.trigamma(x as number),
  flops: 40,
  vjp: unknownGradient('trigamma'),
});

/**
 * The digamma function, d log Γ(x) / dx, for x > 0 (DLMF 5.2.2).
 *
 * @example digamma(1) // -0.5772
 */
export const digamma: Unary = elementwise({
  name: 'digamma',
  fn: 'digamma4',
  module,
  reference: (x) => reference.digamma(x as number),
  flops: 40,
  vjp: ([x], _, g) => [mul(g, trigamma(x as Tensor))],
});

/**
 * log Γ(x), for x > 0: `torch.lgamma`, log (x - 1)! of whole numbers.
 *
 * @example logGamma(5) // 3.1781
 */
export const logGamma: Unary = elementwise({
  name: 'logGamma',
  fn: 'log_gamma4',
  module,
  reference: (x) => reference.logGamma(x as number),
  flops: 40,
  vjp: ([x], _, g) => [mul(g, digamma(x as Tensor))],
});

/**
 * d log z / dα of draws z of Gamma(α, 1) that keep their quantile, given α and log z: what makes them pathwise
 * (Figurnov, Mohamed and Mnih 2018, "Implicit reparameterization gradients").
 */
export const logGammaSlope: Binary = elementwise({
  name: 'logGammaSlope',
  fn: 'log_gamma_slope4',
  module,
  reference: (a, logZ) => reference.logGammaSlope(a as number, logZ as number),
  flops: 400,
  vjp: unknownGradient('a gradient of a gamma draw'),
});
