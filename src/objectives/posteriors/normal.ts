// Independent normals: q(z | x) = Π N(z_j; μ_j(x), σ_j(x)²). Kingma and Welling 2014.
import { type Density, type Draw, Normal, StandardNormal } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  expand,
  klNormal,
  klStandardNormal,
  randomNormal,
  reparameterize,
  reshape,
} from '../../ops/index.ts';
import type { Posterior } from '../model.ts';

/**
 * Independent normals N(μ, σ²), the usual posterior.
 *
 * ```ts
 * const q = new distributions.Normal(ops.zeros([3, 2]), ops.zeros([3, 2]));
 * new objectives.NormalPosterior(q).draw(5).value.shape // [3, 5, 2]
 * ```
 */
export class NormalPosterior implements Posterior {
  private readonly q: Normal;

  /** @param q mean [B, M]; log σ [B, M], or shared by all data points, [M] */
  constructor(q: Normal) {
    this.q = q;
  }

  get mean(): Tensor {
    return this.q.mean;
  }

  get logStd(): Tensor {
    return expand(this.q.logStd, this.q.mean.shape);
  }

  /** The same normals, to be met by several draws: parameters [B, 1, M]. */
  private get wide(): Normal {
    const [batch, latent] = this.mean.shape as [number, number];
    const one = [batch, 1, latent];
    return new Normal(reshape(this.mean, one), reshape(this.logStd, one));
  }

  draw(samples: number): Draw {
    if (samples === 1) {
      const value = this.q.rsample();
      return { value, logProb: () => this.q.logProb(value), pathwise: true };
    }
    const { wide } = this;
    const [batch, , latent] = wide.mean.shape as [number, number, number];
    const noise = randomNormal([batch, samples, latent]);
    const value = reparameterize(wide.mean, wide.logStd, noise);
    return { value, logProb: () => wide.logProb(value), pathwise: true };
  }

  logProb(z: Tensor): Tensor {
    return (z.rank > this.mean.rank ? this.wide : this.q).logProb(z);
  }

  klTo(prior: Density): Tensor | undefined {
    const { mean, logStd } = this.q;
    if (prior instanceof StandardNormal) {
      prior.checkWidth(mean);
      return klStandardNormal(mean, logStd);
    }
    if (prior instanceof Normal) return klNormal(mean, logStd, prior.mean, prior.logStd);
    return undefined;
  }

  entropy(): Tensor {
    return new Normal(this.mean, this.logStd).entropy();
  }
}
