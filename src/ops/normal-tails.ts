// The normal distribution's tails: its distribution function as a logarithm, its quantiles, and what is between two
// points, as densities that are cut off need it.
import type { Tensor } from '../graph/tensor.ts';
import { libNormalTails } from '../kernels/shaders.gen.ts';
import { add, mul, neg, sub } from './arithmetic.ts';
import { exp } from './elementary.ts';
import { type Binary, elementwise, type Unary } from './elementwise.ts';
import * as reference from './reference/normal-tails.ts';
import { unknownGradient } from './unknown-gradient.ts';

const module = libNormalTails;

const logNdtrSlope: Unary = elementwise({
  name: 'logNdtrSlope',
  fn: 'log_ndtr_slope4',
  module,
  reference: (x) => reference.logNdtrSlope(x as number),
  flops: 50,
  // -s (x + s), s = φ / Φ.
  vjp: ([x], slope, g) => [neg(mul(g, mul(slope, add(x as Tensor, slope))))],
});

/**
 * log Φ(x), of the standard normal distribution function: `torch.special.log_ndtr`. Far out as well, where Φ itself
 * is 0: about -x²/2.
 *
 * @example logNdtr(-20) // -203.9172
 */
export const logNdtr: Unary = elementwise({
  name: 'logNdtr',
  fn: 'log_ndtr4',
  module,
  reference: (x) => reference.logNdtr(x as number),
  flops: 60,
  vjp: ([x], _, g) => [mul(g, logNdtrSlope(x as Tensor))],
});

/**
 * The standard normal quantile, the x of which Φ(x) = p: `torch.special.ndtri`, for 0 < p < 1; NaN elsewhere.
 *
 * @example ndtri(0.975) // 1.96
 */
export const ndtri: Unary = elementwise({
  name: 'ndtri',
  fn: 'ndtri4',
  module,
  reference: (p) => reference.ndtri(p as number),
  flops: 250,
  // 1 / φ(x).
  vjp: (_, x, g) => [mul(g, mul(Math.sqrt(2 * Math.PI), exp(mul(0.5, mul(x, x)))))],
});

/** e^(-cw - w²/2): what is left of the density at w. */
export const normalLeft = (c: Tensor, w: Tensor): Tensor => exp(neg(mul(w, add(c, mul(0.5, w)))));

/**
 * ∫ t e^(-ct - t²/2) dt from 0 to w, for c ≥ 0. In c its derivative is w e^(-cw - w²/2) + c · it - ∫ e^(-ct - t²/2) dt,
 * which loses digits from c = 30 on.
 */
export const normalPieceMoment: Binary = elementwise({
  name: 'normalPieceMoment',
  fn: 'normal_piece_moment4',
  module,
  reference: (c, w) => reference.normalPieceMoment(c as number, w as number),
  flops: 180,
  vjp: ([c, w], moment, g) => {
    const edge = mul(w as Tensor, normalLeft(c as Tensor, w as Tensor));
    const inC = sub(add(edge, mul(c as Tensor, moment)), normalPiece(c as Tensor, w as Tensor));
    return [mul(g, inC), mul(g, edge)];
  },
});

/** ∫ e^(-ct - t²/2) dt from 0 to w, for c ≥ 0: what a normal density has up to w, beside what it is c from its mean. */
export const normalPiece: Binary = elementwise({
  name: 'normalPiece',
  fn: 'normal_piece4',
  module,
  reference: (c, w) => reference.normalPiece(c as number, w as number),
  flops: 150,
  vjp: ([c, w], _, g) => [
    neg(mul(g, normalPieceMoment(c as Tensor, w as Tensor))),
    mul(g, normalLeft(c as Tensor, w as Tensor)),
  ],
});

/** The t in 0 … w beyond which a share u of {@link normalPiece} lies, 0 < u < 1. */
export const normalPieceQuantile: (c: Tensor, w: Tensor, u: Tensor) => Tensor = elementwise({
  name: 'normalPieceQuantile',
  fn: 'normal_piece_quantile4',
  module,
  reference: (c, w, u) => reference.normalPieceQuantile(c as number, w as number, u as number),
  flops: 700,
  vjp: unknownGradient('a gradient of a quantile of a piece'),
});
