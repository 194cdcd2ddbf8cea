import { LatentGpuError } from '../errors.ts';
import type { NpyArray } from '../formats/npy.ts';
import { checkDataset, type ImageDataset } from './dataset.ts';

/**
 * Makes a data set of a NumPy array: a matrix `[count, features]`, an image stack
 * `[count, height, width]`, or one with 1 or 3 channels last.
 *
 * Floats must lie in [0, 1]; bytes stand for value / 255. Integers of any type that are all 0 or 1 are
 * taken as those very values (a binarised data set); other integers are refused unless they are bytes.
 *
 * @throws LatentGpuError `bad-data` with the shape or the range found
 */
export function npyDataset(array: NpyArray, name: string, source: string): ImageDataset {
  const { dtype, shape } = array;
  const bad = (why: string) => new LatentGpuError('bad-data', `${name}: ${why}`);
  const [count = 0, ...image] = shape;
  const channels = image.length === 3 ? image[2] : 1;
  if (image.length < 1 || image.length > 3 || (channels !== 1 && channels !== 3)) {
    const why = 'not [count, features], [count, height, width] or [count, height, width, 1 or 3]';
    throw bad(`holds [${shape}], ${why}`);
  }
  return checkDataset({ name, count, shape: image, data: toPixels(array, dtype, bad), source });
}

function toPixels(
  { data }: NpyArray,
  dtype: string,
  bad: (why: string) => LatentGpuError,
): Uint8Array | Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low >= 0 && high <= 1) return Float32Array.from(data as ArrayLike<number | bigint>, Number);
  if (data instanceof Uint8Array) return data;
  throw bad(
    `integers (${dtype}) from ${low} to ${high}; save bytes (astype('uint8')) or floats in [0, 1]`,
  );
}
