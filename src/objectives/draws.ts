// The joint beginning of all bounds: draws of the posterior, decoded and weighed.
import { Normal } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import { mean, unsqueeze } from '../ops/index.ts';
import type { LatentModel, Posterior } from './model.ts';
import { NormalPosterior } from './posteriors/normal.ts';

/** q(z | x) of a batch. */
export function posteriorOf(model: LatentModel, batch: Batch): Posterior {
  const posterior = model.posterior(batch);
  return posterior instanceof Normal ? new NormalPosterior(posterior) : posterior;
}

/** log p(x | z) at codes z: [B] for [B, M], [B, S] for [B, S, M]. */
export function logLikelihoodOf(model: LatentModel, batch: Batch, z: Tensor): Tensor {
  const seen = z.rank === 3 ? unsqueeze(batch.x, 1) : batch.x;
  return model.decode(z, batch).logProb(seen);
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
