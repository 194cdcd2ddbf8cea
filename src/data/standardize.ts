// Standardised data: every feature of a vector, or every channel of images, with mean 0 and deviation
// 1, so that values of any range, and of features with different units, suit a normal likelihood.
import { placesOf } from '../categories.ts';
import { LatentGpuError } from '../errors.ts';
import { type ImageDataset, imageSize, type LoadedDataset, placeOf } from './dataset.ts';
import { lostFeature, merged } from './float32.ts';

/** The mean and the standard deviation of every feature, [D] each; every deviation is above 0. */
export interface Standardization {
  /** float64 where float32 would move a mean by more than `SHIFT` deviations. */
  readonly mean: Float32Array | Float64Array;
  readonly std: Float32Array;
}

/** What rounding may move a mean by, in deviations. */
const SHIFT = 1e-3;
/** A deviation below so much of the largest value is that of float64's rounding, except of whole numbers. */
const ROUNDING = 2 ** -44;

/** What a stored value counts as: bytes stand for value / 255. */
const unitOf = ({ data }: LoadedDataset) => (data instanceof Uint8Array ? 1 / 255 : 1);

/**
 * Means and (population) standard deviations, in two passes in float64: of every feature of plain
 * vectors; of images, over all pixels of a channel (of sequences: all steps), because a pixel that hardly ever varies would
 * otherwise become noise of the same size as what matters. What never varies gets deviation 1, so
 * that it becomes 0.
 *
 * What is missing does not count. Features of words stay as they are.
 *
 * ```ts
 * const data = { name: 'mine', count: 2, shape: [1], data: Float32Array.of(1, 3), source: 'a program' };
 * standardizationOf(data).mean // [2]
 * ```
 *
 * @param dataset the training split, and nothing else, with a value of every feature
 */
export function standardizationOf(dataset: LoadedDataset): Standardization {
  const { data, shape, mask, sequence } = dataset;
  const width = imageSize(dataset);
  // Elements that are `groups` apart count as draws of one quantity.
  const groups = sequence ? (shape[1] ?? 1) : shape.length === 1 ? width : (shape[2] ?? 1);
  const counts = new Float64Array(groups).fill(mask ? 0 : data.length / groups);
  mask?.forEach((seen, i) => {
    counts[i % groups] = (counts[i % groups] as number) + seen;
  });
  const unit = unitOf(dataset);
  const sums = new Float64Array(groups);
  const low = new Float64Array(groups).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(groups).fill(Number.NEGATIVE_INFINITY);
  const isWhole = new Uint8Array(groups).fill(unit === 1 ? 1 : 0);
  for (let at = 0; at < data.length; at += groups) {
    for (let j = 0; j < groups; j++) {
      if (mask && !mask[at + j]) continue;
      const value = unit * (data[at + j] as number);
      sums[j] = (sums[j] as number) + value;
      if (value < (low[j] as number)) low[j] = value;
      if (value > (high[j] as number)) high[j] = value;
      if (isWhole[j] && !Number.isSafeInteger(value)) isWhole[j] = 0;
    }
  }
  // What is subtracted is the rounded mean, so that is what deviations are taken from.
  const exact = sums.map((sum, j) => sum / (counts[j] as number));
  const single = Float32Array.from(exact);
  const deviations = deviationsFrom(single);
  const moves = exact.some(
    (mean, j) => Math.abs(mean - (single[j] as number)) > SHIFT * (deviations[j] as number),
  );
  const isDouble = data instanceof Float64Array && moves;
  // A sum of large numbers has lost what the mean of their differences still tells.
  if (isDouble) refine(exact);
  const std = isDouble ? deviationsFrom(exact) : deviations;
  // Of a word it stays told whether it is there, 1 or 0.
  for (const place of (dataset.categories ?? []).flatMap(placesOf)) {
    exact[place] = 0;
    single[place] = 0;
    std[place] = 1;
  }
  const each = <T extends Float32Array | Float64Array>(values: T, all: T): T =>
    all.map((_, i) => values[i % groups] as number) as T;
  return {
    mean: isDouble ? each(exact, new Float64Array(width)) : each(single, new Float32Array(width)),
    std: each(Float32Array.from(std), new Float32Array(width)),
  };

  function refine(means: Float64Array): void {
    const rest = new Float64Array(groups);
    for (let i = 0; i < data.length; i++) {
      const j = i % groups;
      if (mask && !mask[i]) continue;
      rest[j] = (rest[j] as number) + (unit * (data[i] as number) - (means[j] as number));
    }
    for (let j = 0; j < groups; j++)
      means[j] = (means[j] as number) + (rest[j] as number) / (counts[j] as number);
  }

  function deviationsFrom(means: Float32Array | Float64Array): Float64Array {
    const squares = new Float64Array(groups);
    for (let at = 0; at < data.length; at += groups) {
      for (let j = 0; j < groups; j++) {
        if (mask && !mask[at + j]) continue;
        const deviation = unit * (data[at + j] as number) - (means[j] as number);
        squares[j] = (squares[j] as number) + deviation * deviation;
      }
    }
    return squares.map((sum, j) => {
      const [least, most] = [low[j] as number, high[j] as number];
      const found = least < most ? Math.sqrt(sum / (counts[j] as number)) : 1;
      // One that underflows float32, or is float64's rounding, tells nothing that could be learned.
      const rounding = isWhole[j] ? 0 : ROUNDING * Math.max(Math.abs(least), Math.abs(most));
      const least32 = Math.max(1e-30, rounding);
      return found > least32 ? found : 1;
    });
  }
}

