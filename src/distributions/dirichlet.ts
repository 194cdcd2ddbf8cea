// Shares of a whole: the beta distribution of one, Dirichlet's of several that add up to 1.
import { LatentGpuError } from '../errors.ts';
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  digamma,
  div,
  log,
  log1p,
  logGamma,
  mul,
  neg,
  sigmoid,
  softmax,
  sqrt,
  stopGradient,
  sub,
  sum,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import {
  aboveZero,
  checkParameters,
  type Parameter,
  type Reparameterized,
  sumOfSeen,
} from './distribution.ts';
import { logGammaDraws } from './gamma-draws.ts';

/**
 * Independent x in (0, 1) with density x^(a - 1) (1 - x)^(b - 1) / B(a, b): a and b above 0, [..., D], each broadcast
 * to the other.
 *
 * ```ts
 * const p = new distributions.Beta(ops.full([2], 2), ops.full([2], 2));
 * p.logProb(ops.full([2], 0.5)) // 0.8109
 * ```
 */
export class Beta implements Reparameterized, Density {
  readonly a: Tensor;
  readonly b: Tensor;

  /** @throws LatentGpuError `bad-input` for constants that are not above 0; of what is computed they become NaN */
  constructor(a: Tensor, b: Tensor) {
    checkParameters('Beta', a, b);
    this.a = aboveZero('Beta', 'a', a);
    this.b = aboveZero('Beta', 'b', b);
  }

  private get shape(): Shape {
    return broadcastShapes('Beta', this.a.shape, this.b.shape);
  }

  /** log B(a, b). */
  get logVolume(): Tensor {
    return sub(add(logGamma(this.a), logGamma(this.b)), logGamma(add(this.a, this.b)));
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const [low, high] = [mul(sub(this.a, 1), log(x)), mul(sub(this.b, 1), log1p(neg(x)))];
    return sumOfSeen(sub(add(low, high), this.logVolume), mask);
  }

  get mean(): Tensor {
    return div(this.a, add(this.a, this.b));
  }

  /** Of two gamma draws the share of the first. */
  rsample(lead: Shape = []): Tensor {
    const shape = [...lead, ...this.shape];
    return sigmoid(sub(logGammaDraws(this.a, shape), logGammaDraws(this.b, shape)));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** Σ (log B - (a - 1) ψ(a) - (b - 1) ψ(b) + (a + b - 2) ψ(a + b)). */
  entropy(): Tensor {
    const pull = (x: Tensor, less: number) => mul(sub(x, less), digamma(x));
    const own = add(pull(this.a, 1), pull(this.b, 1));
    return sum(add(sub(this.logVolume, own), pull(add(this.a, this.b), 2)), -1);
  }

  get parameters(): readonly Parameter[] {
    const both = add(this.a, this.b);
    const of = div(sqrt(div(mul(this.a, this.b), add(both, 1))), both);
    return [{ name: 'std', about: 'standard deviation', of }];
  }
}

/**
 * Vectors of K shares that add up to 1, with density Π x_k^(α_k - 1) / B(α): concentrations α above 0, [..., K].
 *
 * ```ts
 * const p = new distributions.Dirichlet(ops.full([3], 1));
 * p.logProb(ops.full([3], 1 / 3)) // 0.6931
 * ```
 */
export class Dirichlet implements Reparameterized, Density {
  readonly concentration: Tensor;

  /**
   * @throws LatentGpuError `shape-mismatch` for fewer than two shares; `bad-input` for constants that are not above 0,
   *   which of what is computed become NaN
   */
  constructor(concentration: Tensor) {
    checkParameters('Dirichlet', concentration);
    if ((concentration.shape.at(-1) ?? 0) < 2) {
      throw new LatentGpuError(
        'shape-mismatch',
        `Dirichlet: ${concentration} is not [..., K] of two shares or more`,
      );
    }
    this.concentration = aboveZero('Dirichlet', 'concentration', concentration);
  }

  private get total(): Tensor {
    return sum(this.concentration, -1);
  }

  /** log B(α), [...]. */
  get logVolume(): Tensor {
    return sub(sum(logGamma(this.concentration), -1), logGamma(this.total));
  }

  /** @throws LatentGpuError `bad-config` for rows with holes */
  logProb(x: Tensor, mask?: Tensor): Tensor {
    if (mask) {
      throw new LatentGpuError(
        'bad-config',
        'Dirichlet tells the density of whole rows, and these have holes; leave such rows out',
      );
    }
    return sub(sum(mul(sub(this.concentration, 1), log(x)), -1), this.logVolume);
  }

  get mean(): Tensor {
    return div(this.concentration, sum(this.concentration, -1, { keepDims: true }));
  }

  /** Shares of K gamma draws. */
  rsample(lead: Shape = []): Tensor {
    const { concentration } = this;
    return softmax(logGammaDraws(concentration, [...lead, ...concentration.shape]));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** E log x_k = ψ(α_k) - ψ(Σ α), [..., K]. */
  get meanLog(): Tensor {
    return sub(
      digamma(this.concentration),
      digamma(sum(this.concentration, -1, { keepDims: true })),
    );
  }

  /** log B(α) - Σ (α_k - 1) E log x_k. */
  entropy(): Tensor {
    return sub(this.logVolume, sum(mul(sub(this.concentration, 1), this.meanLog), -1));
  }
}

/**
 * KL(q ‖ p) in nats, [...]: log B(αp) - log B(αq) + Σ (αq - αp) E_q log x.
 *
 * ```ts
 * const [q, p] = [2, 1].map((all) => new distributions.Dirichlet(ops.full([2], all)));
 * distributions.klDirichlet(q, p) // 0.1251
 * ```
 */
export function klDirichlet(q: Dirichlet, p: Dirichlet): Tensor {
  const apart = sum(mul(sub(q.concentration, p.concentration), q.meanLog), -1);
  return add(sub(p.logVolume, q.logVolume), apart);
}

/**
 * KL(q ‖ p) of beta variables in nats, a variable each: Dirichlet's of two shares.
 *
 * ```ts
 * const [q, p] = [2, 1].map((both) => new distributions.Beta(ops.full([1], both), ops.full([1], both)));
 * distributions.klBeta(q, p) // 0.1251
 * ```
 */
export function klBeta(q: Beta, p: Beta): Tensor {
  const both = digamma(add(q.a, q.b));
  const pull = (own: Tensor, other: Tensor) => mul(sub(own, other), sub(digamma(own), both));
  return add(sub(p.logVolume, q.logVolume), add(pull(q.a, p.a), pull(q.b, p.b)));
}
