// Numbers that were read in float64 as the float32 that is computed with, where that loses nothing that
// matters.
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import { type ImageDataset, imageSize, type LoadedDataset } from './dataset.ts';

/** Values that are looked at, over all features. */
const SAMPLE = 2 ** 20;
/** Closer together, values differ by the rounding of some computation and mean the same. */
const SAME = 2 ** -40;

/**
 * The rows as float32.
 *
 * @throws LatentGpuError `bad-data` naming the first feature of which float32 cannot hold the values apart
 */
export function toFloat32(dataset: LoadedDataset): ImageDataset {
  const { data, withheld: _, ...rest } = dataset;
  if (!(data instanceof Float64Array)) return { ...rest, data };
  const rounded = Float32Array.from(data);
  const lost = lostFeature((i) => data[i] as number, rounded, imageSize(dataset));
  if (!lost) return { ...rest, data: rounded };
  throw new LatentGpuError(
    'bad-data',
    `${dataset.name}: ${merged(lost, dataset)}; train with --standardize, which rounds only after the mean is taken off`,
  );
}

export interface LostFeature {
  readonly feature: number;
  /** Values that differ, among those looked at: before and after. */
  readonly before: number;
  readonly after: number;
}

/** What became of a feature, in words. */
export function merged(
  { feature, before, after }: LostFeature,
  { columns, shape }: LoadedDataset,
): string {
  const heading = columns?.[feature];
  const what = shape.length === 1 ? `column ${feature + 1}` : `element ${feature} of the images`;
  return `${what}${heading ? ` (${quote(heading)})` : ''} holds ${before} values that float32 cannot hold apart: it makes ${after} of them`;
}

/**
 * @param exact the numbers that were rounded, by their places
 * @returns the first feature of which at least a tenth of the values that differ become the same
 */
export function lostFeature(
  exact: (at: number) => number,
  rounded: Float32Array,
  width: number,
): LostFeature | undefined {
  const count = rounded.length / width;
  const rows = Math.min(count, Math.max(256, Math.floor(SAMPLE / width)));
  const column = new Float64Array(rows);
  for (let feature = 0; feature < width; feature++) {
    let isExact = true;
    for (let i = 0; i < rows; i++) {
      const at = Math.floor((i * count) / rows) * width + feature;
      column[i] = exact(at);
      isExact &&= column[i] === rounded[at];
    }
    if (isExact) continue;
    const sorted = column.sort();
    // Whole numbers are exact in float64, so that none of their differences is rounding.
    const same = sorted.every(Number.isSafeInteger) ? 0 : SAME;
    let [before, after] = [1, 1];
    let [last, lastRounded] = [sorted[0] as number, Math.fround(sorted[0] as number)];
    for (const value of sorted) {
      if (Math.abs(value - last) <= same * Math.abs(value)) continue;
      before += 1;
      last = value;
      const single = Math.fround(value);
      if (single !== lastRounded) after += 1;
      lastRounded = single;
    }
    if (after < 0.9 * before) return { feature, before, after };
  }
  return undefined;
}
