// Where the mixture of codes begins: EM with diagonal covariances on the codes of a pretrained autoencoder.
import type { Variable } from '../../../graph/variable.ts';
import type { Fitting } from '../../learner.ts';
import { GaussianMixture } from '../gmm/model.ts';
import type { Mixture } from './bound.ts';

/** Mixtures that EM tries side by side. */
const STARTS = 5;
/** Passes over the codes at most, and nats a row that ten of them must bring. */
const PASSES = 200;
const TOLERANCE = 1e-4;
/** Added to every variance of codes, which are of order 1: an idle number has none. */
const LEAST_VARIANCE = 1e-4;
/** Numbers of whitened codes that a step may hold. */
const HELD = 2 ** 22;

/** @param of the codes of a batch, [B, M] */
export function mixtureStart(of: Fitting['of'], mixture: Record<keyof Mixture, Variable>): Fitting {
  const [components, latent] = mixture.mean.shape as [number, number];
  const by = new GaussianMixture(
    {
      ...{ components, covariance: 'diagonal', fit: 'em', start: 'kmeans', starts: STARTS },
      ...{ regularize: LEAST_VARIANCE, tolerance: TOLERANCE, power: 1 },
    },
    { shape: [latent] },
  );
  return {
    of,
    by: by as Fitting['by'],
    batch: Math.max(1, Math.floor(HELD / (STARTS * components * latent))),
    passes: PASSES,
    taken: (found) =>
      new Map([
        [mixture.logits, found(by.logWeights)],
        [mixture.mean, found(by.mean)],
        // The factor of a diagonal covariance is log 1/σ.
        [mixture.logStd, found(by.factor).map((log) => -log)],
      ]),
  };
}
