// Gradients of discrete codes through continuous ones. Jang, Gu and Poole 2017; Maddison, Mnih and Teh
// 2017; straight-through: Bengio, Léonard and Courville 2013.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Batch } from '../../nn/index.ts';
import { divergenceOf, type Weights } from '../divergence.ts';
import { checkSamples, discretePosterior, logLikelihoodOf } from '../draws.ts';
import { weighed } from '../elbo.ts';
import type { Estimate } from '../estimate.ts';
import type { LatentModel } from '../model.ts';

export interface RelaxedOptions extends Weights {
  /** T > 0: the nearer to 0, the less the bias and the more the variance. Default: 1. */
  readonly temperature?: number | Tensor;
  /** Draws a data point. Default: 1. */
  readonly samples?: number;
}

/**
 * The evidence lower bound with codes softmax((logits + g) / T), g Gumbel noise, in place of one-hot ones
 * (bits: σ((logit + l) / T), l logistic), and the divergence of the discrete code in closed form, as
 * Jang et al. have it. The reconstruction is that of the continuous code.
 *
 * ```ts
 * // posterior: ({ x }) => new distributions.OneHot(encoder.call(x), 10)
 * const { surrogate } = objectives.gumbel(model, { x }, { temperature: 0.5 });
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound and surrogate [B], one tensor
 * @throws LatentGpuError `bad-config` for codes that are not discrete, or a temperature that is not above 0
 */
export function gumbel(model: LatentModel, batch: Batch, options: RelaxedOptions = {}): Estimate {
  return relaxed(model, batch, options, false);
}

/**
 * The same with codes that are one-hot where they are decoded (up to rounding) and the gradient of relaxed
 * ones: the reconstruction is that of the discrete code, the gradient is biased.
 *
 * ```ts
 * const { surrogate } = objectives.straightThrough(model, { x }, { temperature: 0.5 });
 * ```
 *
 * @throws LatentGpuError `bad-config` as {@link gumbel}
 */
export function straightThrough(
  model: LatentModel,
  batch: Batch,
  options: RelaxedOptions = {},
): Estimate {
  return relaxed(model, batch, options, true);
}

function relaxed(
  model: LatentModel,
  batch: Batch,
  options: RelaxedOptions,
  isHard: boolean,
): Estimate {
  const { temperature = 1, samples = 1 } = options;
  checkSamples(samples);
  if (typeof temperature === 'number' && !(temperature > 0)) {
    throw new LatentGpuError('bad-config', `the temperature is ${temperature}; it must be above 0`);
  }
  const posterior = discretePosterior(model, batch, isHard ? 'straight-through' : 'gumbel');
  const draw = posterior.relaxed(samples, temperature, isHard);
  const divergence = divergenceOf(posterior, model.prior(), draw, 'analytic');
  return weighed(logLikelihoodOf(model, batch, draw.value), divergence, options);
}
