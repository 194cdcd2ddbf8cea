// What is missing of data points, in pictures: a colour of its own in images, the mean of what is seen among
// points in the plane.
import { UNKNOWN_CLASS } from '../constants.ts';

/** The colour of what is missing of images, and of strips, where blue is low. */
const HOLE = { image: [0.25, 0.45, 0.75], strip: [0.6, 0.6, 0.6] } as const;

/**
 * Images [count, height, width, channels] in colour, with holes where the mask is 0.
 *
 * @param mask [count, height, width, channels of the data]
 */
export function withHoles(
  images: Float32Array,
  shape: readonly number[],
  mask: ArrayLike<number>,
  kind: keyof typeof HOLE,
): { readonly images: Float32Array; readonly shape: readonly number[] } {
  const [height = 1, width = 1, channels = 1] = shape;
  const pixels = images.length / channels;
  const each = mask.length / pixels;
  const painted = new Float32Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    let isHole = false;
    for (let c = 0; c < each; c++) isHole ||= !mask[pixel * each + c];
    for (let c = 0; c < 3; c++) {
      painted[3 * pixel + c] = isHole
        ? HOLE[kind][c as 0 | 1 | 2]
        : (images[pixel * channels + (channels === 3 ? c : 0)] as number);
    }
  }
  return { images: painted, shape: [height, width, 3] };
}

/** The mean of every feature over the rows where it is seen, [width]; 0 where it never is. */
export function seenMeans(
  rows: Float32Array,
  mask: ArrayLike<number> | undefined,
  width: number,
): Float32Array {
  const [sums, seen] = [new Float64Array(width), new Float64Array(width)];
  rows.forEach((value, i) => {
    const isSeen = Number(mask?.[i] ?? 1);
    sums[i % width] = (sums[i % width] as number) + isSeen * value;
    seen[i % width] = (seen[i % width] as number) + isSeen;
  });
  return Float32Array.from(sums, (sum, j) => sum / Math.max(1, seen[j] as number));
}

/** Rows [count, width] with those means where values are missing. */
export function atMeans(
  rows: Float32Array,
  mask: ArrayLike<number> | undefined,
  width: number,
): Float32Array {
  if (!mask) return rows;
  const means = seenMeans(rows, mask, width);
  return rows.map((value, i) => (mask[i] ? value : (means[i % width] as number)));
}

/** A label for each row: the given one of whole rows, that of nothing known of rows with holes. */
export function labelsOfWhole(
  count: number,
  mask: ArrayLike<number> | undefined,
  label: number,
): Uint32Array {
  const labels = new Uint32Array(count).fill(label);
  if (!mask) return labels;
  const width = mask.length / count;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) labels[Math.floor(i / width)] = UNKNOWN_CLASS;
  }
  return labels;
}
