// Mixtures of normals with diagonal covariances.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  exp,
  less,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  mul,
  normalLogProb,
  randomNormal,
  reshape,
  stopGradient,
  sub,
  sum,
  uniformGumbel,
  zeros,
} from '../ops/index.ts';
import { type Density, type Draw, type DrawOptions, tempered } from './density.ts';

/** What describes a mixture of K normals of M numbers. */
export interface MixtureParameters {
  /** Log weights up to a constant, [K]; left out, all weigh alike. */
  readonly logits?: Tensor;
  /** [K, M]. */
  readonly mean: Tensor;
  /** Log standard deviations, [K, M]. */
  readonly logStd: Tensor;
}

/** Σ_k π_k N(μ_k, σ_k²), of parameters that may be anything. */
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

  /** log Σ_k π_k N(z; μ_k, σ_k). */
  logProb(z: Tensor): Tensor {
    const each = sum(
      normalLogProb(reshape(z, [-1, 1, this.mean.shape[1] as number]), this.mean, this.logStd),
      -1,
    );
    const rows = logSumExp(add(each, logSoftmax(this.logits)), -1);
    return reshape(rows, z.shape.slice(0, -1));
  }

  /** The component by the Gumbel-max trick: no gradient flows into the weights. */
  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const [components, features] = this.mean.shape as [number, number];
    const count = lead.reduce((a, b) => a * b, 1);
    const scores = stopGradient(add(uniformGumbel([count, components]), this.logits));
    const chosen = sub(1, less(scores, max(scores, -1, { keepDims: true })));
    const noise = tempered(randomNormal([count, features]), temperature);
    const rows = add(matmul(chosen, this.mean), mul(matmul(chosen, exp(this.logStd)), noise));
    const value = reshape(rows, [...lead, features]);
    return { value, logProb: () => this.logProb(value), pathwise: false };
  }
}
