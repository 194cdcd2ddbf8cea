// Grey values as the 0/1 data of a Bernoulli decoder.
import type { ImageDataset } from '../data/dataset.ts';
import { Random } from '../random.ts';

/**
 * How grey values become the 0/1 data of a Bernoulli decoder: drawn anew at every presentation,
 * drawn once, thresholded at one half, or left as they are.
 */
export type Binarization = 'resampled' | 'once' | 'static' | 'none';

export const BINARIZATIONS: readonly Binarization[] = ['resampled', 'once', 'static', 'none'];

/** Random streams of the host's own draws. */
const STREAM = { once: 101, evaluation: 102 };

/** Writes rows `start` to `end`, from `target[at]` on, as numbers whose white is `white`. */
export function binarizeInto(
  target: Float32Array | Uint8Array | Uint32Array,
  at: number,
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
    const to = at + (row - start) * width;
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
  binarizeInto(result, 0, 1, dataset, start, end, binarization, drawSeed);
  return result;
}
