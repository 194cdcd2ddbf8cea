// The joint beginning of all bounds: draws of the posterior, decoded and weighed.
import { Bernoulli, type Draw, Normal, OneHot } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import { mean, unsqueeze } from '../ops/index.ts';
import type { LatentModel, Posterior } from './model.ts';
import { BernoulliPosterior } from './posteriors/bernoulli.ts';
import { CategoricalPosterior } from './posteriors/categorical.ts';
import { type DiscretePosterior, isDiscrete } from './posteriors/discrete.ts';
import { NormalPosterior } from './posteriors/normal.ts';
import { PathwisePosterior } from './posteriors/pathwise.ts';

/**
 * q(z | x) of a batch.
 *
 * @throws LatentGpuError `bad-input` for a batch without data points, or what is no posterior
 * @example const { value } = objectives.posteriorOf(model, { x }).draw(5); // [B, 5, M]
 */
export function posteriorOf(model: LatentModel, batch: Batch): Posterior {
  if (!batch?.x) {
    throw new LatentGpuError(
      'bad-input',
      'a bound is of a batch, { x }, and there is no x; give the data points as its x',
    );
  }
  const posterior = model.posterior(batch);
  if (typeof posterior?.logProb !== 'function') {
    throw new LatentGpuError(
      'bad-input',
      `the model's posterior() gives ${posterior}, no distribution; return new distributions.Normal(mean, logStd), say`,
    );
  }
  if (posterior instanceof Normal) return new NormalPosterior(posterior);
  if (posterior instanceof Bernoulli) return new BernoulliPosterior(posterior);
  if (posterior instanceof OneHot) return new CategoricalPosterior(posterior);
  if ('rsample' in posterior) return new PathwisePosterior(posterior);
  if ('sample' in posterior) {
    throw new LatentGpuError(
      'bad-input',
      `the model's posterior() gives a ${posterior.constructor.name}, through whose draws no gradient flows; give one with rsample, or an objectives.Posterior of it`,
    );
  }
  return posterior;
}

/** A draw that gradients flow through. @throws LatentGpuError `bad-config` if there is none */
export function pathwiseDraw(posterior: Posterior, samples: number, estimator: string): Draw {
  const draw = posterior.draw(samples);
  if (draw.pathwise) return draw;
  throw new LatentGpuError(
    'bad-config',
    `estimator ${estimator} differentiates draws of the code, and a discrete code's cannot be; take gumbel, straight-through, score or enumerated`,
  );
}

/** The posterior of a discrete code. @throws LatentGpuError `bad-config` if it is another */
export function discretePosterior(
  model: LatentModel,
  batch: Batch,
  estimator: string,
): DiscretePosterior {
  const posterior = posteriorOf(model, batch);
  if (isDiscrete(posterior)) return posterior;
  throw new LatentGpuError(
    'bad-config',
    `estimator ${estimator} is for discrete codes, and this model's are not; take reparameterized`,
  );
}

/**
 * log p(x | z) at codes z: [B] for [B, M], [B, S] for [B, S, M]. Of data with a mask, of what is seen.
 *
 * ```ts
 * const { value: z } = objectives.posteriorOf(model, { x }).draw(5);
 * const logLikelihood = objectives.logLikelihoodOf(model, { x }, z); // [B, 5]
 * ```
 */
export function logLikelihoodOf(model: LatentModel, batch: Batch, z: Tensor): Tensor {
  const { x, mask } = batch;
  const beside = (rows: Tensor) => (z.rank === 3 ? unsqueeze(rows, 1) : rows);
  const decoded = model.decode(z, batch);
  if (typeof decoded?.logProb !== 'function') {
    throw new LatentGpuError(
      'bad-input',
      `the model's decode() gives ${decoded}, no distribution; return new distributions.Bernoulli(logits), say`,
    );
  }
  return decoded.logProb(beside(x), mask && beside(mask));
}

/** The mean over the draws of each data point. */
export function overDraws(values: Tensor): Tensor {
  return values.rank > 1 ? mean(values, 1) : values;
}

/** @throws LatentGpuError `bad-config` */
export function checkSamples(samples: number): void {
  if (Number.isInteger(samples) && samples >= 1) return;
  throw new LatentGpuError(
    'bad-config',
    `a bound needs at least one sample a data point, not ${samples}`,
  );
}
