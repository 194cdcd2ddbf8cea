// Data sets of what the visitor's files hold.
import { checkDataset, type ImageDataset } from '../../src/data/dataset.ts';
import { checkSize, imageDataset, type NamedImage } from '../../src/data/image-stack.ts';
import { checkColumnsSeen, checkRowsSeen } from '../../src/data/missing.ts';
import { split } from '../../src/data/parts.ts';
import type { IdxArray } from '../../src/formats/idx.ts';
import { classIndices } from '../../src/formats/table/classes.ts';
import { LatentGpuError } from '../../src/index.ts';
import { inWordsOfPage, tableOf } from '../lab/table.ts';
import { CANDIDATES } from '../protocol.ts';
import { type DataSplit, standardized } from './data.ts';

export interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** At most so many rows are held out, else a tenth. */
const HELD_OUT = 1000;

const bad = (why: string) => new LatentGpuError('bad-input', why);

/** How many of the rows are held out. @throws LatentGpuError `bad-input` for too few of them */
function heldOutOf(name: string, count: number, what: string): number {
  const least = 2 * CANDIDATES;
  if (count < least) {
    const held = `${count} ${what}${count === 1 ? '' : 's'}`;
    throw bad(`${name} holds ${held}; ${least} are needed`);
  }
  return Math.min(HELD_OUT, Math.max(CANDIDATES, Math.round(0.1 * count)));
}

function divided(whole: ImageDataset): DataSplit {
  const { train, test } = split(whole, heldOutOf(whole.name, whole.count, 'image'), 0);
  return { train, heldOut: test };
}

/** One file of images, or two of which the larger is for training; labels go by their number. */
export function dataOfIdx(arrays: readonly Named<IdxArray>[]): DataSplit {
  const labels = arrays.filter(({ value }) => value.shape.length === 1);
  const images = arrays
    .filter(({ value }) => value.shape.length > 1)
    .sort((a, b) => (b.value.shape[0] as number) - (a.value.shape[0] as number));
  const stray = labels.find(({ value }) =>
    images.every((image) => image.value.shape[0] !== value.shape[0]),
  );
  if (stray && images.length > 0) {
    const counts = images.map(({ value }) => value.shape[0]).join(' or ');
    throw bad(`${stray.name} holds ${stray.value.shape[0]} labels, for ${counts} images`);
  }
  const [first, second, third] = images.map((image) => dataset(image, labels));
  if (!first) throw bad('these files hold labels and no images; drop a file of images as well');
  if (third) throw bad(`${images.length} files of images are too many: one, or one for each split`);
  if (!second) return divided(first);
  if (first.shape.join() !== second.shape.join()) {
    throw bad(
      `${first.name} has images of [${first.shape}] and ${second.name} of [${second.shape}]`,
    );
  }
  if (second.count < CANDIDATES) {
    throw bad(`${second.name} holds ${second.count} images; ${CANDIDATES} are needed`);
  }
  return { train: first, heldOut: second };
}

/** `train` of `train-images-idx3-ubyte.gz` and of `train-labels-idx1-ubyte.gz`. */
const splitOf = (name: string) => name.split(/[-_.](?:images|labels|idx)/i)[0];

function dataset({ name, value }: Named<IdxArray>, labels: readonly Named<IdxArray>[]) {
  const [count = 0, ...shape] = value.shape;
  const channels = shape[2] ?? 1;
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    throw new LatentGpuError(
      'bad-data',
      `${name} holds [${value.shape}], not [count, height, width] with 1 or 3 channels at most`,
    );
  }
  const fitting = labels.filter((other) => other.value.data.length === count);
  const paired = fitting.find((other) => splitOf(other.name) === splitOf(name)) ?? fitting[0];
  const own = paired?.value.data;
  return checkDataset({
    name,
    count,
    shape,
    data: value.data,
    ...(own && { labels: own }),
    source: name,
  });
}

const folderOf = (path: string) => path.split('/').slice(0, -1).join('/');

/**
 * PNG images of one size; where they lie in several folders, each is a class.
 *
 * @throws LatentGpuError naming the first that is damaged, transparent or of another size
 */
export async function dataOfPngs(files: readonly Named<Uint8Array>[]): Promise<DataSplit> {
  const { readPng } = await import('../../src/formats/png.ts');
  const images: NamedImage[] = [];
  for (const { name, value } of files) {
    images.push({ ...readPng(value, name), path: name });
    checkSize(images[0] as NamedImage, images.at(-1) as NamedImage);
  }
  const folders = files.map(({ name }) => folderOf(name));
  const top = folders[0]?.split('/')[0];
  const name = top || (files.length === 1 ? files[0]?.name : undefined) || `${files.length} images`;
  const whole = imageDataset(images, name, name);
  if (new Set(folders).size < 2) return divided(whole);
  const { labels, classes } = classIndices(folders.map((path) => path.split('/').at(-1) as string));
  return divided({ ...whole, labels, classes: classes.length, classNames: classes });
}

/**
 * Rows of a table of numbers and words, standardised, with a mask where some are missing.
 *
 * @throws LatentGpuError in the words of this page
 */
export function dataOfTable({ name, value }: Named<Uint8Array>): Promise<DataSplit> {
  return inWordsOfPage(async () => {
    const { tableDataset } = await import('../../src/data/arrays.ts');
    const table = await tableOf(name, value, true);
    const options = { name, source: name, range: 'any', takesMissing: true } as const;
    const whole = checkRowsSeen(tableDataset(table, options));
    const { train, test } = split(whole, heldOutOf(name, whole.count, 'row'), 0);
    checkColumnsSeen(train);
    return standardized(train, test);
  });
}
