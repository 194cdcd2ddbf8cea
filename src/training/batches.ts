// A data set on the GPU, and the batch that each step takes from it.
import { type ImageDataset, imageSize } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { batchIndices, gather, randomBernoulli, reshape, seed, slice } from '../ops/index.ts';
import { Random } from '../random.ts';

/**
 * How grey values become the 0/1 data of a Bernoulli decoder: drawn anew at every presentation,
 * drawn once, thresholded at one half, or left as they are.
 */
export type Binarization = 'resampled' | 'once' | 'static' | 'none';

export const BINARIZATIONS: readonly Binarization[] = ['resampled', 'once', 'static', 'none'];

/** Random streams of the host's own draws. */
const STREAM = { once: 101, evaluation: 102 };

/** Writes rows `start` to `end` as numbers whose white is `white`. */
function binarizeInto(
  target: Float32Array | Uint8Array,
  white: number,
  dataset: ImageDataset,
  start: number,
  end: number,
  binarization: Binarization,
  drawSeed: number,
): void {
  const { data, count } = dataset;
  const width = data.length / count;
  const scale = data instanceof Uint8Array ? 255 : 1;
  const stream = binarization === 'once' ? STREAM.once : STREAM.evaluation;
  for (let row = start; row < end; row++) {
    const random = new Random(drawSeed, stream, row);
    const from = row * width;
    const to = (row - start) * width;
    for (let i = 0; i < width; i++) {
      const grey = (data[from + i] as number) / scale;
      if (binarization === 'none') target[to + i] = white * grey;
      else if (binarization === 'static') target[to + i] = grey >= 0.5 ? white : 0;
      else target[to + i] = random.uniform() < grey ? white : 0;
    }
  }
}

/**
 * Rows `start` to `end` as numbers in [0, 1], binarised as asked with draws that depend only on
 * `seed` and the row.
 */
export function binarizedRows(
  dataset: ImageDataset,
  start: number,
  end: number,
  binarization: Binarization,
  drawSeed: number,
): Float32Array {
  const width = dataset.data.length / dataset.count;
  const result = new Float32Array((end - start) * width);
  binarizeInto(result, 1, dataset, start, end, binarization, drawSeed);
  return result;
}

/** The values a data set has on the GPU: bytes stay bytes. */
function storedValues(dataset: ImageDataset, binarization: Binarization, drawSeed: number) {
  if (binarization === 'resampled' || binarization === 'none') return dataset.data;
  const bytes = new Uint8Array(dataset.data.length);
  binarizeInto(bytes, 255, dataset, 0, dataset.count, binarization, drawSeed);
  return bytes;
}

export interface Batches {
  /** This step's rows, [batch, features]. */
  readonly x: Tensor;
  /** The whole data set, [count, features]. */
  readonly table: Variable;
  /** What the table is to hold. */
  readonly values: () => Uint8Array | Float32Array;
  /** Batches in one pass over the data. */
  readonly perEpoch: number;
}

/** The shuffled batches of a data set: every epoch another permutation, chosen on the GPU. */
export function batchesOf(
  dataset: ImageDataset,
  batch: number,
  binarization: Binarization,
  drawSeed: number,
): Batches {
  if (!(Number.isInteger(batch) && batch >= 1 && batch <= dataset.count)) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${batch}; it must be a whole number from 1 to the ${dataset.count} rows of ${dataset.name}`,
    );
  }
  const fixed = binarization === 'once' || binarization === 'static';
  const table = variable('data', [dataset.count, imageSize(dataset)], {
    dtype: fixed || dataset.data instanceof Uint8Array ? 'u8' : 'f32',
    role: 'data',
  });
  const words = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), [])) as [Tensor, Tensor];
  const rows = gather(table, batchIndices(dataset.count, batch, words));
  const x = named(binarization === 'resampled' ? randomBernoulli(rows) : rows, 'x');
  const values = () => storedValues(dataset, binarization, drawSeed);
  return { x, table, values, perEpoch: Math.max(1, Math.floor(dataset.count / batch)) };
}
