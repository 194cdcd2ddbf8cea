// Where the parameters of probabilistic PCA lie, and what of the data they begin with.
import { LatentGpuError } from '../../../errors.ts';
import type { Variable } from '../../../graph/variable.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { TrainingRows } from '../../learner.ts';
import { RunningMoments } from '../../running-moments.ts';
import type { Solution } from './solve.ts';

export interface Kept {
  /** W, [D, M]. */
  readonly weight: Variable;
  /** μ, [D]. */
  readonly mean: Variable;
  /** log σ, []. */
  readonly logStd: Variable;
}

export function writeKept(runtime: Runtime, kept: Kept, { weight, variance }: Solution): void {
  runtime.write(kept.weight, Float32Array.from(weight));
  runtime.write(kept.logStd, [0.5 * Math.log(variance)]);
}

/** Rows that are read at once. */
const CHUNK = 4096;

/**
 * The mean of every feature, which is μ, and the mean of their variances.
 *
 * @throws LatentGpuError `bad-data` for data that do not vary
 */
export function meanOf({ count, rows }: TrainingRows, features: number) {
  const moments = new RunningMoments(features);
  for (let start = 0; start < count; start += CHUNK) {
    const part = rows(start, Math.min(count, start + CHUNK));
    for (let at = 0; at < part.length; at += features) moments.add(part, at);
  }
  const { mean, squares } = moments;
  const variance = squares.reduce((a, b) => a + b, 0) / count / features;
  if (variance > 0) return { mean, variance };
  throw new LatentGpuError(
    'bad-data',
    'every column of the data is constant, and a normal density needs a variance; name other data',
  );
}
