// The importance-weighted bound: log 1/K Σ p(x, z_k) / q(z_k | x). Burda, Grosse and Salakhutdinov 2016.
import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import { add, logMeanExp, logSumExp, mul, sub } from '../ops/index.ts';
import { checkSamples, logLikelihoodOf, overDraws, posteriorOf } from './draws.ts';
import type { Estimate } from './estimate.ts';
import type { LatentModel } from './model.ts';

export interface ImportanceEstimate extends Estimate {
  /** log w of each draw, [B, K]; of a single one [B]. */
  readonly logWeights: Tensor;
}

/**
 * The bound of K draws. Its gradient weighs the draws by their normalised weights.
 *
 * ```ts
 * const { bound } = objectives.importanceBound(model, { x }, 5);
 * const loss = ops.neg(ops.mean(bound));
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @param samples K
 * @throws LatentGpuError `bad-config` for no samples
 */
export function importanceBound(
  model: LatentModel,
  batch: Batch,
  samples: number,
): ImportanceEstimate {
  checkSamples(samples);
  const draw = posteriorOf(model, batch).draw(samples);
  return importanceOf(model, batch, draw.value, draw.logProb());
}

/**
 * The bound at codes z [B, K, M], or [B, M], that q gives the log-densities `logQ`.
 *
 * ```ts
 * const draw = objectives.posteriorOf(model, { x }).draw(5);
 * const { bound, logWeights } = objectives.importanceOf(model, { x }, draw.value, draw.logProb());
 * ```
 */
export function importanceOf(
  model: LatentModel,
  batch: Batch,
  z: Tensor,
  logQ: Tensor,
): ImportanceEstimate {
  const logLikelihood = logLikelihoodOf(model, batch, z);
  const divergence = sub(logQ, model.prior().logProb(z));
  const logWeights = sub(logLikelihood, divergence);
  const bound = logWeights.rank === 1 ? logWeights : logMeanExp(logWeights, 1);
  return {
    bound,
    surrogate: bound,
    reconstruction: overDraws(logLikelihood),
    kl: overDraws(divergence),
    logWeights,
  };
}

/**
 * log of the effective sample size (Σ w)² / Σ w² of importance weights, over the last axis.
 *
 * @example ops.exp(objectives.logEffectiveSampleSize(ops.zeros([1, 4]))) // [4]
 */
export function logEffectiveSampleSize(logWeights: Tensor): Tensor {
  return sub(mul(2, logSumExp(logWeights, -1)), logSumExp(add(logWeights, logWeights), -1));
}
