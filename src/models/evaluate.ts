// How good a trained model is: bounds and likelihoods of held-out data, with their errors.
import type { ImageDataset } from '../data/dataset.ts';
import { input } from '../graph/variable.ts';
import { elbo } from '../objectives/index.ts';
import { step } from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Runtime } from '../scheduler/index.ts';
import { Autoencoder } from './autoencoder.ts';
import { type RowScores, scoreRows } from './likelihood.ts';
import { moments } from './moments.ts';
import { withNoise } from './noise.ts';
import { replay } from './replay.ts';
import {
  checkStop,
  checkWhole,
  fullBatch,
  type RowSource,
  rowsAtOnce,
  type WorkOptions,
} from './rows.ts';
import type { Vae } from './vae.ts';

export interface EvaluationOptions extends WorkOptions {
  /** Importance samples a data point for the likelihood; 0: none is estimated. */
  samples?: number;
  /** Rows to evaluate; default: all. */
  limit?: number;
  /** Rows for which the likelihood is estimated; default: as many as are evaluated. */
  likelihoodLimit?: number;
  /** Of the noise. */
  seed?: number;
  /**
   * Σ log deviation of the features of standardised data: densities are then those of the data before
   * they were standardised.
   */
  logScale?: number;
}

export interface LikelihoodEstimate {
  /** Mean of -log p(x) in nats. */
  value: number;
  /** Of that mean, from the spread over the data. */
  standardError: number;
  samples: number;
  /** Mean over the data of (Σ w)² / Σ w². */
  effectiveSampleSize: number;
  count: number;
}

export interface Evaluation {
  count: number;
  /** Mean of -ELBO, in nats (an autoencoder's: of -log p(x | code)). */
  negativeElbo: number;
  standardError: number;
  kl: number | null;
  nll: LikelihoodEstimate | null;
  /** Latent dimensions whose posterior mean varies over the data by more than 0.01 (variance). */
  activeUnits: number | null;
}

const ROWS = 100;

/** Evaluates a model on `dataset`, whose rows `rows` yields as the decoder is to see them. */
export async function evaluateModel(
  runtime: Runtime,
  model: Vae | Autoencoder,
  dataset: Pick<ImageDataset, 'count' | 'name'>,
  rows: RowSource,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const { samples = 0, limit = dataset.count, likelihoodLimit = dataset.count } = options;
  const { seed = 1, logScale = 0, signal } = options;
  checkWhole('samples', samples, 0);
  checkWhole('limit', limit, 1);
  checkWhole('likelihoodLimit', likelihoodLimit, 0);
  const count = Math.min(limit, dataset.count);
  const scored =
    samples > 0 && !(model instanceof Autoencoder) ? Math.min(likelihoodLimit, count) : 0;
  // The likelihood's decoder passes are nearly all of the work.
  const work = count + scored * samples;
  const share = (from: number, part: number): WorkOptions => ({
    onProgress: (fraction) => options.onProgress?.((from + part * fraction) / work),
    ...(signal && { signal }),
  });
  const [low, high] = seedWords(seed);
  // A key of its own: evaluation shares no noise with training.
  const bound = await withNoise(runtime, [low, (high ^ 0x65766131) >>> 0], () =>
    evaluateBound(runtime, model, rows, count, share(0, count)),
  );
  const whole = { count, ...bound, negativeElbo: bound.negativeElbo + logScale };
  if (scored === 0) return { ...whole, nll: null };
  const scores = await scoreRows(runtime, model as Vae, rows, scored, {
    samples,
    seed,
    ...share(count, scored * samples),
  });
  const nll = likelihoodOf(scores, samples);
  return { ...whole, nll: { ...nll, value: nll.value + logScale } };
}

/** The mean over all rows, and how sure it is. */
export function likelihoodOf(
  { logProb, effectiveSampleSize }: RowScores,
  samples: number,
): LikelihoodEstimate {
  const { mean, standardError } = moments(logProb);
  const effective = moments(effectiveSampleSize).mean;
  return {
    value: -mean,
    standardError,
    samples,
    effectiveSampleSize: effective,
    count: logProb.length,
  };
}

async function evaluateBound(
  runtime: Runtime,
  model: Vae | Autoencoder,
  rows: RowSource,
  count: number,
  { onProgress, signal }: WorkOptions,
) {
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const x = input('x', [size, model.features]);
  const isVae = !(model instanceof Autoencoder);
  const outputs = isVae ? ['bound', 'kl', 'mean'] : ['bound'];
  const { bound, kl } = isVae
    ? elbo(model, { x })
    : { bound: model.reconstruction(x), kl: undefined };
  const plan = await runtime.compile({
    outputs: { bound, ...(isVae && kl && { kl, mean: model.code(x) }) },
  });
  const bounds = new Float64Array(count);
  let klSum = 0;
  const latent = model.config.latent;
  const first = new Float64Array(latent);
  const second = new Float64Array(latent);
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(signal, 'the evaluation');
      const end = Math.min(count, start + size);
      runtime.write(x, fullBatch(rows, start, end, size));
      runtime.write(step, [start / size]);
      const [bound, kl, mean] = await replay(plan, outputs);
      bounds.set((bound as Float32Array).subarray(0, end - start), start);
      if (kl && mean) {
        for (let i = 0; i < end - start; i++) {
          klSum += kl[i] as number;
          for (let j = 0; j < latent; j++) {
            const value = mean[i * latent + j] as number;
            first[j] = (first[j] as number) + value;
            second[j] = (second[j] as number) + value * value;
          }
        }
      }
      onProgress?.(end / count);
    }
  } finally {
    plan.destroy();
    runtime.release(x);
  }
  const active = first.filter(
    (sum, j) => (second[j] as number) / count - (sum / count) ** 2 > 0.01,
  );
  const { mean, standardError } = moments(bounds);
  return {
    negativeElbo: -mean,
    standardError,
    kl: isVae ? klSum / count : null,
    activeUnits: isVae ? active.length : null,
  };
}
