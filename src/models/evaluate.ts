// How good a trained model is: bounds and likelihoods of held-out data, with their errors.
import type { ImageDataset } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { input, variable } from '../graph/variable.ts';
import { elbo, importanceBound } from '../objectives/index.ts';
import {
  add,
  addUint,
  assign,
  expand,
  iota,
  less,
  logAddExp,
  logSumExp,
  mul,
  step,
  toFloat,
  where,
} from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import { Autoencoder } from './autoencoder.ts';
import { withNoise } from './noise.ts';
import { rowsAtOnce } from './rows.ts';
import type { Vae } from './vae.ts';

/** Rows of data [count, D] as numbers, start to end. */
export type RowSource = (start: number, end: number) => Float32Array;

export interface EvaluationOptions {
  /** Importance samples a data point for the likelihood; 0: none is estimated. */
  samples?: number;
  /** Rows to evaluate; default: all. */
  limit?: number;
  /** Rows for which the likelihood is estimated; default: as many as are evaluated. */
  likelihoodLimit?: number;
  /** Of the noise. */
  seed?: number;
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
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
/** Decoded rows of one step of the likelihood plan: bounds its memory and its submissions. */
const DECODED = 2000;
/** Stands for log 0: finite, because a kernel may assume that infinity does not occur. */
const LOG_ZERO = -1e30;

/** Evaluates a model on `dataset`, whose rows `rows` yields as the decoder is to see them. */
export async function evaluateModel(
  runtime: Runtime,
  model: Vae | Autoencoder,
  dataset: Pick<ImageDataset, 'count' | 'name'>,
  rows: RowSource,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const { samples = 0, limit = dataset.count, likelihoodLimit = dataset.count } = options;
  checkWhole('samples', samples, 0);
  checkWhole('limit', limit, 1);
  checkWhole('likelihoodLimit', likelihoodLimit, 0);
  const count = Math.min(limit, dataset.count);
  const hasLikelihood = samples > 0 && !(model instanceof Autoencoder);
  const likelihoodCount = hasLikelihood ? Math.min(likelihoodLimit, count) : 0;
  // The likelihood's decoder passes are nearly all of the work.
  const work = count + likelihoodCount * samples;
  const report = (done: number) => options.onProgress?.(done / work);
  const [low, high] = seedWords(options.seed ?? 1);
  // A key of its own: evaluation shares no noise with training.
  const key = [low, (high ^ 0x65766131) >>> 0] as const;
  return await withNoise(runtime, key, async () => {
    const bound = await evaluateBound(runtime, model, rows, count, options, report);
    if (likelihoodCount === 0) return { count, ...bound, nll: null };
    const nll = await evaluateLikelihood(
      runtime,
      model as Vae,
      rows,
      likelihoodCount,
      samples,
      options,
      (done) => report(count + done),
    );
    return { count, ...bound, nll };
  });
}

/** Rows of a batch, followed by zeros at the end of the data so that the batch is full. */
function fullBatch(
  rows: RowSource,
  start: number,
  count: number,
  size: number,
): { x: Float32Array; used: number } {
  const used = Math.min(size, count - start);
  const part = rows(start, start + used);
  if (used === size) return { x: part, used };
  const width = part.length / used;
  const x = new Float32Array(size * width);
  x.set(part);
  return { x, used };
}

function checkWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new LatentGpuError(
    'bad-input',
    `${name} is ${value}; it must be a whole number of at least ${least}`,
  );
}

const checkStop = (signal: AbortSignal | undefined) => {
  if (signal?.aborted) throw new LatentGpuError('interrupted', 'the evaluation was stopped');
};

