// The evidence lower bound: E_q log p(x | z) - KL(q(z | x) ‖ p(z)). Kingma and Welling 2014.
import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import { mul, sub, sum } from '../ops/index.ts';
import { checkSamples, logLikelihoodOf, overDraws, posteriorOf } from './draws.ts';
import type { Estimate } from './estimate.ts';
import type { LatentModel } from './model.ts';

export interface ElboOptions {
  /** Draws of z a data point. */
  readonly samples?: number;
  /** `analytic`: closed form where there is one; `sampled`: log q(z) - log p(z) at the draws. */
  readonly kl?: 'analytic' | 'sampled';
  /** Weight of the divergence (Higgins et al. 2017). */
  readonly beta?: number | Tensor;
}

/**
 * The evidence lower bound E_q log p(x | z) - β KL(q(z | x) ‖ p(z)), averaged over the draws. Its
 * gradient is that of reparameterized draws.
 *
 * ```ts
 * const { bound, kl } = objectives.elbo(model, { x }, { beta: 0.5 });
 * const loss = ops.neg(ops.mean(bound));
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @throws LatentGpuError `bad-config` for no samples
 */
export function elbo(model: LatentModel, batch: Batch, options: ElboOptions = {}): Estimate {
  const { samples = 1, kl: kind = 'analytic', beta = 1 } = options;
  checkSamples(samples);
  const posterior = posteriorOf(model, batch);
  const draw = posterior.draw(samples);
  const reconstruction = overDraws(logLikelihoodOf(model, batch, draw.value));
  const prior = model.prior();
  const closed = kind === 'analytic' ? posterior.klTo?.(prior) : undefined;
  const kl = closed ? sum(closed, -1) : overDraws(sub(draw.logProb(), prior.logProb(draw.value)));
  const bound = sub(reconstruction, mul(beta, kl));
  return { bound, surrogate: bound, reconstruction, kl };
}
