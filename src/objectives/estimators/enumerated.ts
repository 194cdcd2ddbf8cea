// Discrete codes that are few: the bound as a sum over all of them, without a draw.
import { LatentGpuError } from '../../errors.ts';
import type { Batch } from '../../nn/index.ts';
import { exp, expand, mul, reshape, sub, sum } from '../../ops/index.ts';
import { penaltyOf, type Weights } from '../divergence.ts';
import { discretePosterior, logLikelihoodOf } from '../draws.ts';
import type { Estimate } from '../estimate.ts';
import type { LatentModel } from '../model.ts';

/** Codes that are decoded for every data point at most. */
export const ENUMERABLE = 1024;

/** @throws LatentGpuError `bad-config` for codes too many to be gone through */
export function checkEnumerable(configurations: number): void {
  if (configurations <= ENUMERABLE) return;
  throw new LatentGpuError(
    'bad-config',
    `estimator enumerated decodes every code there is, and there are ${configurations.toLocaleString('en')} (at most ${ENUMERABLE.toLocaleString('en')}); take gumbel or score, or fewer groups or classes`,
  );
}

/**
 * Σ_z q(z | x) log p(x | z) - β KL(q ‖ p), exact, and so is its gradient.
 *
 * ```ts
 * // posterior: ({ x }) => new distributions.OneHot(encoder.call(x), 10)
 * const { bound } = objectives.enumerated(model, { x });
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound and surrogate [B], one tensor
 * @throws LatentGpuError `bad-config` for codes that are not discrete, or too many
 */
export function enumerated(model: LatentModel, batch: Batch, weights: Weights = {}): Estimate {
  const posterior = discretePosterior(model, batch, 'enumerated');
  checkEnumerable(posterior.configurations);
  const { codes, logProbs } = posterior.enumerate();
  const [count, size] = codes.shape as [number, number];
  const prior = model.prior();
  const all = expand(reshape(codes, [1, count, size]), [batch.x.shape[0] as number, count, size]);
  const q = exp(logProbs);
  const reconstruction = sum(mul(q, logLikelihoodOf(model, batch, all)), -1);
  const closed = posterior.klTo?.(prior);
  const kl = closed
    ? sum(closed, -1)
    : sum(mul(q, sub(logProbs, reshape(prior.logProb(codes), [1, count]))), -1);
  const bound = sub(reconstruction, penaltyOf({ kl, ...(closed && { closed }) }, weights));
  return { bound, surrogate: bound, reconstruction, kl };
}
