// Divergences in closed form.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { klNormal, klStandardNormal, sum } from '../ops/index.ts';
import { Beta, Dirichlet, klBeta, klDirichlet } from './dirichlet.ts';
import { Bernoulli, klBernoulli } from './discrete.ts';
import { Gamma, klGamma } from './gamma.ts';
import { klMultivariate, MultivariateNormal } from './multivariate-normal.ts';
import { Normal, StandardNormal } from './normal.ts';
import { klOneHot, OneHot, UniformOneHot } from './one-hot.ts';

/** What has a divergence in closed form from others of its kind. */
export type Closed =
  | Normal
  | StandardNormal
  | MultivariateNormal
  | Bernoulli
  | Beta
  | Dirichlet
  | Gamma
  | OneHot
  | UniformOneHot;

/**
 * KL(q ‖ p) in nats in closed form, summed over the last axis: of normals, of bits, of one-hot
 * codes, of gamma, beta and Dirichlet variables.
 *
 * ```ts
 * const q = new distributions.Normal(ops.full([2], 1), ops.zeros([2]));
 * distributions.klDivergence(q, new distributions.StandardNormal([2])) // 1
 * ```
 *
 * @throws LatentGpuError `bad-config` for two kinds between which there is none
 */
export function klDivergence(
  q: Normal | MultivariateNormal | Bernoulli | Beta | Dirichlet | Gamma | OneHot,
  p: Closed,
): Tensor {
  if (q instanceof Normal) {
    if (p instanceof StandardNormal) return sum(klOfStandard(q, p), -1);
    if (p instanceof Normal) return sum(klNormal(q.mean, q.logStd, p.mean, p.logStd), -1);
  } else if (q instanceof MultivariateNormal) {
    if (p instanceof MultivariateNormal || p instanceof StandardNormal) return klMultivariate(q, p);
  } else if (q instanceof Bernoulli) {
    if (p instanceof Bernoulli) return sum(klBernoulli(q, p), -1);
  } else if (q instanceof Gamma) {
    if (p instanceof Gamma) return sum(klGamma(q, p), -1);
  } else if (q instanceof Beta) {
    if (p instanceof Beta) return sum(klBeta(q, p), -1);
  } else if (q instanceof Dirichlet) {
    if (p instanceof Dirichlet) return klDirichlet(q, p);
  } else if (p instanceof OneHot || p instanceof UniformOneHot) return sum(klOneHot(q, p), -1);
  throw new LatentGpuError(
    'bad-config',
    'klDivergence: two distributions of different kinds have none in closed form; take the mean of q.logProb(z) - p.logProb(z) over draws z of q',
  );
}

/**
 * KL(q ‖ N(0, I)) of independent normals, a dimension each.
 *
 * @throws LatentGpuError `shape-mismatch` for two that are of another width
 */
function klOfStandard(q: Normal, p: StandardNormal): Tensor {
  const each = klStandardNormal(q.mean, q.logStd);
  p.checkWidth(each);
  return each;
}
