// A normal distribution of which a part is left. Everything is told from the point of that part where the density is
// largest: nothing overflows there, and nothing cancels, however far out the part lies.
import { LatentGpuError } from '../errors.ts';
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import { constantValue } from '../ops/constant.ts';
import {
  add,
  div,
  exp,
  expand,
  full,
  greaterEqual,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  positive,
  randomUniform,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import {
  normalLeft,
  normalPiece,
  normalPieceMoment,
  normalPieceQuantile,
} from '../ops/normal-tails.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { checkParameters, NOWHERE, type Reparameterized, sumOfSeen } from './distribution.ts';

/** How many deviations off nothing is left of a normal density in float32. */
const FAR = 64;

export interface Truncation {
  /** Where it begins. Default: nowhere, all below is left. */
  readonly low?: Tensor;
  /** Where it ends. Default: nowhere, all above is left. */
  readonly high?: Tensor;
}

/** Of one side of the point where the density is largest: how far that is from μ, and where this side ends. */
interface Side {
  readonly c: Tensor;
  readonly w: Tensor;
}

/**
 * Independent N(μ, σ²) between `low` and `high`, given μ and log σ: all [..., D], broadcast. Outside, the log-density
 * is -10³⁰. As exact where hardly anything of the normal is left, a thousand deviations from μ, as near it.
 *
 * ```ts
 * const [zero, one] = [ops.zeros([1]), ops.full([1], 1)];
 * const p = new distributions.TruncatedNormal(zero, zero, { low: one });
 * p.logProb(ops.full([1], 2)) // -1.0779
 * p.mean // [1.5251]
 * ```
 */
export class TruncatedNormal implements Reparameterized, Density {
  /** μ, the mean of the normal before it was cut. */
  readonly location: Tensor;
  readonly logStd: Tensor;
  readonly low: Tensor | undefined;
  readonly high: Tensor | undefined;

  /**
   * @throws LatentGpuError `bad-input` for constant bounds of which `low` is not below `high`; of those that are
   *   computed what is made of them becomes NaN
   */
  constructor(location: Tensor, logStd: Tensor, { low, high }: Truncation) {
    checkParameters(
      'TruncatedNormal',
      location,
      logStd,
      ...[low, high].filter((x) => x !== undefined),
    );
    this.location = location;
    this.logStd = logStd;
    this.low = low;
    this.high = high;
    const [from, to] = [low, high].map((bound) => bound && constantValue(bound));
    if (from !== undefined && to !== undefined && !(from < to)) {
      throw new LatentGpuError(
        'bad-input',
        `TruncatedNormal: from ${from} to ${to} there is nothing; low has to be below high`,
      );
    }
  }

  private get shape(): Shape {
    const { location, logStd, low, high } = this;
    const given = [location, logStd, low, high].filter((x) => x !== undefined);
    return broadcastShapes('TruncatedNormal', ...given.map(({ shape }) => shape));
  }

  /** Where the density is largest, in deviations from there what lies above and below, and what ∫ all of it holds. */
  private parts() {
    const { low, high } = this;
    const location = expand(this.location, this.shape);
    const std = expand(exp(this.logStd), this.shape);
    const raised = low ? maximum(location, low) : location;
    const near = stopGradient(high ? minimum(raised, high) : raised);
    const off = div(sub(near, location), std);
    const far = full(this.shape, FAR);
    const up: Side = { c: maximum(off, 0), w: high ? div(sub(high, near), std) : far };
    const down: Side = { c: maximum(neg(off), 0), w: low ? div(sub(near, low), std) : far };
    const above = normalPiece(up.c, up.w);
    const below = normalPiece(down.c, down.w);
    const whole = named(positive(add(above, below)), 'high - low of TruncatedNormal');
    return { near, std, off, up, down, above, whole };
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { low, high } = this;
    const { near, std, off, whole } = this.parts();
    const s = div(sub(x, near), std);
    const each = neg(add(mul(s, add(off, mul(0.5, s))), add(this.logStd, log(whole))));
    const aboveLow = low ? where(greaterEqual(x, low), each, NOWHERE) : each;
    return sumOfSeen(high ? where(lessEqual(x, high), aboveLow, NOWHERE) : aboveLow, mask);
  }

  get mean(): Tensor {
    const { near, std, up, down, whole } = this.parts();
    const moved = sub(normalPieceMoment(up.c, up.w), normalPieceMoment(down.c, down.w));
    return add(near, mul(std, div(moved, whole)));
  }

  /** Points, and what of them depends on the parameters, by which they move. */
  private drawn(lead: Shape) {
    const { low, high } = this;
    const { near, std, off, up, down, above, whole } = this.parts();
    const shape = [...lead, ...this.shape];
    const isUp = less(mul(randomUniform(shape), whole), above);
    const share = randomUniform(shape);
    const size = normalPieceQuantile(where(isUp, up.c, down.c), where(isUp, up.w, down.w), share);
    const s = where(isUp, size, neg(size));
    // What lies beyond each point, on its side.
    const beyond = mul(share, div(where(isUp, above, sub(whole, above)), whole));
    // Rounding does not take a point beyond the bounds, where the density is none.
    const placed = add(near, mul(std, s));
    const raised = low ? maximum(placed, low) : placed;
    return { x: high ? minimum(raised, high) : raised, s, off, up, down, std, isUp, beyond };
  }

  /**
   * By inversion, on the side of the largest density that a coin tells. Draws keep their quantile as parameters move:
   * dx = (1 - a - b) dμ + ((1 - a - b) z + a (z - α) + b (z - β)) dσ + a dlow + b dhigh with z, α and β the point and
   * the bounds in deviations from μ, a = (1 - F) φ(α) / φ(z), b = F φ(β) / φ(z).
   */
  rsample(lead: Shape = []): Tensor {
    const { low, high } = this;
    const { x, s, off, up, down, std, isUp, beyond } = this.drawn(lead);
    const survival = where(isUp, beyond, sub(1, beyond));
    const fromLow = add(s, down.w);
    const fromHigh = sub(s, up.w);
    const weight = (share: Tensor, from: Tensor, to: Tensor) =>
      mul(share, exp(mul(0.5, mul(from, add(mul(2, off), to)))));
    const none = full(x.shape, 0);
    const a = low ? weight(survival, fromLow, sub(s, down.w)) : none;
    const b = high ? weight(sub(1, survival), fromHigh, add(s, up.w)) : none;
    const own = sub(sub(1, a), b);
    const spread = add(mul(own, add(off, s)), add(mul(a, fromLow), mul(b, fromHigh)));
    const moves: [Tensor | undefined, Tensor][] = [
      [this.location, own],
      [this.logStd, mul(std, spread)],
      [low, a],
      [high, b],
    ];
    // Each term is 0, and its derivative what the point's is.
    return moves.reduce(
      (point, [of, rate]) =>
        of ? add(point, mul(stopGradient(rate), sub(of, stopGradient(of)))) : point,
      stopGradient(x),
    );
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.drawn(lead).x);
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** Σ (log σ + log ∫ + ½ + ½ (Σ over both sides of c ∫ t - w e^(-cw - w²/2)) / ∫). */
  entropy(): Tensor {
    const { up, down, whole } = this.parts();
    const edge = ({ c, w }: Side) => sub(mul(c, normalPieceMoment(c, w)), mul(w, normalLeft(c, w)));
    const edges = div(add(edge(up), edge(down)), whole);
    const each = add(add(this.logStd, log(whole)), mul(0.5, add(1, edges)));
    return sum(each, -1);
  }
}
