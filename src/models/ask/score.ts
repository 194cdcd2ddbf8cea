// log p(x) of single data points, by importance sampling.
import { variable } from '../../graph/variable.ts';
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
} from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { withOwnNoise } from './noise.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

export interface ScoreOptions extends WorkOptions {
  /** Importance samples a row, K. */
  samples: number;
  /** Of the noise. */
  seed?: number;
}

/** What importance sampling tells of each row, all [count]. */
export interface RowScores {
  /** log 1/K Σ w, in nats, with w = p(x, z) / q(z | x): a lower bound of log p(x) on average. */
  readonly logProb: Float64Array;
  /**
   * Of the Monte Carlo estimate: √(Σ w² / (Σ w)² - 1/K), the deviation of the mean weight relative to
   * that mean (the delta method); NaN for a single sample, which tells nothing of its error.
   */
  readonly standardError: Float64Array;
  /** (Σ w)² / Σ w²: of the K samples, as many as these count (Kong 1992). */
  readonly effectiveSampleSize: Float64Array;
}

/** Rows of one step, where their decoded samples leave room. */
const ROWS = 20;
/** Decoded rows of one step: bounds its memory and its submissions. */
const DECODED = 2000;
/** Stands for log 0: finite, because a kernel may assume that infinity does not occur. */
const LOG_ZERO = -1e30;

/**
 * log p(x) ≈ log 1/K Σ p(x, z)/q(z | x) for rows 0 to `count` (Burda, Grosse and Salakhutdinov 2016),
 * streamed: each step of the plan adds a chunk of draws to running log-sums of the weights and of
 * their squares, so K may be any size. A row's noise follows from the seed and its place alone.
 *
 * @throws LatentGpuError `bad-input` for a model without importance weights, `interrupted`
 * @example const { logProb } = await scoreRows(runtime, model, rows, 100, { samples: 5000 });
 */
export function scoreRows(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: ScoreOptions,
): Promise<RowScores> {
  checkWhole('count', count, 1);
  checkWhole('samples', options.samples, 1);
  return withOwnNoise(runtime, options.seed ?? 1, 0x73636f72, () =>
    estimate(runtime, model, rows, count, options),
  );
}

/** What K weights tell of their mean, by log Σ w and log Σ w². */
export function toldByWeights(logSum: number, logSquares: number, samples: number) {
  // Σ w² / (Σ w)², from 1/K to 1.
  const concentration = Math.exp(logSquares - 2 * logSum);
  return {
    logProb: logSum - Math.log(samples),
    effectiveSampleSize: 1 / concentration,
    standardError: samples > 1 ? Math.sqrt(Math.max(0, concentration - 1 / samples)) : Number.NaN,
  };
}

async function estimate(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { samples, onProgress, signal }: ScoreOptions,
): Promise<RowScores> {
  const decoded = rowsAtOnce(model, DECODED);
  const most = Math.max(1, Math.min(ROWS, Math.floor(decoded / 2)));
  // Neither depends on how many rows there are, or a row's noise would.
  const width = Math.max(2, Math.min(samples, Math.floor(decoded / most)));
  const size = Math.min(most, count);
  const feed = new Feed(model, size, rows);
  const drawn = variable('drawn', []);
  const logSum = variable('logSum', [size, 1]);
  const logSquares = variable('logSquares', [size, 1]);
  const logWeights = need(model, 'logWeights', 'this').of(feed.batch, width);
  // The last chunk may have more draws than are asked for.
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
  const result = {
    logProb: new Float64Array(count),
    standardError: new Float64Array(count),
    effectiveSampleSize: new Float64Array(count),
  };
  const empty = new Float32Array(size).fill(LOG_ZERO);
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      runtime.write(drawn, [0]);
      runtime.write(logSum, empty);
      runtime.write(logSquares, empty);
      await plan.run(steps, {
        onProgress: (done) => onProgress?.((start + ((end - start) * done) / steps) / count),
        ...(signal && { signal }),
      });
      checkStop(signal, 'estimating the likelihood');
      const [one, two] = await Promise.all([runtime.read(logSum), runtime.read(logSquares)]);
      for (let i = 0; i < end - start; i++) {
        const told = toldByWeights(one[i] as number, two[i] as number, samples);
        result.logProb[start + i] = told.logProb;
        result.standardError[start + i] = told.standardError;
        result.effectiveSampleSize[start + i] = told.effectiveSampleSize;
      }
    }
  } finally {
    plan.destroy();
    feed.release(runtime);
    for (const held of [drawn, logSum, logSquares]) runtime.release(held);
  }
  return result;
}
