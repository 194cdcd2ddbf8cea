// Independent Student's t distributions: q(z | x) = Π t(z_j; μ_j(x), σ_j(x), ν_j(x)). Domke and Sheldon 2018.
import { type Draw, StudentT } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { unsqueeze } from '../../ops/index.ts';
import type { Posterior } from '../model.ts';

/**
 * Independent Student-t variables, whose tails are heavier than a normal's.
 *
 * ```ts
 * const q = new distributions.StudentT(ops.zeros([3, 2]), ops.zeros([3, 2]), ops.full([3, 2], 4));
 * new objectives.StudentPosterior(q).draw(5).value.shape // [3, 5, 2]
 * ```
 */
export class StudentPosterior implements Posterior {
  private readonly q: StudentT;

  /** @param q parameters [B, M] */
  constructor(q: StudentT) {
    this.q = q;
  }

  get mean(): Tensor {
    return this.q.mean;
  }

  /** The same, to be met by several draws: parameters [B, 1, M]. */
  private get wide(): StudentT {
    const { mean, logStd, df } = this.q;
    return new StudentT(unsqueeze(mean, 1), unsqueeze(logStd, 1), unsqueeze(df, 1));
  }

  draw(samples: number): Draw {
    if (samples === 1) return this.q.draw([]);
    const { wide } = this;
    const [batch, latent] = this.mean.shape as [number, number];
    const value = wide.rsample([], [batch, samples, latent]);
    return { value, logProb: () => wide.logProb(value), pathwise: true };
  }

  logProb(z: Tensor): Tensor {
    return (z.rank > this.mean.rank ? this.wide : this.q).logProb(z);
  }
}
