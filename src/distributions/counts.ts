// Counts: 0, 1, 2, … of what happens by itself, and of what happens in bursts.
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  div,
  exp,
  expand,
  log,
  logGamma,
  logSigmoid,
  mul,
  neg,
  sqrt,
  square,
  sub,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import {
  aboveZero,
  checkParameters,
  type Distribution,
  type Parameter,
  sumOfSeen,
} from './distribution.ts';
import { logGammaDraws } from './gamma-draws.ts';
import { poissonDraws } from './poisson-draws.ts';

/**
 * Independent counts with probability e^-λ λˣ / x!, given log λ, [..., D]. No gradient flows through draws. From
 * 2²⁴ on float32 has not every whole number, and draws are the nearest of those that it has.
 *
 * ```ts
 * const p = new distributions.Poisson(ops.zeros([2]));
 * p.logProb(ops.full([2], 3)) // -5.5835
 * ```
 */
export class Poisson implements Distribution, Density {
  readonly logRate: Tensor;

  constructor(logRate: Tensor) {
    checkParameters('Poisson', logRate);
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

  /** @throws LatentGpuError `bad-input` for a constant r that is not above 0; of what is computed it becomes NaN */
  constructor(logMean: Tensor, total: Tensor) {
    checkParameters('NegativeBinomial', logMean, total);
    this.logMean = logMean;
    this.total = aboveZero('NegativeBinomial', 'total', total);
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
