// The evidence lower bound: E_q log p(x | z) - KL(q(z | x) ‖ p(z)). Kingma and Welling 2014.

import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import { sub } from '../ops/index.ts';
import { type AggregateWeights, aggregateTerms } from './aggregate.ts';
import { type Divergence, divergenceOf, penaltyOf, type Weights } from './divergence.ts';
import { checkSamples, logLikelihoodOf, overDraws, posteriorOf } from './draws.ts';
import type { Estimate } from './estimate.ts';
import type { LatentModel } from './model.ts';

export interface ElboOptions extends Weights, AggregateWeights {
  /** Draws of z a data point. */
  readonly samples?: number;
  /** `analytic`: closed form where there is one; `sampled`: log q(z) - log p(z) at the draws. */
  readonly kl?: 'analytic' | 'sampled';
}

/**
 * The evidence lower bound E_q log p(x | z) - β KL(q(z | x) ‖ p(z)), averaged over the draws. Its
 * gradient is that of reparameterized draws: for discrete codes there are other estimators.
 *
 * With `totalCorrelation: γ` less γ times what the numbers of codes tell of each other: FactorVAE (Kim and Mnih 2018),
 * β-TCVAE of β = 1 + γ (Chen et al. 2018). With `discrepancy: λ` less λ times the distance of all codes from the
 * prior: InfoVAE (Zhao et al. 2019), and with `beta: 0` a Wasserstein autoencoder (Tolstikhin et al. 2018).
 *
 * ```ts
 * const { bound, kl } = objectives.elbo(model, { x }, { beta: 0.5 });
 * const loss = ops.neg(ops.mean(bound));
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound, reconstruction and kl [B]
 * @throws LatentGpuError `bad-config` for no samples, free bits of an unknown divergence, or the total correlation
 *   of codes that are not independent normals
 */
export function elbo(model: LatentModel, batch: Batch, options: ElboOptions = {}): Estimate {
  const { samples = 1, kl = 'analytic' } = options;
  checkSamples(samples);
  const posterior = posteriorOf(model, batch);
  const draw = posterior.draw(samples);
  const logLikelihood = logLikelihoodOf(model, batch, draw.value);
  const prior = model.prior();
  const terms = weighed(logLikelihood, divergenceOf(posterior, prior, draw, kl), options);
  const together = aggregateTerms(posterior, prior, draw.value, options);
  if (!together) return terms;
  const bound = sub(terms.bound, together.penalty);
  return { ...terms, bound, surrogate: bound, metrics: together.metrics };
}

/** The bound that is its own surrogate, of log-likelihoods [B] or [B, S]. */
export function weighed(logLikelihood: Tensor, divergence: Divergence, weights: Weights): Estimate {
  const reconstruction = overDraws(logLikelihood);
  const bound = sub(reconstruction, penaltyOf(divergence, weights));
  return { bound, surrogate: bound, reconstruction, kl: divergence.kl };
}
