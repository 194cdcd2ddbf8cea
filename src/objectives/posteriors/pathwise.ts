// Posteriors that any distribution describes whose draws are differentiable: Laplace, normals with all covariances,
// one of a program's own.
import {
  Beta,
  type Density,
  Dirichlet,
  type Draw,
  Gamma,
  klBeta,
  klDivergence,
  klGamma,
  MultivariateNormal,
  StandardNormal,
} from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { transpose, unsqueeze } from '../../ops/index.ts';
import type { Pathwise, Posterior } from '../model.ts';

/**
 * q(z | x) by a distribution of codes, parameters [B, M].
 *
 * ```ts
 * const q = new distributions.Laplace(ops.zeros([3, 2]), ops.zeros([3, 2]));
 * new objectives.PathwisePosterior(q).draw(5).value.shape // [3, 5, 2]
 * ```
 */
export class PathwisePosterior implements Posterior {
  private readonly q: Pathwise;
  readonly entropy?: () => Tensor;

  constructor(q: Pathwise) {
    this.q = q;
    if (q.entropy) this.entropy = () => q.entropy?.() as Tensor;
  }

  get mean(): Tensor {
    return this.q.mean;
  }

  draw(samples: number): Draw {
    // Several draws come first, and each row's are to stand together.
    const value =
      samples === 1 ? this.q.rsample() : transpose(this.q.rsample([samples]), [1, 0, 2]);
    return { value, logProb: () => this.logProb(value), pathwise: true };
  }

  logProb(z: Tensor): Tensor {
    if (z.rank === this.mean.rank) return this.q.logProb(z);
    return transpose(this.q.logProb(transpose(z, [1, 0, 2])), [1, 0]);
  }

  /** Of normals with covariances and of shares as a whole, [B, 1]; of gamma and beta variables each, [B, M]. */
  klTo(prior: Density): Tensor | undefined {
    const { q } = this;
    if (q instanceof Gamma && prior instanceof Gamma) return klGamma(q, prior);
    if (q instanceof Beta && prior instanceof Beta) return klBeta(q, prior);
    const isNormal = prior instanceof StandardNormal || prior instanceof MultivariateNormal;
    const isWhole =
      (q instanceof MultivariateNormal && isNormal) ||
      (q instanceof Dirichlet && prior instanceof Dirichlet);
    return isWhole ? unsqueeze(klDivergence(q, prior), -1) : undefined;
  }
}
