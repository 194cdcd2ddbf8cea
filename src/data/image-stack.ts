// Images that were read one by one, made a data set.
import { LatentGpuError } from '../errors.ts';
import type { Raster } from '../formats/raster.ts';
import type { ImageDataset } from './dataset.ts';

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
