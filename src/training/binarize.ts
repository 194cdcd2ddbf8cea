// Grey values as the 0/1 data of a Bernoulli decoder.
import { type ImageDataset, imageSize } from '../data/dataset.ts';
import type { RowSource } from '../models/index.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';

/**
 * How grey values become the 0/1 data of a Bernoulli decoder: drawn anew at every presentation,
 * drawn once, thresholded at one half, or left as they are.
 */
export type Binarization = 'resampled' | 'once' | 'static' | 'none';

export const BINARIZATIONS: readonly Binarization[] = ['resampled', 'once', 'static', 'none'];

/**
 * Data rows as a picture shows them to an encoder: drawn ones would only add noise.
 *
 * @example greyed('resampled') // "none"
 */
export function greyed(binarization: Binarization): Binarization {
  return binarization === 'resampled' ? 'none' : binarization;
}

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
  const stream = binarization === 'once' ? STREAMS.binarizedOnce : STREAMS.binarizedForEvaluation;
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
 *
 * @example binarizedRows(digits({ count: 4 }), 0, 2, 'static', 1).length // 1568
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

/**
 * A data set's rows as a model is asked about them, binarised so, with a mask and classes if it has any.
 *
 * @example rowSourceOf(digits({ count: 4 }), 'none', 1)(0, 2).length // 1568
 */
export function rowSourceOf(
  dataset: ImageDataset,
  binarization: Binarization,
  drawSeed: number,
): RowSource {
  const { mask, labels } = dataset;
  const rows = Object.assign(
    (start: number, end: number) => binarizedRows(dataset, start, end, binarization, drawSeed),
    labels && { labels },
  );
  if (!mask) return rows;
  const width = imageSize(dataset);
  return Object.assign(rows, {
    mask: (start: number, end: number) =>
      Float32Array.from(mask.subarray(start * width, end * width)),
  });
}
