// Standardised data: every feature of a vector, or every channel of images, with mean 0 and deviation
// 1, so that values of any range, and of features with different units, suit a normal likelihood.
import { LatentGpuError } from '../errors.ts';
import { type ImageDataset, imageSize } from './dataset.ts';

/** The mean and the standard deviation of every feature, [D] each; every deviation is above 0. */
export interface Standardization {
  readonly mean: Float32Array;
  readonly std: Float32Array;
}

/** What a stored value counts as: bytes stand for value / 255. */
const unitOf = ({ data }: ImageDataset) => (data instanceof Uint8Array ? 1 / 255 : 1);

/**
 * Means and (population) standard deviations, in two passes in float64: of every feature of plain
 * vectors; of images, over all pixels of a channel, because a pixel that hardly ever varies would
 * otherwise become noise of the same size as what matters. What never varies gets deviation 1, so
 * that it becomes 0.
 *
 * @param dataset the training split, and nothing else
 */
export function standardizationOf(dataset: ImageDataset): Standardization {
  const { data, shape } = dataset;
  const width = imageSize(dataset);
  // Elements that are `groups` apart count as draws of one quantity.
  const groups = shape.length === 1 ? width : (shape[2] ?? 1);
  const count = data.length / groups;
  const unit = unitOf(dataset);
  const sums = new Float64Array(groups);
  const low = new Float64Array(groups).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(groups).fill(Number.NEGATIVE_INFINITY);
  for (let at = 0; at < data.length; at += groups) {
    for (let j = 0; j < groups; j++) {
      const value = unit * (data[at + j] as number);
      sums[j] = (sums[j] as number) + value;
      if (value < (low[j] as number)) low[j] = value;
      if (value > (high[j] as number)) high[j] = value;
    }
  }
  // What is subtracted is the rounded mean, so that is what deviations are taken from.
  const mean = Float32Array.from(sums, (sum) => sum / count);
  const squares = new Float64Array(groups);
  for (let at = 0; at < data.length; at += groups) {
    for (let j = 0; j < groups; j++) {
      const deviation = unit * (data[at + j] as number) - (mean[j] as number);
      squares[j] = (squares[j] as number) + deviation * deviation;
    }
  }
  const std = Float32Array.from(squares, (sum, j) =>
    (low[j] as number) < (high[j] as number) ? Math.sqrt(sum / count) : 1,
  );
  const each = (values: Float32Array) =>
    Float32Array.from({ length: width }, (_, i) => values[i % groups] as number);
  // A deviation that underflows float32 tells nothing that could be learned.
  return { mean: each(mean), std: each(std.map((value) => (value > 1e-30 ? value : 1))) };
}

/**
 * The rows (x - mean) / std, as float32.
 *
 * @throws LatentGpuError `shape-mismatch` if the features are not as many, `bad-data` naming the first
 *   row whose value lies so far out that it does not fit float32
 */
export function standardize(dataset: ImageDataset, s: Standardization): ImageDataset {
  const { data, count, name } = dataset;
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
      const value = unit * (data[at] as number);
      rows[at] = (value - (s.mean[j] as number)) / (s.std[j] as number);
      if (!Number.isFinite(rows[at])) {
        const why = `row ${row}, feature ${j}: ${value} is too far from the mean ${s.mean[j]}`;
        throw new LatentGpuError('bad-data', `${name}: ${why}; remove the row`);
      }
    }
  }
  return { ...dataset, data: rows, standardized: true };
}

/** Standardised rows [..., D] in data units again: x · std + mean. */
export function toOriginal(rows: Float32Array, { mean, std }: Standardization): Float32Array {
  const width = mean.length;
  return rows.map((value, i) => {
    const j = i % width;
    return value * (std[j] as number) + (mean[j] as number);
  });
}

/**
 * Σ log std, in nats: densities change by it, log p(original) = log p(standardised) - logScale (the
 * change of variables x ↦ (x - mean) / std). 0 for data that are as they were.
 */
export function logScale(standardization: Standardization | undefined): number {
  return standardization?.std.reduce((sum, value) => sum + Math.log(value), 0) ?? 0;
}
