/**
 * Special functions in float64, to about 1e-15 relative: the oracles of `shaders/lib/numerics.wgsl`
 * and `shaders/lib/activations.wgsl`. Scalars in, scalars out; log is natural.
 */

/** log(1 + x), x > -1. */
export const log1p = Math.log1p;

/** e^x - 1. */
export const expm1 = Math.expm1;

const TWO_OVER_SQRT_PI = 1.1283791670955126;
const HALF_LOG_2PI = 0.9189385332046728;

/** e^(x^2) erfc(x) for x >= 1, by its continued fraction (Abramowitz, Stegun 7.1.14), backwards. */
function erfcxFraction(x: number): number {
  let tail = 0;
  for (let k = Math.ceil(20 + 400 / (x * x)); k > 0; k--) tail = k / 2 / (x + tail);
  return TWO_OVER_SQRT_PI / 2 / (x + tail);
}

/** e^(-x^2) with x^2 split in two, so that its rounding does not enter the exponent. */
function expMinusSquare(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}

/** erf x = 2/sqrt(pi) int_0^x e^(-t^2) dt. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a >= 1) return Math.sign(x) * (1 - erfc(a));
  // 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (A&S 7.1.6): no term is negative.
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * expMinusSquare(x) * sum;
}

/** erfc x = 1 - erf x, without cancellation for x >= 1. */
function erfc(x: number): number {
  if (x < 1) return 1 - erf(x);
  return x > 27.3 ? 0 : expMinusSquare(x) * erfcxFraction(x);
}

/** e^(x^2) erfc x for x >= 0, which falls no faster than 1 / x. */
export function erfcx(x: number): number {
  return x < 1 ? Math.exp(x * x) * (1 - erf(x)) : erfcxFraction(x);
}

/** The standard normal distribution function, without cancellation in its lower tail (x < -1.42). */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

/** The standard normal density. */
export function normalPdf(x: number): number {
  return Math.exp(-0.5 * x * x - HALF_LOG_2PI);
}

/**
 * The standard normal quantile: the x whose distribution function is p, for 0 < p < 1. Halley's
 * iteration from a rational start that is off by 4.5e-4 (Abramowitz, Stegun 26.2.23).
 */
export function normalQuantile(p: number): number {
  // The lower tail has the digits.
  if (p > 0.5) return -normalQuantile(1 - p);
  if (!(p > 0)) return p === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  const t = Math.sqrt(-2 * Math.log(p));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  let x = above / below - t;
  for (let i = 0; i < 3; i++) {
    const step = (normalCdf(x) - p) / normalPdf(x);
    x -= step / (1 + 0.5 * x * step);
  }
  return x;
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** log(1 + e^x). */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** log(1 / (1 + e^-x)). */
export function logSigmoid(x: number): number {
  return -softplus(-x);
}

/** log(e^a + e^b). */
export function logaddexp(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** log sum_i e^(x_i); -Infinity for no values. */
export function logsumexp(values: Iterable<number>): number {
  const list = [...values];
  const top = list.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top)) return top;
  return top + Math.log(list.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

/** x Phi(x), Phi the standard normal distribution function. */
export function gelu(x: number): number {
  return x * normalCdf(x);
}

/** d gelu / dx = Phi(x) + x phi(x). */
export function geluGrad(x: number): number {
  return normalCdf(x) + x * normalPdf(x);
}

/** x / (1 + e^-x). */
export function silu(x: number): number {
  return x * sigmoid(x);
}

/** d silu / dx. */
export function siluGrad(x: number): number {
  return sigmoid(x) * (1 + x * sigmoid(-x));
}

/** e^x - 1 - x >= 0, without cancellation at small x. */
export function expm1MinusX(x: number): number {
  if (Math.abs(x) > 0.5) return Math.expm1(x) - x;
  let term = (x * x) / 2;
  let sum = 0;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    sum += term;
    term *= x / n;
  }
  return sum;
}
