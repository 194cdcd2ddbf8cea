// The gamma distribution: of what is above 0.
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  digamma,
  div,
  exp,
  expand,
  less,
  log,
  logGamma,
  mul,
  sqrt,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import {
  aboveZero,
  checkParameters,
  NOWHERE,
  type Parameter,
  type Reparameterized,
  sumOfSeen,
} from './distribution.ts';
import { logGammaDraws } from './gamma-draws.ts';

/**
 * Independent x > 0 with density βᵅ x^(α - 1) e^(-βx) / Γ(α): concentration α and rate β, above 0, [..., D], each
 * broadcast to the other. With α = 1 it is the exponential distribution. Below 0 the log-density is -10³⁰.
 *
 * ```ts
 * const p = new distributions.Gamma(ops.full([3], 2), ops.full([3], 1));
 * p.logProb(ops.full([2, 3], 1)) // [-3, -3]
 * ```
 */
export class Gamma implements Reparameterized, Density {
  readonly concentration: Tensor;
  readonly rate: Tensor;

  /** @throws LatentGpuError `bad-input` for constants that are not above 0; of what is computed they become NaN */
  constructor(concentration: Tensor, rate: Tensor) {
    checkParameters('Gamma', concentration, rate);
    this.concentration = aboveZero('Gamma', 'concentration', concentration);
    this.rate = aboveZero('Gamma', 'rate', rate);
  }

  private get shape(): Shape {
    return broadcastShapes('Gamma', this.concentration.shape, this.rate.shape);
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { concentration, rate } = this;
    const own = sub(mul(concentration, log(rate)), logGamma(concentration));
    const each = sub(mul(sub(concentration, 1), log(x)), mul(rate, x));
    return sumOfSeen(where(less(x, 0), NOWHERE, add(each, own)), mask);
  }

  get mean(): Tensor {
    return expand(div(this.concentration, this.rate), this.shape);
  }

  /** Marsaglia and Tsang 2000; gradients of draws that keep their quantile (Figurnov et al. 2018). */
  rsample(lead: Shape = []): Tensor {
    const drawn = logGammaDraws(this.concentration, [...lead, ...this.shape]);
    return div(exp(drawn), this.rate);
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** Σ (α - log β + log Γ(α) + (1 - α) ψ(α)). */
  entropy(): Tensor {
    const { concentration, rate } = this;
    const own = add(logGamma(concentration), mul(sub(1, concentration), digamma(concentration)));
    return sum(expand(add(sub(concentration, log(rate)), own), this.shape), -1);
  }

  get parameters(): readonly Parameter[] {
    const of = expand(div(sqrt(this.concentration), this.rate), this.shape);
    return [{ name: 'std', about: 'standard deviation', of, isScale: true }];
  }
}

/**
 * KL(q ‖ p) of gamma variables in nats, a variable each:
 * (αq - αp) ψ(αq) - log Γ(αq) + log Γ(αp) + αp log(βq / βp) + αq (βp / βq - 1).
 *
 * ```ts
 * const [q, p] = [1, 2].map((rate) => new distributions.Gamma(ops.full([1], 1), ops.full([1], rate)));
 * distributions.klGamma(q, p) // 0.3069
 * ```
 */
export function klGamma(q: Gamma, p: Gamma): Tensor {
  const [a, b] = [q.concentration, p.concentration];
  const shapes = add(mul(sub(a, b), digamma(a)), sub(logGamma(b), logGamma(a)));
  const rates = add(mul(b, sub(log(q.rate), log(p.rate))), mul(a, sub(div(p.rate, q.rate), 1)));
  return add(shapes, rates);
}