/**
 * The rows (x - mean) / std, as float32; what is missing is 0.
 *
 * ```ts
 * const data = { name: 'mine', count: 2, shape: [1], data: Float32Array.of(1, 3), source: 'a program' };
 * standardize(data, standardizationOf(data)).data // [-1, 1]
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` if the features are not as many, `bad-data` naming the first
 *   row whose value lies so far out that it does not fit float32, or the first feature of which float32
 *   cannot hold the values apart
 */
export function standardize(dataset: LoadedDataset, s: Standardization): ImageDataset {
  const { data, count, name, mask, withheld: _, ...rest } = dataset;
  const width = imageSize(dataset);
  if (s.mean.length !== width) {
    const why = `has ${width} features and was to be standardised by ${s.mean.length} means`;
    throw new LatentGpuError('shape-mismatch', `${name} ${why}`);
  }
  const unit = unitOf(dataset);
  const rows = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) {
      const at = row * width + j;
      if (mask && !mask[at]) continue;
      const value = unit * (data[at] as number);
      rows[at] = (value - (s.mean[j] as number)) / (s.std[j] as number);
      if (!Number.isFinite(rows[at])) {
        const why = `row ${row}, ${placeOf(j, dataset)}: ${value} is too far from the mean ${s.mean[j]}`;
        throw new LatentGpuError('bad-data', `${name}: ${why}; remove the row`);
      }
    }
  }
  checkApart(dataset, s, rows);
  return { ...rest, name, count, data: rows, ...(mask && { mask }), standardized: true };
}

/** A value far from all others can leave the others no room. */
function checkApart(
  dataset: LoadedDataset,
  { mean, std }: Standardization,
  rows: Float32Array,
): void {
  if (!(dataset.data instanceof Float64Array)) return;
  const width = mean.length;
  const { data, mask } = dataset;
  const exact = (i: number) =>
    mask && !mask[i]
      ? 0
      : ((data[i] as number) - (mean[i % width] as number)) / (std[i % width] as number);
  const lost = lostFeature(exact, rows, width);
  if (!lost) return;
  const why = merged(lost, dataset);
  throw new LatentGpuError(
    'bad-data',
    `${dataset.name}: ${why}, standardised by a deviation of ${std[lost.feature]}; remove what lies far from the rest, or leave the column out`,
  );
}

/**
 * Standardised rows [..., D] in data units again: x · std + mean; float64 if the means are.
 *
 * @example toOriginal(Float32Array.of(-1, 1), { mean: Float32Array.of(2), std: Float32Array.of(3) }) // [-1, 5]
 */
export function toOriginal(
  rows: Float32Array,
  { mean, std }: Standardization,
): Float32Array | Float64Array {
  const width = mean.length;
  const result =
    mean instanceof Float64Array ? new Float64Array(rows.length) : new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const j = i % width;
    result[i] = (rows[i] as number) * (std[j] as number) + (mean[j] as number);
  }
  return result;
}

/**
 * {@link logScale} of every row of data: where some values are missing, densities are those of what is
 * seen, and a row's sum is over the features that it has, [count].
 *
 * @param features that the density is of; default: all
 */
export function logScales(
  standardization: Standardization | undefined,
  { mask, count }: Pick<LoadedDataset, 'mask' | 'count'>,
  features?: readonly number[],
): number | Float64Array {
  if (features) {
    return features.reduce((sum, j) => sum + Math.log(standardization?.std[j] ?? 1), 0);
  }
  if (!mask || !standardization) return logScale(standardization);
  const width = standardization.std.length;
  const scales = standardization.std.map(Math.log);
  const sums = new Float64Array(count);
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const row = Math.floor(i / width);
    sums[row] = (sums[row] as number) + (scales[i % width] as number);
  }
  return sums;
}

/** The mean over the first `count` rows. */
export function meanScale(scales: number | Float64Array, count?: number): number {
  if (typeof scales === 'number') return scales;
  const some = scales.subarray(0, count);
  return some.reduce((sum, value) => sum + value, 0) / some.length;
}

/**
 * Σ log std, in nats: densities change by it, log p(original) = log p(standardised) - logScale (the
 * change of variables x ↦ (x - mean) / std). 0 for data that are as they were.
 *
 * @example logScale({ mean: Float32Array.of(0, 0), std: Float32Array.of(2, 2) }) // 1.3863
 */
export function logScale(standardization: Standardization | undefined): number {
  return standardization?.std.reduce((sum, value) => sum + Math.log(value), 0) ?? 0;
}
