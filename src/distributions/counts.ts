// Counts: 0, 1, 2, … of what happens by itself, and of what happens in bursts.
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  cumSum,
  div,
  exp,
  expand,
  floor,
  greaterEqual,
  less,
  lessEqual,
  log,
  logGamma,
  logSigmoid,
  maximum,
  minimum,
  mul,
  neg,
  randomUniform,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  unsqueeze,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { type Distribution, type Parameter, sumOfSeen } from './distribution.ts';
import { firstAccepted, logGammaDraws } from './gamma-draws.ts';

/** Up to this rate waiting times are counted, of which so many are drawn: one draw in 10¹⁴ needs more. */
const [FEW, WAITS] = [10, 48];
/** Above it nine tries of ten are accepted or better. */
const TRIES = 12;

/** Draws of Poisson variables by their log-rates, broadcast to the shape. */
function poissonDraws(logRate: Tensor, shape: Shape): Tensor {
  const rate = exp(logRate);
  const waits = neg(log(randomUniform([...shape, WAITS])));
  const arrived = lessEqual(cumSum(waits), unsqueeze(expand(minimum(rate, FEW), shape), -1));
  return stopGradient(where(less(rate, FEW), sum(arrived, -1), manyDrawn(logRate, shape)));
}

/** Transformed rejection with a squeeze, PTRS, of rates from 10 to some 10⁴ (Hörmann 1993). */
function manyDrawn(given: Tensor, shape: Shape): Tensor {
  const logRate = maximum(unsqueeze(given, -1), Math.log(FEW));
  const rate = exp(logRate);
  const b = add(0.931, mul(2.53, sqrt(rate)));
  const a = add(-0.059, mul(0.02483, b));
  const inverse = add(1.1239, div(1.1328, sub(b, 3.4)));
  const quick = sub(0.9277, div(3.6224, sub(b, 2)));
  const [u, v] = [sub(randomUniform([...shape, TRIES]), 0.5), randomUniform([...shape, TRIES])];
  const edge = sub(0.5, abs(u));
  const tried = floor(add(mul(u, add(div(mul(2, a), edge), b)), add(rate, 0.43)));
  const k = maximum(tried, 0);
  const isQuick = mul(greaterEqual(edge, 0.07), lessEqual(v, quick));
  const height = sub(log(mul(v, inverse)), log(add(div(a, square(edge)), b)));
  const isUnder = lessEqual(height, sub(sub(mul(k, logRate), rate), logGamma(add(k, 1))));
  const isPossible = mul(greaterEqual(tried, 0), greaterEqual(edge, mul(0.013, less(edge, v))));
  const isAccepted = mul(isPossible, maximum(isQuick, isUnder));
  return firstAccepted(k, isAccepted, floor(exp(given)));
}

/**
 * Independent counts with probability e^-λ λˣ / x!, given log λ, [..., D]. No gradient flows through draws; of rates
 * beyond 10⁴ they are rough.
 *
 * ```ts
 * const p = new distributions.Poisson(ops.zeros([2]));
 * p.logProb(ops.full([2], 3)) // -5.5835
 * ```
 */
export class Poisson implements Distribution, Density {
  readonly logRate: Tensor;

  constructor(logRate: Tensor) {
    this.logRate = logRate;
  }

  /** x log λ - λ - log x!, summed; x whole numbers. */
  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { logRate } = this;
    const each = sub(sub(mul(x, logRate), exp(logRate)), logGamma(add(x, 1)));
    return sumOfSeen(each, mask);
  }

  get mean(): Tensor {
    return exp(this.logRate);
  }

  sample(lead: Shape = []): Tensor {
    return poissonDraws(this.logRate, [...lead, ...this.logRate.shape]);
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.sample(lead), false);
  }

  get parameters(): readonly Parameter[] {
    return [{ name: 'rate', about: 'the mean, and the variance', of: this.mean }];
  }
}

/**
 * Independent counts with more variance than Poisson's, μ + μ²/r: log μ and r > 0, [..., D], each broadcast to the
 * other, `total_count` and `logits + log r` of PyTorch. A gamma mixture of Poisson variables; no gradient flows
 * through draws.
 *
 * ```ts
 * const p = new distributions.NegativeBinomial(ops.zeros([1]), ops.full([1], 2));
 * p.logProb(ops.full([1], 3)) // -2.7205
 * ```
 */
export class NegativeBinomial implements Distribution, Density {
  readonly logMean: Tensor;
  /** r: the smaller, the more in bursts. */
  readonly total: Tensor;

  constructor(logMean: Tensor, total: Tensor) {
    this.logMean = logMean;
    this.total = total;
  }

  private get shape(): Shape {
    return broadcastShapes('NegativeBinomial', this.logMean.shape, this.total.shape);
  }

  /** log (μ / r). */
  private get logits(): Tensor {
    return sub(this.logMean, log(this.total));
  }

  /** log Γ(x + r) - log Γ(r) - log x! + r log (r / (r + μ)) + x log (μ / (r + μ)), summed. */
  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { total, logits } = this;
    const ways = sub(sub(logGamma(add(x, total)), logGamma(total)), logGamma(add(x, 1)));
    const chances = add(mul(total, logSigmoid(neg(logits))), mul(x, logSigmoid(logits)));
    return sumOfSeen(add(ways, chances), mask);
  }

  get mean(): Tensor {
    return expand(exp(this.logMean), this.shape);
  }

  sample(lead: Shape = []): Tensor {
    const shape = [...lead, ...this.shape];
    return poissonDraws(add(logGammaDraws(this.total, shape), this.logits), shape);
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.sample(lead), false);
  }

  get parameters(): readonly Parameter[] {
    const of = expand(sqrt(add(this.mean, div(square(this.mean), this.total))), this.shape);
    return [{ name: 'std', about: 'standard deviation', of, isScale: true }];
  }
}
