// Monotone rational-quadratic splines: as flexible as a coupling needs, inverted in closed form.
// Durkan, Bekasov, Murray and Papamakarios 2019.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  clamp,
  div,
  exp,
  greaterEqual,
  log,
  maximum,
  mul,
  neg,
  softplus,
  sqrt,
  square,
  sub,
  where,
} from '../ops/index.ts';
import type { Transformed, Transformer } from './transformers.ts';

export interface SplineOptions {
  /** Pieces between -bound and bound. Default: 8. */
  readonly bins?: number;
  /** Outside ±bound the map is the identity. Default: 3. */
  readonly bound?: number;
}

/** No piece is narrower or lower than this share of the whole, and no slope smaller. */
const LEAST = { share: 1e-3, slope: 1e-3 } as const;
/** softplus of this is 1 - LEAST.slope: parameters of 0 give the identity. */
const UNIT_SLOPE = Math.log(Math.expm1(1 - LEAST.slope));

/** One piece: its corner, its extents, the slopes at its ends. */
interface Piece {
  readonly left: Tensor;
  readonly width: Tensor;
  readonly bottom: Tensor;
  readonly height: Tensor;
  readonly first: Tensor;
  readonly last: Tensor;
}

/** Shares of the whole: a softmax over tensors, each at least LEAST.share. */
function shares(logits: readonly Tensor[]): Tensor[] {
  const top = logits.reduce((most, x) => maximum(most, x));
  const weights = logits.map((x) => exp(sub(x, top)));
  const total = weights.reduce((a, b) => add(a, b));
  const scale = 1 - LEAST.share * logits.length;
  return weights.map((w) => add(mul(div(w, total), scale), LEAST.share));
}

/** Left ends and extents of consecutive intervals that fill ±bound. */
function intervals(logits: readonly Tensor[], bound: number): { start: Tensor; extent: Tensor }[] {
  const extents = shares(logits).map((share) => mul(share, 2 * bound));
  const zero = mul(extents[0] as Tensor, 0);
  let start = sub(zero, bound);
  return extents.map((extent) => {
    const own = { start, extent };
    start = add(start, extent);
    return own;
  });
}

/** The piece whose interval, along the axis chosen, holds `x`. */
function pieceAt(
  x: Tensor,
  parameters: readonly Tensor[],
  bins: number,
  bound: number,
  along: 'width' | 'height',
): Piece {
  const widths = intervals(parameters.slice(0, bins), bound);
  const heights = intervals(parameters.slice(bins, 2 * bins), bound);
  const one = add(mul(x, 0), 1);
  const slopes = [
    one,
    ...parameters.slice(2 * bins).map((h) => add(softplus(add(h, UNIT_SLOPE)), LEAST.slope)),
    one,
  ];
  const pieces = widths.map(
    ({ start, extent }, k): Piece => ({
      left: start,
      width: extent,
      bottom: (heights[k] as { start: Tensor }).start,
      height: (heights[k] as { extent: Tensor }).extent,
      first: slopes[k] as Tensor,
      last: slopes[k + 1] as Tensor,
    }),
  );
  return pieces.reduce((found, piece) => {
    const from = along === 'width' ? piece.left : piece.bottom;
    const reached = greaterEqual(x, from);
    const choose = (key: keyof Piece) => where(reached, piece[key], found[key]);
    return {
      left: choose('left'),
      width: choose('width'),
      bottom: choose('bottom'),
      height: choose('height'),
      first: choose('first'),
      last: choose('last'),
    };
  });
}

/** A transformer of 3 · bins - 1 parameters an element. */
export function spline(options: SplineOptions = {}): Transformer {
  const { bins = 8, bound = 3 } = options;
  if (!(Number.isInteger(bins) && bins >= 2 && bins <= 64 && bound > 0)) {
    throw new LatentGpuError(
      'bad-config',
      `a spline takes 2 to 64 bins and a positive bound, not ${bins} and ${bound}`,
    );
  }
  const outside = (x: Tensor): Tensor => {
    const inner = clamp(x, -bound, bound);
    return square(sub(x, inner));
  };
  /** log of the slope at place ξ of a piece. */
  const logSlopeAt = (xi: Tensor, { width, height, first, last }: Piece): Tensor => {
    const s = div(height, width);
    const rest = sub(1, xi);
    const both = mul(xi, rest);
    const top = add(add(mul(last, square(xi)), mul(mul(s, 2), both)), mul(first, square(rest)));
    const bottom = add(s, mul(sub(add(first, last), mul(s, 2)), both));
    return sub(add(mul(log(s), 2), log(top)), mul(log(bottom), 2));
  };
  const choose = (x: Tensor, value: Tensor, logSlope: Tensor): Transformed => {
    const isOutside = greaterEqual(outside(x), 1e-37);
    return {
      value: where(isOutside, x, value),
      logSlope: where(isOutside, 0, logSlope),
    };
  };
  return {
    parameters: 3 * bins - 1,
    forward(z, parameters) {
      const inner = clamp(z, -bound, bound);
      const piece = pieceAt(inner, parameters, bins, bound, 'width');
      const { left, width, bottom, height, first, last } = piece;
      const s = div(height, width);
      const xi = clamp(div(sub(inner, left), width), 0, 1);
      const both = mul(xi, sub(1, xi));
      const top = add(mul(s, square(xi)), mul(first, both));
      const under = add(s, mul(sub(add(first, last), mul(s, 2)), both));
      return choose(z, add(bottom, mul(height, div(top, under))), logSlopeAt(xi, piece));
    },
    inverse(x, parameters) {
      const inner = clamp(x, -bound, bound);
      const piece = pieceAt(inner, parameters, bins, bound, 'height');
      const { left, width, bottom, height, first, last } = piece;
      const s = div(height, width);
      const y = sub(inner, bottom);
      const bend = mul(y, sub(add(first, last), mul(s, 2)));
      const a = add(mul(height, sub(s, first)), bend);
      const b = sub(mul(height, first), bend);
      const c = neg(mul(s, y));
      // The form that keeps its digits, and the root in [0, 1].
      const root = sqrt(maximum(sub(square(b), mul(4, mul(a, c))), 0));
      const xi = clamp(div(mul(2, c), neg(add(b, root))), 0, 1);
      return choose(x, add(left, mul(xi, width)), neg(logSlopeAt(xi, piece)));
    },
  };
}
