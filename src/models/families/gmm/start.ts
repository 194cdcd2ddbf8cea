// The mixture that EM starts from: rows of the data in parts, and the moments of each.
import { LatentGpuError } from '../../../errors.ts';
import { cholesky, lowerInverse } from '../../../flows/matrices.ts';
import { Random } from '../../../random.ts';
import { STREAMS } from '../../../streams.ts';
import type { TrainingRows } from '../../learner.ts';
import { RunningMoments } from '../../running-moments.ts';
import { COVARIANCES, type CovarianceKind } from './covariance.ts';
import { kMeans } from './k-means.ts';
import type { MixtureValues } from './mixture-values.ts';

export interface StartOptions {
  readonly kind: CovarianceKind;
  readonly components: number;
  readonly features: number;
  readonly how: 'kmeans' | 'random';
  readonly regularize: number;
  /** Names of the features, where they have any. */
  readonly columns: readonly string[] | undefined;
}

/** Products that a start may cost: of large data, some rows must do. */
const WORK = 4e8;
/** Rows that are read at once. */
const CHUNK = 4096;

/** Some rows of the data, and how all of them vary. */
export interface Sample {
  readonly rows: Float64Array;
  /** Of each feature over all rows, [D]. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** What to call feature j. */
export function featureName(columns: readonly string[] | undefined, j: number): string {
  const name = columns?.[j];
  return name === undefined ? `feature ${j}` : `column '${name}'`;
}

/**
 * Reads the data once.
 *
 * @throws LatentGpuError `bad-config` for fewer rows than components, `bad-data` for a feature that does
 *   not vary
 */
export function sampleOf(
  data: TrainingRows,
  { components, features, kind, regularize, columns }: StartOptions,
  seed: number,
): Sample {
  const { count } = data;
  if (count < components) {
    throw new LatentGpuError(
      'bad-config',
      `components is ${components} and there are ${count} rows to train on; lower it with --set components=${count}`,
    );
  }
  const each =
    features * (40 * components + (kind === 'diagonal' || kind === 'spherical' ? 1 : features));
  const wanted = Math.min(count, Math.max(20 * components, Math.floor(WORK / each)));
  const chosen = rowsChosen(count, wanted, seed, STREAMS.mixtureRows);
  const rows = new Float64Array(wanted * features);
  const moments = new RunningMoments(features);
  let taken = 0;
  for (let start = 0; start < count; start += CHUNK) {
    const end = Math.min(count, start + CHUNK);
    const part = data.rows(start, end);
    for (let i = start; i < end; i++) {
      const at = (i - start) * features;
      moments.add(part, at);
      if (chosen[i]) rows.set(part.subarray(at, at + features), features * taken++);
    }
  }
  const { mean } = moments;
  const deviation = moments.squares.map((sum) => Math.sqrt(sum / count));
  if (regularize === 0) checkVaries(mean, deviation, count, kind, columns);
  return { rows, mean, deviation };
}

/** Which rows are in a sample: exactly `wanted`, by selection sampling (Knuth, TAOCP 2, 3.4.2). */
export function rowsChosen(
  count: number,
  wanted: number,
  seed: number,
  stream: number,
): Uint8Array {
  const random = new Random(seed, stream, 0);
  const chosen = new Uint8Array(count);
  let left = wanted;
  for (let i = 0; i < count && left > 0; i++) {
    if (random.uniform() * (count - i) >= left) continue;
    chosen[i] = 1;
    left--;
  }
  return chosen;
}

/** float32 tells values apart down to this part of them. */
const RESOLUTION = 2 ** -23;

function checkVaries(
  mean: Float64Array,
  deviation: Float64Array,
  count: number,
  kind: CovarianceKind,
  columns: readonly string[] | undefined,
): void {
  const isStill = (j: number) =>
    (deviation[j] as number) <= RESOLUTION * Math.abs(mean[j] as number);
  const still = Array.from(deviation.keys()).filter(isStill);
  const enough = kind === 'spherical' ? still.length < deviation.length : still.length === 0;
  if (enough || count === 1) return;
  const [first] = still as [number];
  const others = still.length > 1 ? ` and ${still.length - 1} more` : '';
  throw new LatentGpuError(
    'bad-data',
    `${featureName(columns, first)}${others} of the data ${still.length > 1 ? 'are' : 'is'} constant, and a normal density needs a variance: ` +
      'leave it out, or add something to every variance with --set regularize=1e-6',
  );
}

/** @param number of the start, each of which has random numbers of its own */
export function startOf(sample: Sample, options: StartOptions, seed: number, number: number) {
  const { features, components, how } = options;
  const random = new Random(seed, STREAMS.mixtureStart, number);
  if (how === 'random') return randomStart(sample, options, random);
  const { labels } = kMeans(sample.rows, features, components, random);
  return ofParts(sample, labels, options);
}

function randomStart(sample: Sample, options: StartOptions, random: Random): MixtureValues {
  const { components, features } = options;
  const count = sample.rows.length / features;
  const whole = ofParts(sample, new Uint32Array(count), { ...options, components: 1 });
  const mean = new Float64Array(components * features);
  const used = new Set<number>();
  for (let k = 0; k < components; k++) {
    let row = random.integer(count);
    while (used.has(row)) row = (row + 1) % count;
    used.add(row);
    mean.set(sample.rows.subarray(row * features, (row + 1) * features), k * features);
  }
  const copies = COVARIANCES[options.kind].isShared ? 1 : components;
  const factor = new Float64Array(copies * whole.factor.length);
  for (let k = 0; k < copies; k++) factor.set(whole.factor, k * whole.factor.length);
  const logWeights = new Float64Array(components).fill(-Math.log(components));
  return { logWeights, mean, factor };
}

/** Weights, means and covariances of parts of the rows. */
export function ofParts(
  { rows, deviation }: Pick<Sample, 'rows' | 'deviation'>,
  labels: Uint32Array,
  options: StartOptions,
): MixtureValues {
  const { components, features: n, kind } = options;
  const isMatrix = kind === 'full' || kind === 'tied';
  const size = isMatrix ? n * n : n;
  const counts = new Float64Array(components);
  const mean = new Float64Array(components * n);
  labels.forEach((k, i) => {
    counts[k] = (counts[k] as number) + 1;
    for (let j = 0; j < n; j++)
      mean[k * n + j] = (mean[k * n + j] as number) + (rows[i * n + j] as number);
  });
  mean.forEach((sum, at) => {
    mean[at] = sum / Math.max(1, counts[Math.floor(at / n)] as number);
  });
  const second = new Float64Array(components * size);
  const centred = new Float64Array(n);
  labels.forEach((k, i) => {
    for (let j = 0; j < n; j++)
      centred[j] = (rows[i * n + j] as number) - (mean[k * n + j] as number);
    addSquares(second.subarray(k * size, (k + 1) * size), centred, isMatrix);
  });
  const pooled = new Float64Array(size);
  second.forEach((value, at) => {
    pooled[at % size] = (pooled[at % size] as number) + value / labels.length;
  });
  const shared = factorOf(pooled, undefined, deviation, options);
  const factors = COVARIANCES[kind].isShared
    ? [shared]
    : Array.from({ length: components }, (_, k) => {
        const own = second.subarray(k * size, (k + 1) * size);
        // Few rows leave a covariance flat in most directions.
        const isFew = (counts[k] as number) < 2 * (isMatrix ? n : 1) + 2;
        return isFew
          ? shared
          : factorOf(
              own.map((value) => value / (counts[k] as number)),
              shared,
              deviation,
              options,
            );
      });
  const factor = new Float64Array(factors.length * shared.length);
  factors.forEach((values, k) => {
    factor.set(values, k * shared.length);
  });
  return {
    // A part without rows begins with one.
    logWeights: counts.map((c) => Math.log(Math.max(1, c) / labels.length)),
    mean,
    factor,
  };
}

/** Adds c cᵀ to a lower triangle [D, D], or the squares of c to D numbers. */
export function addSquares(target: Float64Array, centred: Float64Array, isMatrix: boolean): void {
  const n = centred.length;
  for (let i = 0; i < n; i++) {
    const value = centred[i] as number;
    if (!isMatrix) {
      target[i] = (target[i] as number) + value * value;
      continue;
    }
    for (let j = 0; j <= i; j++) {
      target[i * n + j] = (target[i * n + j] as number) + value * (centred[j] as number);
    }
  }
}

/** Variances below this part of a feature's own are left to EM to find. */
const LEAST = 1e-6;

/** The packed factor of a covariance, or `instead` of one that is singular. */
function factorOf(
  covariance: Float64Array,
  instead: Float64Array | undefined,
  deviation: Float64Array,
  { kind, features: n, regularize }: StartOptions,
): Float64Array {
  const floor = (j: number) => LEAST * ((deviation[j] as number) ** 2 || 1) + regularize;
  if (kind === 'spherical' || kind === 'diagonal') {
    const variances = covariance.map((v, j) => Math.max(v + regularize, floor(j)));
    if (kind === 'diagonal') return variances.map((v) => -0.5 * Math.log(v));
    return Float64Array.of(-0.5 * Math.log(variances.reduce((a, b) => a + b) / n));
  }
  for (let i = 0; i < n; i++)
    covariance[i * n + i] = (covariance[i * n + i] as number) + regularize;
  const scaled = (a: Float64Array) => {
    const found = cholesky(a, n);
    return 'factor' in found &&
      Array.from(
        { length: n },
        (_, j) => (found.factor[j * n + j] as number) ** 2 > LEAST * floor(j),
      ).every(Boolean)
      ? found.factor
      : undefined;
  };
  let lower = scaled(covariance);
  if (!lower && instead) return instead;
  // Alone, features always have a variance.
  lower ??= Float64Array.from({ length: n * n }, (_, at) =>
    at % (n + 1) === 0 ? Math.sqrt(Math.max(covariance[at] as number, floor(at / (n + 1)))) : 0,
  );
  const inverse = lowerInverse(lower, n);
  for (let j = 0; j < n; j++) inverse[j * n + j] = Math.log(inverse[j * n + j] as number);
  return inverse;
}
