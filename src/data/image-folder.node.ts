// A folder of images as a data set; of folders of images, as a data set with labels.
import { basename, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { type Image, readImage } from '../formats/image.node.ts';
import type { ImageDataset } from './dataset.ts';
import { readIfPresent } from './files.node.ts';
import { findImages } from './image-list.node.ts';

/**
 * Loads a folder of PNG, JPEG or WebP images of one size, in the order of their names. If it holds only folders of
 * images, each folder is a class, numbered in the order of their names, after those numbered already.
 *
 * @param count at most so many images, from the first
 * @param classes names of classes that have their indices already, as another split gave them
 * @throws LatentGpuError `bad-data` if there are none, or naming the first of another size;
 *   `bad-format` naming the first that is damaged
 */
export async function imageFolder(
  folder: string,
  count: number | undefined,
  onProgress?: (fraction: number) => void,
  classes?: readonly string[],
): Promise<ImageDataset> {
  const all = await findImages(folder, classes);
  const found = all.images.slice(0, count);
  const images: NamedImage[] = [];
  for (const { path } of found) {
    const bytes = await readIfPresent(path);
    if (!bytes) throw new LatentGpuError('io', `${path} has just been removed`);
    images.push({ ...readImage(bytes, path), path });
    checkSize(images[0] as NamedImage, images.at(-1) as NamedImage);
    onProgress?.(images.length / found.length);
  }
  const name = basename(resolve(folder));
  const whole = imageDataset(images, name, folder);
  if (!all.classes) return whole;
  const labels = Uint32Array.from(found, ({ label }) => label as number);
  return { ...whole, labels, classes: all.classes.length, classNames: all.classes };
}

interface NamedImage extends Image {
  readonly path: string;
}

function checkSize(first: NamedImage, image: NamedImage): void {
  if (image.width === first.width && image.height === first.height) return;
  const size = ({ width, height }: NamedImage) => `${width} × ${height}`;
  throw new LatentGpuError(
    'bad-data',
    `${image.path} is ${size(image)} and ${first.path} is ${size(first)} pixels; ` +
      'all images must have one size',
  );
}

/** Bytes, or floats if any image has 16 bits; colour if any image has. */
function imageDataset(images: readonly NamedImage[], name: string, source: string): ImageDataset {
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
