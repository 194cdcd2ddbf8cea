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

/** Grey value `i` of a data set, in [0, 1]. */
function grey(data: ImageDataset['data'], i: number): number {
  const value = data[i] as number;
  return data instanceof Uint8Array ? value / 255 : value;
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
  for (let row = start; row < end; row++) {
    const stream = binarization === 'once' ? STREAM.once : STREAM.evaluation;
    const random = new Random(drawSeed, stream, row);
    for (let i = 0; i < width; i++) {
      const value = grey(dataset.data, row * width + i);
      const at = (row - start) * width + i;
      if (binarization === 'none') result[at] = value;
      else if (binarization === 'static') result[at] = value >= 0.5 ? 1 : 0;
      else result[at] = random.uniform() < value ? 1 : 0;
    }
  }
  return result;
}

/** The values a data set has on the GPU: bytes stay bytes. */
function storedValues(dataset: ImageDataset, binarization: Binarization, drawSeed: number) {
  if (binarization === 'resampled' || binarization === 'none') return dataset.data;
  const rows = binarizedRows(dataset, 0, dataset.count, binarization, drawSeed);
  return Uint8Array.from(rows, (x) => 255 * x);
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
