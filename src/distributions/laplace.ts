// Laplace's distribution, whose log-density is the absolute error: outliers pull no more than what is near.
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  exp,
  expand,
  less,
  log,
  mul,
  neg,
  randomUniform,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import {
  checkParameters,
  type Parameter,
  type Reparameterized,
  sumOfSeen,
} from './distribution.ts';

/**
 * Independent Laplace variables, exp(-|x - μ| / b) / 2b: mean and log b [..., D], each broadcast to the other.
 *
 * ```ts
 * const p = new distributions.Laplace(ops.zeros([3]), ops.zeros([3]));
 * p.logProb(ops.zeros([2, 3])) // [-2.0794, -2.0794]
 * ```
 */
export class Laplace implements Reparameterized, Density {
  readonly mean: Tensor;
  /** Of the scale b: the deviation is √2 b. */
  readonly logScale: Tensor;

  constructor(mean: Tensor, logScale: Tensor) {
    checkParameters('Laplace', mean, logScale);
    this.mean = mean;
    this.logScale = logScale;
  }

  private get shape(): Shape {
    return broadcastShapes('Laplace', this.mean.shape, this.logScale.shape);
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const far = mul(abs(sub(x, this.mean)), exp(neg(this.logScale)));
    return sumOfSeen(neg(add(far, add(this.logScale, Math.LN2))), mask);
  }

  /** μ ± b · e with e exponential and the sign a coin's: differentiable in μ and b. */
  rsample(lead: Shape = []): Tensor {
    const shape = [...lead, ...this.shape];
    const away = log(randomUniform(shape));
    const signed = where(less(randomUniform(shape), 0.5), away, neg(away));
    return add(this.mean, mul(exp(this.logScale), signed));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** Σ (1 + log 2b). */
  entropy(): Tensor {
    return sum(add(expand(this.logScale, this.shape), 1 + Math.LN2), -1);
  }

  get parameters(): readonly Parameter[] {
    const of = mul(Math.SQRT2, expand(exp(this.logScale), this.shape));
    return [{ name: 'std', about: 'standard deviation', of, isScale: true }];
  }
}
