// Elementary functions, powers to erf: a row an op. Those of lib/numerics keep the accuracy that WGSL's
// own do not promise.
import type { Tensor } from '../graph/tensor.ts';
import { libNumerics } from '../kernels/shaders.gen.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { constantValue } from './constant.ts';
import { type Binary, elementwise, type Unary } from './elementwise.ts';
import { erf as erfReference, logaddexp } from './reference/special.ts';

/**
 * |x|.
 *
 * @example abs(-2) // 2
 */
export const abs: Unary = elementwise({
  name: 'abs',
  fn: 'abs',
  reference: Math.abs,
  vjp: ([x], _, g) => [mul(g, sign(x as Tensor))],
});
/**
 * -1, 0 or 1.
 *
 * @example sign(-2) // -1
 */
export const sign: Unary = elementwise({
  name: 'sign',
  fn: 'sign4',
  reference: Math.sign,
});
/**
 * The largest whole number that is not above x.
 *
 * @example floor(-0.5) // -1
 */
export const floor: Unary = elementwise({
  name: 'floor',
  fn: 'floor4',
  reference: Math.floor,
});
/**
 * x².
 *
 * @example square(-3) // 9
 */
export const square: Unary = elementwise({
  name: 'square',
  reference: (x) => (x as number) * (x as number),
  vjp: ([x], _, g) => [mul(mul(2, x as Tensor), g)],
});
/**
 * √x, for x ≥ 0.
 *
 * @example sqrt(2) // 1.4142
 */
export const sqrt: Unary = elementwise({
  name: 'sqrt',
  fn: 'sqrt',
  reference: Math.sqrt,
  flops: 4,
  vjp: (_, y, g) => [div(mul(0.5, g), y)],
});
/**
 * 1/√x.
 *
 * @example rsqrt(4) // 0.5
 */
export const rsqrt: Unary = elementwise({
  name: 'rsqrt',
  reference: (x) => 1 / Math.sqrt(x as number),
  flops: 4,
  vjp: ([x], y, g) => [mul(-0.5, mul(g, div(y, x as Tensor)))],
});
/**
 * 1/x.
 *
 * @example reciprocal(4) // 0.25
 */
export const reciprocal: Unary = elementwise({
  name: 'reciprocal',
  reference: (x) => 1 / (x as number),
  vjp: (_, y, g) => [neg(mul(g, square(y)))],
});
/**
 * x to the power y, for x ≥ 0.
 *
 * @example pow(2, 3) // 8
 */
export const pow: Binary = elementwise({
  name: 'pow',
  fn: 'power',
  reference: (x, y) => (x as number) ** (y as number),
  flops: 16,
  vjp: ([x, y], out, g) => [
    mul(g, mul(y as Tensor, pow(x as Tensor, sub(y as Tensor, 1)))),
    constantValue(y as Tensor) === undefined ? mul(g, mul(out, log(x as Tensor))) : undefined,
  ],
});

/**
 * eˣ.
 *
 * @example exp(1) // 2.7183
 */
export const exp: Unary = elementwise({
  name: 'exp',
  fn: 'exp4',
  module: libNumerics,
  reference: Math.exp,
  flops: 8,
  vjp: (_, y, g) => [mul(g, y)],
});
/**
 * Natural logarithm, for x > 0.
 *
 * @example log(2) // 0.6931
 */
export const log: Unary = elementwise({
  name: 'log',
  fn: 'log4',
  module: libNumerics,
  reference: Math.log,
  flops: 8,
  vjp: ([x], _, g) => [div(g, x as Tensor)],
});
/**
 * log(1 + x), accurate for small x.
 *
 * @example log1p(1) // 0.6931
 */
export const log1p: Unary = elementwise({
  name: 'log1p',
  fn: 'log1p4',
  module: libNumerics,
  reference: Math.log1p,
  flops: 12,
  vjp: ([x], _, g) => [div(g, add(x as Tensor, 1))],
});
/**
 * exp(x) - 1, accurate for small x.
 *
 * @example expm1(1) // 1.7183
 */
export const expm1: Unary = elementwise({
  name: 'expm1',
  fn: 'expm1_4',
  module: libNumerics,
  reference: Math.expm1,
  flops: 12,
  vjp: (_, y, g) => [mul(g, add(y, 1))],
});
/**
 * Sine of x in radians.
 *
 * @example sin(1) // 0.8415
 */
export const sin: Unary = elementwise({
  name: 'sin',
  fn: 'sin4',
  module: libNumerics,
  reference: Math.sin,
  flops: 16,
  vjp: ([x], _, g) => [mul(g, cos(x as Tensor))],
});
/**
 * Cosine of x in radians.
 *
 * @example cos(1) // 0.5403
 */
export const cos: Unary = elementwise({
  name: 'cos',
  fn: 'cos4',
  module: libNumerics,
  reference: Math.cos,
  flops: 16,
  vjp: ([x], _, g) => [neg(mul(g, sin(x as Tensor)))],
});
/**
 * The error function, 2/√π ∫₀ˣ exp(-t²) dt.
 *
 * @example erf(0.5) // 0.5205
 */
export const erf: Unary = elementwise({
  name: 'erf',
  fn: 'erf4',
  module: libNumerics,
  reference: (x) => erfReference(x as number),
  flops: 20,
  vjp: ([x], _, g) => [mul(g, mul(2 / Math.sqrt(Math.PI), exp(neg(square(x as Tensor)))))],
});
/**
 * log(eᵃ + eᵇ).
 *
 * @example logAddExp(0, 0) // 0.6931
 */
export const logAddExp: Binary = elementwise({
  name: 'logAddExp',
  fn: 'logaddexp4',
  module: libNumerics,
  reference: (a, b) => logaddexp(a as number, b as number),
  flops: 20,
  vjp: ([a, b], y, g) => [mul(g, exp(sub(a as Tensor, y))), mul(g, exp(sub(b as Tensor, y)))],
});
