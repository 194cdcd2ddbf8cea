// The evidence lower bound of a model whose codes come from a mixture's component c:
// E_q log p(x | z) - KL(q(z, c | x) ‖ p(z, c)). Jiang et al. 2017, equations 11 to 16 and appendix B.
import {
  type MixtureParameters,
  type Normal,
  NormalMixture,
} from '../../../distributions/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { exp, klNormal, logSoftmax, mul, sub, sum, unsqueeze } from '../../../ops/index.ts';

/** Parameters of Σ_c π_c N(μ_c, σ_c²) over codes of M numbers. */
export type Mixture = Required<MixtureParameters>;

export interface Divergences {
  /** Σ_c q(c | x) KL(q(z | x) ‖ p(z | c)), [B]. */
  readonly codes: Tensor;
  /** KL(q(c | x) ‖ p(c)), [B]. */
  readonly clusters: Tensor;
  /** q(c | x) and its logarithm, [B, K]. */
  readonly belongs: Tensor;
  readonly logBelongs: Tensor;
}

/**
 * The two terms of KL(q(z | x) q(c | x) ‖ p(z | c) p(c)), both in closed form, with q(c | x) = p(c | z) at a
 * draw z ~ q(z | x): the paper's estimate of E_q p(c | z) by one draw. The bound holds whichever q(c | x) is.
 *
 * @param q mean and log standard deviations of q(z | x), [B, M]
 * @param z draws of it, [B, M]
 */
export function divergences(q: Normal, z: Tensor, mixture: Mixture): Divergences {
  const { mean, logStd, logits } = mixture;
  const logBelongs = new NormalMixture(mixture).logResponsibilities(z);
  const belongs = exp(logBelongs);
  const each = sum(klNormal(unsqueeze(q.mean, 1), unsqueeze(q.logStd, 1), mean, logStd), -1);
  return {
    codes: sum(mul(belongs, each), -1),
    clusters: sum(mul(belongs, sub(logBelongs, logSoftmax(logits))), -1),
    belongs,
    logBelongs,
  };
}
