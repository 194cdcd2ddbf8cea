// Sticking the landing: the path derivative alone. Roeder, Wu and Duvenaud 2017.
import type { Batch } from '../../nn/index.ts';
import { onlyThrough, sub } from '../../ops/index.ts';
import type { Weights } from '../divergence.ts';
import { checkSamples, logLikelihoodOf, overDraws, pathwiseDraw, posteriorOf } from '../draws.ts';
import { weighed } from '../elbo.ts';
import type { Estimate } from '../estimate.ts';
import { importanceOf } from '../importance.ts';
import type { LatentModel } from '../model.ts';

export interface StlOptions extends Weights {
  /** Default: `elbo`. Of `iwae` the gradient is biased for K > 1: that of `dreg` is not. */
  readonly bound?: 'elbo' | 'iwae';
  /** Draws a data point. Default: 1. */
  readonly samples?: number;
}

/**
 * Of ∇_φ log q(z; φ) at z = z(φ, ε), the part that does not pass through z has mean 0 and is left out:
 * q's parameters count as given in log q. As q nears p(z | x) the gradient's variance vanishes; at
 * q = p(z | x) it is exactly zero.
 *
 * ```ts
 * const { bound, surrogate } = objectives.stl(model, { x });
 * const loss = ops.neg(ops.mean(surrogate)); // its value is that of the bound
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound and surrogate [B], one tensor; the divergence is that of the draws
 * @throws LatentGpuError `bad-config` for discrete codes
 */
export function stl(model: LatentModel, batch: Batch, options: StlOptions = {}): Estimate {
  const { bound = 'elbo', samples = 1 } = options;
  checkSamples(samples);
  const posterior = posteriorOf(model, batch);
  const { value: z } = pathwiseDraw(posterior, samples, 'stl');
  const logQ = onlyThrough(posterior.logProb(z), z);
  if (bound === 'iwae') return importanceOf(model, batch, z, logQ);
  const kl = overDraws(sub(logQ, model.prior().logProb(z)));
  return weighed(logLikelihoodOf(model, batch, z), { kl }, options);
}
