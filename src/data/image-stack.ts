// Images that were read one by one, made a data set.
import { LatentGpuError } from '../errors.ts';
import type { Raster } from '../formats/raster.ts';
import type { ImageDataset, LoadedDataset } from './dataset.ts';

export interface NamedImage extends Raster {
  /** For messages. */
  readonly path: string;
}

/** @throws LatentGpuError `bad-data` for an image of another size than the first */
export function checkSize(first: NamedImage, image: NamedImage): void {
  if (image.width === first.width && image.height === first.height) return;
  const size = ({ width, height }: NamedImage) => `${width} × ${height}`;
  throw new LatentGpuError(
    'bad-data',
    `${image.path} is ${size(image)} and ${first.path} is ${size(first)} pixels; ` +
      `all images must have one size (magick mogrify -resize '${first.width}x${first.height}!' FILES)`,
  );
}

/**
 * A data set of images of one size: bytes, or floats if any image has 16 bits; colour if any image has.
 *
 * @param name what to call it in reports
 * @param source where the images came from, for people
 */
export function imageDataset(
  images: readonly NamedImage[],
  name: string,
  source: string,
): ImageDataset {
  const { width, height } = images[0] as NamedImage;
  const channels = images.some((image) => image.channels === 3) ? 3 : 1;
  const isDeep = images.some(({ data }) => data instanceof Uint16Array);
  const size = width * height * channels;
  const data = new (isDeep ? Float32Array : Uint8Array)(images.length * size);
  images.forEach((image, row) => {
    const white = image.data instanceof Uint16Array ? 65535 : 255;
    const repeat = channels / image.channels;
    for (let i = 0; i < size; i++) {
      const value = image.data[repeat === 1 ? i : Math.floor(i / repeat)] as number;
      data[row * size + i] = isDeep ? value / white : value;
    }
  });
  const shape = channels === 3 ? [height, width, 3] : [height, width];
  return { name, count: images.length, shape, data, source };
}

/**
 * Grey images where colours are wanted: of three equal channels.
 *
 * @param wanted extents of a data point; of anything but colours the data stay as they are
 * @example inColour({ name: 'x', count: 1, shape: [1, 1], data: Uint8Array.of(7), source: '' }, [1, 1, 3]).data // [7, 7, 7]
 */
export function inColour<T extends LoadedDataset>(dataset: T, wanted: readonly number[]): T {
  const { shape, data, mask, sequence } = dataset;
  const [height, width, channels = 1] = shape;
  const isSame = height === wanted[0] && width === wanted[1];
  if (mask || sequence || shape.length < 2 || !isSame || channels !== 1 || wanted[2] !== 3)
    return dataset;
  const Type = data.constructor as new (length: number) => typeof data;
  const colours = new Type(3 * data.length);
  for (let i = 0; i < colours.length; i++) colours[i] = data[Math.floor(i / 3)] as number;
  return { ...dataset, shape: [...wanted], data: colours };
}
