// The score function: ∇_φ E_q f(z) = E_q (f(z) - b) ∇_φ log q(z), which asks nothing of f or of z.
// Williams 1992; Paisley, Blei and Jordan 2012; for the importance-weighted bound: Mnih and Rezende 2016.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Batch } from '../../nn/index.ts';
import {
  add,
  identity,
  logMeanExp,
  mean,
  mul,
  reshape,
  stopGradient,
  sub,
  sum,
  unsqueeze,
  where,
} from '../../ops/index.ts';
import type { Baseline } from '../baselines.ts';
import { divergenceOf, penaltyOf, type Weights } from '../divergence.ts';
import { checkSamples, logLikelihoodOf, overDraws, posteriorOf } from '../draws.ts';
import type { Estimate } from '../estimate.ts';
import { type ImportanceEstimate, importanceOf } from '../importance.ts';
import type { LatentModel } from '../model.ts';

export interface ScoreOptions extends Weights {
  /** Default: `elbo`. */
  readonly bound?: 'elbo' | 'iwae';
  /** Draws a data point. Default: 1. */
  readonly samples?: number;
  /**
   * What is taken from the signal. `leave-one-out`: the mean over a data point's other draws (Kool, van
   * Hoof and Welling 2019), of the importance-weighted bound what it would be without the draw (VIMCO).
   * Default: `none`.
   */
  readonly baseline?: 'none' | 'leave-one-out' | Baseline;
  /** Of the ELBO: whether the divergence is a closed form or part of the signal. Default: `analytic`. */
  readonly kl?: 'analytic' | 'sampled';
}

/**
 * The bound with the score function's gradient of the encoder: for discrete codes, and for any other
 * that can be drawn and weighed. The decoder's and prior's gradient is the usual one.
 *
 * ```ts
 * const options = { samples: 8, baseline: 'leave-one-out' } as const;
 * const { bound, surrogate } = objectives.score(model, { x }, options);
 * const loss = ops.neg(ops.mean(surrogate)); // its value means nothing: watch the bound
 * ```
 *
 * @param batch data x [B, D], and what else the model takes
 * @returns bound and surrogate [B]; effects of baselines that keep an average
 * @throws LatentGpuError `bad-config` for leave-one-out with a single sample
 */
export function score(model: LatentModel, batch: Batch, options: ScoreOptions = {}): Estimate {
  const { samples = 1, baseline = 'none', bound = 'elbo' } = options;
  checkSamples(samples);
  if (baseline === 'leave-one-out' && samples < 2) {
    throw new LatentGpuError(
      'bad-config',
      'baseline leave-one-out takes the mean of the other draws, and there are none; set samples to 2 or more',
    );
  }
  return bound === 'iwae'
    ? ofImportance(model, batch, samples, baseline)
    : ofElbo(model, batch, options);
}

function ofElbo(model: LatentModel, batch: Batch, options: ScoreOptions): Estimate {
  const { samples = 1, kl: kind = 'analytic', baseline = 'none', beta = 1 } = options;
  const posterior = posteriorOf(model, batch);
  const value = stopGradient(posterior.draw(samples).value);
  const logQ = posterior.logProb(value);
  const prior = model.prior();
  const draw = { value, logProb: () => logQ, pathwise: false };
  const divergence = divergenceOf(posterior, prior, draw, kind);
  const logLikelihood = logLikelihoodOf(model, batch, value);
  const penalty = penaltyOf(divergence, options);
  const reconstruction = overDraws(logLikelihood);
  const terms = { bound: sub(reconstruction, penalty), reconstruction, kl: divergence.kl };
  if (divergence.closed) {
    const learned = learn(batch.x, logLikelihood, logQ, baseline);
    return { ...terms, ...joined(sub(reconstruction, penalty), learned) };
  }
  if (options.freeBits) {
    throw new LatentGpuError(
      'bad-config',
      'estimator score takes free bits only of a divergence in closed form, which this posterior and prior lack',
    );
  }
  // E ∇_φ log q = 0: of the divergence only the prior is left to differentiate.
  const logPrior = mul(beta, prior.logProb(value));
  const joint = add(logLikelihood, logPrior);
  const learned = learn(batch.x, sub(joint, mul(beta, logQ)), logQ, baseline);
  return { ...terms, ...joined(overDraws(joint), learned) };
}

function ofImportance(
  model: LatentModel,
  batch: Batch,
  samples: number,
  baseline: NonNullable<ScoreOptions['baseline']>,
): ImportanceEstimate {
  const posterior = posteriorOf(model, batch);
  const value = stopGradient(posterior.draw(samples).value);
  const logQ = posterior.logProb(value);
  const estimate = importanceOf(model, batch, value, logQ);
  const { bound, logWeights } = estimate;
  const each = samples === 1 ? bound : unsqueeze(bound, 1);
  const isVimco = baseline === 'leave-one-out';
  const known = isVimco || baseline === 'none' ? undefined : baseline.of(batch.x, bound);
  const expected = isVimco ? withoutEach(logWeights) : known && perDraw(known.value, logQ);
  const signal = stopGradient(expected ? sub(each, expected) : each);
  const taught = mul(signal, logQ);
  const learned = { ...known, score: samples === 1 ? taught : sum(taught, 1) };
  return { ...estimate, ...joined(bound, learned) };
}

/**
 * VIMCO's baselines: log 1/K (Σ_{j≠k} w_j + ŵ_k), where ŵ_k is the geometric mean of the other weights.
 * [B, K] to [B, K].
 */
function withoutEach(logWeights: Tensor): Tensor {
  const [batch, count] = logWeights.shape as [number, number];
  const total = sum(logWeights, 1, { keepDims: true });
  const geometric = mul(sub(total, logWeights), 1 / (count - 1));
  const isOwn = identity(count);
  const others = reshape(logWeights, [batch, 1, count]);
  return logMeanExp(where(isOwn, unsqueeze(geometric, 2), others), 2);
}

interface Learned {
  /** Mean over the draws of (signal - baseline) · log q, [B]. */
  readonly score: Tensor;
  readonly lesson?: Tensor;
  readonly effects?: readonly Tensor[];
}

function learn(
  x: Tensor,
  signal: Tensor,
  logQ: Tensor,
  baseline: NonNullable<ScoreOptions['baseline']>,
): Learned {
  if (baseline === 'none') return { score: overDraws(mul(stopGradient(signal), logQ)) };
  if (baseline === 'leave-one-out') {
    const count = signal.shape[1] as number;
    // f_k minus the mean of the others is K/(K-1) times f_k minus the mean of all.
    const centred = sub(signal, mean(signal, 1, { keepDims: true }));
    const scaled = mul(centred, count / (count - 1));
    return { score: overDraws(mul(stopGradient(scaled), logQ)) };
  }
  const known = baseline.of(x, overDraws(signal));
  const rest = stopGradient(sub(signal, perDraw(known.value, logQ)));
  return { ...known, score: overDraws(mul(rest, logQ)) };
}

/** A baseline [B] for draws [B, S]. */
function perDraw(value: Tensor, logQ: Tensor): Tensor {
  return value.rank === 1 && logQ.rank === 2 ? unsqueeze(value, 1) : value;
}

function joined(
  direct: Tensor,
  { score, lesson, effects }: Learned,
): Pick<Estimate, 'surrogate' | 'effects'> {
  const taught = add(direct, score);
  return {
    surrogate: lesson ? add(taught, lesson) : taught,
    ...(effects && { effects }),
  };
}
