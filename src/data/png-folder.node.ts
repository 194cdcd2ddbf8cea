// A folder of images as a data set; of folders of images, as a data set with labels.
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { type PngImage, readPng } from '../formats/png.node.ts';
import type { ImageDataset } from './dataset.ts';
import { readIfPresent } from './files.node.ts';

/** By name, with the numbers in it as numbers: 2.png before 10.png. */
const collator = new Intl.Collator('en', { numeric: true });
const byName = (a: string, b: string) => collator.compare(a, b) || (a < b ? -1 : 1);

const isPngName = (name: string) => /\.png$/i.test(name);
/** Images that somebody might expect to be read, too. */
const isOtherImage = (name: string) =>
  /\.(jpe?g|gif|bmp|webp|tiff?|avif|heic|ppm|pgm)$/i.test(name);

interface Listing {
  /** Paths of images, in order. */
  readonly images: string[];
  readonly folders: string[];
  readonly other: string | undefined;
}

async function list(folder: string): Promise<Listing> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new LatentGpuError('io', `cannot read ${folder}: ${cause.message}`);
  });
  const names: string[] = [];
  const folders: string[] = [];
  for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
    const { name } = entry;
    const target = entry.isSymbolicLink()
      ? await stat(join(folder, name)).catch(() => undefined)
      : entry;
    if (target) (target.isDirectory() ? folders : names).push(name);
  }
  return {
    images: names.filter(isPngName).sort(byName),
    folders: folders.sort(byName),
    other: names.find(isOtherImage),
  };
}

interface Found {
  readonly path: string;
  readonly label: number | undefined;
}

/** The images of a folder, or of its folders: one a class. */
async function find(folder: string): Promise<Found[]> {
  const bad = (why: string) => new LatentGpuError('bad-data', `${folder} ${why}`);
  const { images, folders, other } = await list(folder);
  if (other !== undefined) throw bad(`holds ${other}; images must be PNG, so convert or move it`);
  if (images.length > 0) {
    const among = folders.length > 0 && (await list(join(folder, folders[0] as string)));
    if (among && among.images.length > 0) {
      throw bad(
        `holds images and a folder of images (${folders[0]}); put all images into folders, one a class, or none`,
      );
    }
    return images.map((name) => ({ path: join(folder, name), label: undefined }));
  }
  const found: Found[] = [];
  let label = 0;
  for (const name of folders) {
    const inner = await list(join(folder, name));
    if (inner.other !== undefined) {
      throw bad(`holds ${join(name, inner.other)}; images must be PNG, so convert or move it`);
    }
    if (inner.images.length === 0 && inner.folders.length > 0) {
      // The training split first, whatever the alphabet says.
      const parts = folders.filter((part) => /train/i.test(part)).concat(folders);
      const test = parts.find((part) => part !== parts[0]);
      const how = test === undefined ? '' : ` --test ${join(folder, test)}`;
      throw bad(
        `holds folders of folders; name the one whose folders are classes, as in --data ${join(folder, parts[0] as string)}${how}`,
      );
    }
    // A folder without an image is no class.
    if (inner.images.length === 0) continue;
    for (const image of inner.images) found.push({ path: join(folder, name, image), label });
    label += 1;
  }
  if (found.length === 0) throw bad('holds no PNG image, nor folders with any');
  return found;
}

/**
 * Loads a folder of PNG images of one size, in the order of their names. If it holds only folders of
 * images, each folder is a class, numbered in the order of their names.
 *
 * @param count at most so many images, from the first
 * @throws LatentGpuError `bad-data` if there are none, or naming the first of another size;
 *   `bad-format` naming the first that is damaged
 */
export async function pngFolder(
  folder: string,
  count: number | undefined,
  onProgress?: (fraction: number) => void,
): Promise<ImageDataset> {
  const found = (await find(folder)).slice(0, count);
  const images: NamedImage[] = [];
  for (const { path } of found) {
    const bytes = await readIfPresent(path);
    if (!bytes) throw new LatentGpuError('io', `${path} has just been removed`);
    images.push({ ...readPng(bytes, path), path });
    checkSize(images[0] as NamedImage, images.at(-1) as NamedImage);
    onProgress?.(images.length / found.length);
  }
  const name = basename(resolve(folder));
  const whole = imageDataset(images, name, folder);
  if (found[0]?.label === undefined) return whole;
  const labels = Uint32Array.from(found, ({ label }) => label as number);
  return { ...whole, labels, classes: 1 + (labels.at(-1) as number) };
}

interface NamedImage extends PngImage {
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
