// Data with holes: what is missing is marked, and its number is never read.
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { imageSize, type LoadedDataset, placeOf } from './dataset.ts';

/** Takes NaN for what is missing: those places get a mask and hold 0. In place, where the data are floats. */
export function maskMissing<T extends LoadedDataset>(dataset: T): T {
  const { data } = dataset;
  if (data instanceof Uint8Array || !data.some(Number.isNaN)) return dataset;
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    if (Number.isNaN(data[i])) data[i] = 0;
    else mask[i] = 1;
  }
  return { ...dataset, mask };
}

/** How many values are missing. */
export function missingCount({ mask }: Pick<LoadedDataset, 'mask'>): number {
  return mask ? mask.reduce((count, seen) => count + 1 - seen, 0) : 0;
}

/** `60 of 480 values missing`, of data with a mask: one text, or none. */
export function missingText(dataset: LoadedDataset): string[] {
  if (!dataset.mask) return [];
  const [missing, all] = [missingCount(dataset), dataset.mask.length];
  return [`${missing.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} values missing`];
}

/** @throws LatentGpuError `bad-data` naming the first row without any value */
export function checkRowsSeen<T extends LoadedDataset>(dataset: T): T {
  const { mask, count, name } = dataset;
  if (!mask) return dataset;
  const width = imageSize(dataset);
  for (let row = 0; row < count; row++) {
    if (mask.subarray(row * width, (row + 1) * width).includes(1)) continue;
    throw new LatentGpuError(
      'bad-data',
      `${name}: all values of row ${row} (from 0) are missing; remove the row`,
    );
  }
  return dataset;
}

/** @throws LatentGpuError `bad-data` naming the first feature of which no row has a value */
export function checkColumnsSeen(dataset: LoadedDataset): void {
  const { mask, count, name, shape, columns } = dataset;
  if (!mask) return;
  const width = imageSize(dataset);
  const isSeen = new Uint8Array(width);
  for (let i = 0; i < mask.length; i++) if (mask[i]) isSeen[i % width] = 1;
  const none = isSeen.indexOf(0);
  if (none < 0) return;
  const isTable = shape.length === 1;
  const remedy = isTable
    ? `leave the column out${columns ? ` with --drop ${JSON.stringify(columns[none])}` : ''}`
    : 'hide another part, such as --hide random:0.5';
  throw new LatentGpuError(
    'bad-data',
    `${name}: all ${count} values of ${placeOf(none, dataset)} are missing, and nothing can be learned of them; ${remedy}`,
  );
}

/** What is hidden on purpose: a half of images, or values at random with a probability. */
export type Hiding = { readonly half: 'top' | 'bottom' } | { readonly random: number };

/** Reads `top`, `bottom` or `random:0.5`. */
export function parseHiding(text: string): Hiding | undefined {
  if (text === 'top' || text === 'bottom') return { half: text };
  const share = /^random:(0?\.\d+)$/.exec(text)?.[1];
  return share !== undefined && Number(share) > 0 ? { random: Number(share) } : undefined;
}

/**
 * The same data with values hidden, which are withheld to be compared with what is put in their place. Of
 * each row at least one value stays; which ones are hidden at random follows from the seed and the row.
 *
 * @throws LatentGpuError `bad-input` for halves of what is no image
 */
export function hide<T extends LoadedDataset>(dataset: T, how: Hiding, seed: number): T {
  const { shape, name, count, data } = dataset;
  const width = imageSize(dataset);
  const isSeen = 'half' in how ? halfOf(shape, how.half, name) : undefined;
  const mask = dataset.mask?.slice() ?? new Uint8Array(data.length).fill(1);
  for (let row = 0; row < count; row++) {
    const own = mask.subarray(row * width, (row + 1) * width);
    if ('random' in how) hideAtRandom(own, how.random, new Random(seed, STREAMS.hidden, row));
    else for (let i = 0; i < width; i++) if (!isSeen?.(i)) own[i] = 0;
  }
  const shown = data.slice() as typeof data;
  for (let i = 0; i < shown.length; i++) if (!mask[i]) shown[i] = 0;
  const withheld = { data, ...(dataset.mask && { mask: dataset.mask }) };
  return checkRowsSeen({ ...dataset, data: shown, mask, withheld });
}

function halfOf(
  shape: readonly number[],
  half: 'top' | 'bottom',
  name: string,
): (i: number) => boolean {
  const [height = 1, width = 1, channels = 1] = shape;
  if (shape.length === 1) {
    throw new LatentGpuError(
      'bad-input',
      `--hide ${half}: ${name} holds no images but vectors, which have no ${half}; take --hide random:0.5`,
    );
  }
  const middle = Math.floor(height / 2) * width * channels;
  return (i) => (half === 'top' ? i >= middle : i < middle);
}

function hideAtRandom(mask: Uint8Array, probability: number, random: Random): void {
  const before = mask.slice();
  const places = [...mask.keys()].filter((i) => before[i]);
  for (const i of places) mask[i] = Number(random.uniform() >= probability);
  if (mask.includes(1) || places.length === 0) return;
  mask[places[random.integer(places.length)] as number] = 1;
}
