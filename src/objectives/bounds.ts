// Lower bounds of log p(x).
import type { Distribution, Reparameterized } from '../distributions/index.ts';
import { klDivergence, Normal, StandardNormal } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  expand,
  logMeanExp,
  logSumExp,
  mean,
  mul,
  randomNormal,
  reparameterize,
  reshape,
  sub,
  unsqueeze,
} from '../ops/index.ts';

/** A posterior whose density is known at its own draws. */
export interface WeighedPosterior {
  /** [B, M]. */
  readonly mean: Tensor;
  /** Draws [B, S, M] with their log-densities [B, S]; of a single one [B, M] and [B]. */
  weighedDraws(samples: number): { readonly value: Tensor; readonly logProb: Tensor };
}

export interface LatentModel {
  /** q(z | x) for x [B, D]: parameters [B, M]. */
  encode(x: Tensor): Reparameterized;
  /** p(x | z) for z [..., M]: parameters [..., D]. */
  decode(z: Tensor): Distribution;
  /** q(z | x), where it is more than what `encode` describes. */
  posterior?(x: Tensor): WeighedPosterior | undefined;
  /** p(z), broadcast over [B, M]. */
  prior(latent: Tensor): Pick<Distribution, 'logProb'>;
}

export interface BoundTerms {
  /** The bound, [B], in nats. */
  readonly bound: Tensor;
  /** E_q log p(x | z), [B]. */
  readonly reconstruction: Tensor;
  /** KL(q ‖ p) or its estimate, [B]. */
  readonly kl: Tensor;
}

export interface ElboOptions {
  /** Draws of z a data point. */
  samples?: number;
  /** `analytic`: closed form; `sampled`: log q(z) - log p(z) at the draws. */
  kl?: 'analytic' | 'sampled';
  /** Weight of the divergence (Higgins et al. 2017). */
  beta?: number | Tensor;
}

/** What a bound is made of, at S draws a data point: log-densities [B, S], or [B] for one draw. */
interface Draws {
  readonly posterior: Reparameterized | WeighedPosterior;
  readonly logLikelihood: Tensor;
  logPrior(): Tensor;
  logPosterior(): Tensor;
}

function draw(model: LatentModel, x: Tensor, samples: number): Draws {
  if (!(Number.isInteger(samples) && samples >= 1)) {
    throw new LatentGpuError(
      'bad-config',
      `a bound needs at least one sample a data point, not ${samples}`,
    );
  }
  const weighed = model.posterior?.(x);
  if (weighed) {
    const { value: z, logProb } = weighed.weighedDraws(samples);
    const seen = samples === 1 ? x : unsqueeze(x, 1);
    return {
      posterior: weighed,
      logLikelihood: model.decode(z).logProb(seen),
      logPrior: () => model.prior(z).logProb(z),
      logPosterior: () => logProb,
    };
  }
  const posterior = model.encode(x);
  const [batch, latent] = posterior.mean.shape as [number, number];
  const prior = model.prior(posterior.mean);
  if (samples === 1) {
    const z = posterior.rsample();
    return {
      posterior,
      logLikelihood: model.decode(z).logProb(x),
      logPrior: () => prior.logProb(z),
      logPosterior: () => posterior.logProb(z),
    };
  }
  if (!(posterior instanceof Normal)) {
    throw new LatentGpuError(
      'bad-config',
      'several samples need a normal posterior; use samples: 1',
    );
  }
  // A deviation may be shared by all data points.
  const logStd = expand(posterior.logStd, [batch, latent]);
  const q = new Normal(
    reshape(posterior.mean, [batch, 1, latent]),
    reshape(logStd, [batch, 1, latent]),
  );
  const z = reparameterize(q.mean, q.logStd, randomNormal([batch, samples, latent]));
  return {
    posterior,
    logLikelihood: model.decode(z).logProb(unsqueeze(x, 1)),
    logPrior: () => prior.logProb(z),
    logPosterior: () => q.logProb(z),
  };
}

/** The mean over the draws of each data point. */
function overDraws(values: Tensor): Tensor {
  return values.rank > 1 ? mean(values, 1) : values;
}

/**
 * The evidence lower bound E_q log p(x | z) - β KL(q(z | x) ‖ p(z)), averaged over the draws
 * (Kingma and Welling 2014).
 * @param x data [B, D]
 */
export function elbo(model: LatentModel, x: Tensor, options: ElboOptions = {}): BoundTerms {
  const { samples = 1, kl: kind = 'analytic', beta = 1 } = options;
  const draws = draw(model, x, samples);
  const { posterior } = draws;
  const reconstruction = overDraws(draws.logLikelihood);
  const prior = model.prior(posterior.mean);
  const closed =
    kind === 'analytic' &&
    posterior instanceof Normal &&
    (prior instanceof Normal || prior instanceof StandardNormal);
  const divergence = closed
    ? klDivergence(posterior, prior)
    : overDraws(sub(draws.logPosterior(), draws.logPrior()));
  return { bound: sub(reconstruction, mul(beta, divergence)), reconstruction, kl: divergence };
}

/**
 * The importance-weighted bound log 1/K Σ p(x, z) / q(z | x) (Burda, Grosse and Salakhutdinov
 * 2016). Its gradient weighs the draws by their normalised weights.
 * @param x data [B, D]
 * @param samples K
 */
export function importanceBound(
  model: LatentModel,
  x: Tensor,
  samples: number,
): BoundTerms & { readonly logWeights: Tensor } {
  const draws = draw(model, x, samples);
  const divergence = sub(draws.logPosterior(), draws.logPrior());
  const logWeights = sub(draws.logLikelihood, divergence);
  return {
    bound: samples === 1 ? logWeights : logMeanExp(logWeights, 1),
    reconstruction: overDraws(draws.logLikelihood),
    kl: overDraws(divergence),
    logWeights,
  };
}

/** log of the effective sample size (Σ w)² / Σ w² of importance weights, over the last axis. */
export function logEffectiveSampleSize(logWeights: Tensor): Tensor {
  return sub(mul(2, logSumExp(logWeights, -1)), logSumExp(add(logWeights, logWeights), -1));
}