async function evaluateBound(
  runtime: Runtime,
  model: Vae | Autoencoder,
  rows: RowSource,
  count: number,
  options: EvaluationOptions,
  report: (done: number) => void,
) {
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const x = input('x', [size, model.features]);
  let plan: Plan;
  if (model instanceof Autoencoder) {
    plan = await runtime.compile({ outputs: { bound: model.reconstruction(x) } });
  } else {
    const { bound, kl } = elbo(model, x);
    plan = await runtime.compile({ outputs: { bound, kl, mean: model.encode(x).mean } });
  }
  const isVae = !(model instanceof Autoencoder);
  const bounds: number[] = [];
  let klSum = 0;
  const latent = model.config.latent;
  const first = new Float64Array(latent);
  const second = new Float64Array(latent);
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(options.signal);
      const batch = fullBatch(rows, start, count, size);
      runtime.write(x, batch.x);
      runtime.write(step, [start / size]);
      await plan.run();
      const bound = await plan.read('bound');
      for (let i = 0; i < batch.used; i++) bounds.push(bound[i] as number);
      if (isVae) {
        const kl = await plan.read('kl');
        const mean = await plan.read('mean');
        for (let i = 0; i < batch.used; i++) {
          klSum += kl[i] as number;
          for (let j = 0; j < latent; j++) {
            const value = mean[i * latent + j] as number;
            first[j] = (first[j] as number) + value;
            second[j] = (second[j] as number) + value * value;
          }
        }
      }
      report(start + batch.used);
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

/**
 * log p(x) ≈ log 1/K Σ p(x, z)/q(z | x), streamed: each step of the plan adds a chunk of draws to
 * running log-sums of the weights and of their squares, so K may be any size.
 */
async function evaluateLikelihood(
  runtime: Runtime,
  model: Vae,
  rows: RowSource,
  count: number,
  samples: number,
  options: EvaluationOptions,
  report: (done: number) => void,
): Promise<LikelihoodEstimate> {
  const decoded = rowsAtOnce(model, DECODED);
  const size = Math.max(1, Math.min(count, 20, Math.floor(decoded / 2)));
  const chunk = Math.min(samples, Math.floor(decoded / size));
  const x = input('x', [size, model.features]);
  const drawn = variable('drawn', []);
  const logSum = variable('logSum', [size, 1]);
  const logSquares = variable('logSquares', [size, 1]);
  const { logWeights } = importanceBound(model, x, Math.max(2, chunk));
  // The last chunk may ask for fewer draws than it has.
  const width = logWeights.shape[1] as number;
  const wanted = less(add(toFloat(iota(width)), drawn), samples);
  const weights = where(expand(wanted, logWeights.shape), logWeights, LOG_ZERO);
  const sumOf = (w: typeof weights) => logSumExp(w, 1, { keepDims: true });
  const plan = await runtime.compile({
    effects: [
      assign(logSum, logAddExp(logSum, sumOf(weights))),
      assign(logSquares, logAddExp(logSquares, sumOf(mul(2, weights)))),
      assign(drawn, add(drawn, width)),
      assign(step, addUint(step, 1)),
    ],
  });
  const steps = Math.ceil(samples / width);
  const values: number[] = [];
  let effective = 0;
  const empty = new Float32Array(size).fill(LOG_ZERO);
  try {
    for (let start = 0; start < count; start += size) {
      const batch = fullBatch(rows, start, count, size);
      runtime.write(x, batch.x);
      runtime.write(drawn, [0]);
      runtime.write(logSum, empty);
      runtime.write(logSquares, empty);
      await plan.run(steps, {
        onProgress: (done) =>
          report(start * samples + batch.used * Math.min(samples, done * width)),
        ...(options.signal && { signal: options.signal }),
      });
      checkStop(options.signal);
      const one = await runtime.read(logSum);
      const two = await runtime.read(logSquares);
      for (let i = 0; i < batch.used; i++) {
        values.push((one[i] as number) - Math.log(samples));
        effective += Math.exp(2 * (one[i] as number) - (two[i] as number));
      }
    }
  } finally {
    plan.destroy();
    for (const held of [x, drawn, logSum, logSquares]) runtime.release(held);
  }
  const { mean, standardError } = moments(values);
  return { value: -mean, standardError, samples, effectiveSampleSize: effective / count, count };
}

function moments(values: readonly number[]): { mean: number; standardError: number } {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return { mean, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0 };
}
