// A folder of images as a data set; of folders of images, as a data set with labels.
import { basename, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { readImage } from '../formats/image.node.ts';
import type { ImageDataset } from './dataset.ts';
import { readIfPresent } from './files.node.ts';
import { findImages } from './image-list.node.ts';
import { checkSize, imageDataset, type NamedImage } from './image-stack.ts';

/**
 * Loads a folder of PNG, JPEG, WebP, BMP or PNM images of one size, in the order of their names. If it holds only folders of
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
    images.push({ ...(await readImage(bytes, path)), path });
    checkSize(images[0] as NamedImage, images.at(-1) as NamedImage);
    onProgress?.(images.length / found.length);
  }
  const name = basename(resolve(folder));
  const whole = imageDataset(images, name, folder);
  if (!all.classes) return whole;
  const labels = Uint32Array.from(found, ({ label }) => label as number);
  return { ...whole, labels, classes: all.classes.length, classNames: all.classes };
}
