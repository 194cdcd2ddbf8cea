/**
 * The normal distribution's tails in float64: the oracles of `shaders/lib/normal_tails.wgsl`, where M and N are
 * explained. Scalars in, scalars out.
 */
import { erfcx, normalPdf, normalQuantile } from './special.ts';

/** M(x), x ≥ 0. */
export const mills = (x: number): number => Math.sqrt(Math.PI / 2) * erfcx(x * Math.SQRT1_2);

/** N(x) = 1 - x M(x), x ≥ 0; far out by its series, Σ (-1)ⁿ (2n + 1)!! x^-2(n + 1), where the difference cancels. */
function millsRest(x: number): number {
  if (x < 25) return 1 - x * mills(x);
  let term = 1 / (x * x);
  let sum = 0;
  for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
    sum += term;
    term *= -(2 * n + 1) / (x * x);
  }
  return sum;
}

/** log Φ(x). */
export function logNdtr(x: number): number {
  const tail = mills(Math.abs(x));
  const square = -0.5 * x * x;
  return x < 0
    ? square + Math.log(tail / Math.sqrt(2 * Math.PI))
    : Math.log1p(-normalPdf(x) * tail);
}

/** φ(x) / Φ(x). */
export function logNdtrSlope(x: number): number {
  const tail = mills(Math.abs(x));
  return x < 0 ? 1 / tail : normalPdf(x) / (1 - normalPdf(x) * tail);
}

/** The x of which Φ(x) = p, 0 < p < 1. */
export const ndtri = (p: number): number => (p > 0 && p < 1 ? normalQuantile(p) : Number.NaN);

/** Of Gauss and Legendre's five points on 0 … 1. */
const POINTS = [
  [0.5, 0.5688888888888889 / 2],
  ...[-1, 1].flatMap((sign) => [
    [0.5 + (sign * 0.5384693101056831) / 2, 0.47862867049936647 / 2],
    [0.5 + (sign * 0.906179845938664) / 2, 0.23692688505618908 / 2],
  ]),
] as const;

/** ∫ tᵏ e^(-ct - t²/2) dt from 0 to w, c ≥ 0: of short pieces by quadrature in eight parts, of others by the tails. */
function piece(c: number, w: number, k: 0 | 1): number {
  const gone = w * (c + w / 2);
  if (gone > 1) {
    const left = Math.exp(-gone);
    if (k === 0) return mills(c) - left * mills(c + w);
    return millsRest(c) - left * (w * mills(c + w) + millsRest(c + w));
  }
  let total = 0;
  for (let part = 0; part < 8; part++) {
    for (const [place, weight] of POINTS) {
      const t = ((part + place) / 8) * w;
      total += (weight / 8) * t ** k * Math.exp(-t * (c + t / 2));
    }
  }
  return total * w;
}

/** ∫ e^(-ct - t²/2) dt from 0 to w, c ≥ 0. */
export const normalPiece = (c: number, w: number): number => piece(c, w, 0);

/** ∫ t e^(-ct - t²/2) dt from 0 to w, c ≥ 0. */
export const normalPieceMoment = (c: number, w: number): number => piece(c, w, 1);

/** The t in 0 … w beyond which a share u of the piece lies, by bisection of what is before it or beyond. */
export function normalPieceQuantile(c: number, w: number, u: number): number {
  const whole = normalPiece(c, w);
  // Beyond t, without taking two large numbers from each other.
  const beyond = (t: number) => Math.exp(-t * (c + t / 2)) * normalPiece(c + t, w - t);
  let [low, high] = [0, w];
  for (let i = 0; i < 200 && high - low > 1e-16 * high; i++) {
    const middle = (low + high) / 2;
    if (beyond(middle) > u * whole) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
