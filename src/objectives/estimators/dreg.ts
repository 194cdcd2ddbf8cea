// The doubly reparameterized gradient of the importance-weighted bound. Tucker, Lawson, Gu and Maddison
// 2019, equation 8.
import type { Tensor } from '../../graph/tensor.ts';
import type { Batch } from '../../nn/index.ts';
import { onlyThrough, scaleGradient, softmax, unsqueeze } from '../../ops/index.ts';
import { checkSamples, pathwiseDraw, posteriorOf } from '../draws.ts';
import { type ImportanceEstimate, importanceOf } from '../importance.ts';
import type { LatentModel } from '../model.ts';

/**
 * With normalised weights w̃_k, the decoder's and prior's gradient is Σ w̃_k ∇_θ log w_k as ever; the
 * encoder's is Σ w̃_k² ∂log w_k/∂z_k ∇_φ z_k, whose signal does not drown as K grows. One backward pass
 * gives both: what passes into a draw is weighed once more.
 *
 * The encoder must not share parameters with what has its own gradient in log w; a posterior of
 * several stochastic layers needs further terms (Bauer and Mnih 2021).
 *
 * ```ts
 * const { surrogate } = objectives.dreg(model, { x }, { samples: 64 });
 * const loss = ops.neg(ops.mean(surrogate)); // its value is that of the bound
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound and surrogate [B], one tensor
 * @throws LatentGpuError `bad-config` for discrete codes
 */
export function dreg(
  model: LatentModel,
  batch: Batch,
  { samples }: { readonly samples: number },
): ImportanceEstimate {
  checkSamples(samples);
  const posterior = posteriorOf(model, batch);
  const draw = pathwiseDraw(posterior, samples, 'dreg');
  // A single weight is 1.
  const weights = (): Tensor | number =>
    samples === 1 ? 1 : unsqueeze(softmax(estimate.logWeights, 1), 2);
  const z = scaleGradient(draw.value, weights);
  const estimate = importanceOf(model, batch, z, onlyThrough(posterior.logProb(z), z));
  return estimate;
}
