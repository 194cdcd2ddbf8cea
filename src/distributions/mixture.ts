// Mixtures of normals with diagonal covariances.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  exp,
  logSoftmax,
  logSumExp,
  matmul,
  mul,
  normalLogProb,
  randomNormal,
  reshape,
  stopGradient,
  sum,
  uniformGumbel,
  unsqueeze,
  zeros,
} from '../ops/index.ts';
import { type Density, type Draw, type DrawOptions, tempered } from './density.ts';
import { hottest } from './one-hot.ts';

/** What describes a mixture of K normals of M numbers. */
export interface MixtureParameters {
  /** Log weights up to a constant, [K]; left out, all weigh alike. */
  readonly logits?: Tensor;
  /** [K, M]. */
  readonly mean: Tensor;
  /** Log standard deviations, [K, M]. */
  readonly logStd: Tensor;
}

/**
 * A component for each of so many rows, as rows with one 1, [rows, K]: by the Gumbel-max trick, without a
 * gradient.
 *
 * @param logits log weights up to a constant: [K], or [rows, K]
 * @example distributions.chosenComponents(ops.zeros([5]), 3).shape // [3, 5]
 */
export function chosenComponents(logits: Tensor, rows: number): Tensor {
  const components = logits.shape.at(-1) as number;
  return hottest(stopGradient(add(uniformGumbel([rows, components]), logits)));
}

/**
 * Σ_k π_k N(μ_k, σ_k²), of parameters that may be anything.
 *
 * ```ts
 * const mixture = new distributions.NormalMixture({ mean: ops.zeros([5, 2]), logStd: ops.zeros([5, 2]) });
 * mixture.logProb(ops.zeros([1, 2])) // [-1.8379]
 * ```
 */
export class NormalMixture implements Density {
  readonly mean: Tensor;
  readonly logStd: Tensor;
  /** [K]. */
  private readonly logits: Tensor;

  constructor({ logits, mean, logStd }: MixtureParameters) {
    this.mean = mean;
    this.logStd = logStd;
    this.logits = logits ?? zeros([mean.shape[0] as number]);
  }

  /** log p(k | z) of points z [..., M], [..., K]: log-softmax of log π_k + log N(z; μ_k, σ_k²). */
  logResponsibilities(z: Tensor): Tensor {
    const each = sum(normalLogProb(unsqueeze(z, -2), this.mean, this.logStd), -1);
    return logSoftmax(add(each, logSoftmax(this.logits)));
  }

  /** log Σ_k π_k N(z; μ_k, σ_k). */
  logProb(z: Tensor): Tensor {
    const each = sum(
      normalLogProb(reshape(z, [-1, 1, this.mean.shape[1] as number]), this.mean, this.logStd),
      -1,
    );
    const rows = logSumExp(add(each, logSoftmax(this.logits)), -1);
    return reshape(rows, z.shape.slice(0, -1));
  }

  /** No gradient flows into the weights. */
  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const features = this.mean.shape[1] as number;
    const count = lead.reduce((a, b) => a * b, 1);
    const chosen = chosenComponents(this.logits, count);
    const noise = tempered(randomNormal([count, features]), temperature);
    const value = reshape(this.placed(chosen, noise), [...lead, features]);
    return { value, logProb: () => this.logProb(value), pathwise: false };
  }

  /** Draws [rows, M] of the components that rows with one 1 name, [rows, K]. */
  drawOf(chosen: Tensor): Tensor {
    const [rows, features] = [chosen.shape[0] as number, this.mean.shape[1] as number];
    return this.placed(chosen, randomNormal([rows, features]));
  }

  private placed(chosen: Tensor, noise: Tensor): Tensor {
    return add(matmul(chosen, this.mean), mul(matmul(chosen, exp(this.logStd)), noise));
  }
}
