// Data with holes: what is missing is marked, and its number is never read.
import { columnsOf, placesOf } from '../categories.ts';
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { columnOf, imageSize, type LoadedDataset, placeOf } from './dataset.ts';

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

/** How many values are missing; a word is one. */
export function missingCount({ mask, shape, categories }: Counted): number {
  if (!mask) return 0;
  const isCounted = new Uint8Array(imageSize({ shape }));
  for (const each of columnsOf(isCounted.length, categories)) {
    isCounted[typeof each === 'number' ? each : each.at] = 1;
  }
  return mask.reduce(
    (count, seen, i) => count + (1 - seen) * (isCounted[i % isCounted.length] as number),
    0,
  );
}

type Counted = Pick<LoadedDataset, 'mask' | 'shape' | 'categories'>;

/** `60 of 480 values missing`, of data with a mask: one text, or none. */
export function missingText(dataset: LoadedDataset): string[] {
  if (!dataset.mask) return [];
  const columns = columnsOf(imageSize(dataset), dataset.categories).length;
  const [missing, all] = [missingCount(dataset), dataset.count * columns];
  return [`${missing.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} values missing`];
}

/** @throws LatentGpuError `bad-data` naming the first row without any value */
export function checkRowsSeen<T extends LoadedDataset>(dataset: T): T {
  const { mask, count, name, shape, sequence } = dataset;
  if (!mask) return dataset;
  const width = imageSize(dataset);
  for (let row = 0; row < count; row++) {
    if (mask.subarray(row * width, (row + 1) * width).includes(1)) continue;
    const step = sequence?.cuts?.start[row];
    const why =
      step === undefined
        ? `all values of row ${row} (from 0) are missing; remove the row`
        : `all values of the window of steps ${step} to ${step + (shape[0] as number) - 1} (from 0) are missing; take longer windows, or cut the series there into files of their own`;
    throw new LatentGpuError('bad-data', `${name}: ${why}`);
  }
  return dataset;
}

/** @throws LatentGpuError `bad-data` naming the first feature of which no row has a value */
export function checkColumnsSeen(dataset: LoadedDataset): void {
  const { mask, count, name, shape, sequence } = dataset;
  if (!mask) return;
  // All steps of a channel count alike.
  const width = sequence ? (shape[1] ?? 1) : imageSize(dataset);
  const isSeen = new Uint8Array(width);
  for (let i = 0; i < mask.length; i++) if (mask[i]) isSeen[i % width] = 1;
  const none = isSeen.indexOf(0);
  if (none < 0) return;
  const isTable = shape.length === 1 && !sequence;
  const what = sequence ? `channel ${none}` : placeOf(none, dataset);
  const heading = columnOf(none, dataset);
  const remedy = isTable
    ? `leave the column out${heading === undefined ? '' : ` with --drop ${JSON.stringify(heading)}`}`
    : 'hide another part, such as --hide random:0.5';
  throw new LatentGpuError(
    'bad-data',
    `${name}: all ${sequence ? '' : `${count} `}values of ${what} are missing, and nothing can be learned of them; ${remedy}`,
  );
}

/**
 * What is hidden on purpose: a half of images; of sequences and vectors so many steps, in the middle or the
 * last ones; or values at random with a probability.
 */
export type Hiding =
  | { readonly half: 'top' | 'bottom' }
  | { readonly stretch: 'middle' | 'last'; readonly steps: number }
  | { readonly random: number };

/** Reads `top`, `bottom`, `last:32`, `middle:32` or `random:0.5`. */
export function parseHiding(text: string): Hiding | undefined {
  if (text === 'top' || text === 'bottom') return { half: text };
  const [, stretch, steps] = /^(middle|last):([1-9]\d{0,8})$/.exec(text) ?? [];
  if (stretch) return { stretch: stretch as 'middle' | 'last', steps: Number(steps) };
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
  const { count, data } = dataset;
  const width = imageSize(dataset);
  const isSeen =
    'half' in how
      ? halfOf(dataset, how.half)
      : 'stretch' in how
        ? stretchOf(dataset, how.stretch, how.steps)
        : undefined;
  const mask = dataset.mask?.slice() ?? new Uint8Array(data.length).fill(1);
  // A word is seen or hidden as a whole.
  const columns = columnsOf(width, dataset.categories).map((each) =>
    typeof each === 'number' ? [each] : placesOf(each),
  );
  for (let row = 0; row < count; row++) {
    const own = mask.subarray(row * width, (row + 1) * width);
    if ('random' in how)
      hideAtRandom(own, columns, how.random, new Random(seed, STREAMS.hidden, row));
    else for (let i = 0; i < width; i++) if (!isSeen?.(i)) own[i] = 0;
  }
  const shown = data.slice() as typeof data;
  for (let i = 0; i < shown.length; i++) if (!mask[i]) shown[i] = 0;
  const withheld = { data, ...(dataset.mask && { mask: dataset.mask }) };
  return checkRowsSeen({ ...dataset, data: shown, mask, withheld });
}

/** Which values of a row are seen where a stretch of steps is not. */
function stretchOf(
  { shape, sequence, name, categories }: LoadedDataset,
  stretch: 'middle' | 'last',
  steps: number,
): (i: number) => boolean {
  const [length = 1, channels = 1] = shape;
  const said = `--hide ${stretch}:${steps}`;
  const isOfImages = !sequence && shape.length > 1;
  if (isOfImages || categories) {
    const [what, other] = isOfImages ? ['images', 'bottom'] : ['words', 'random:0.5'];
    throw new LatentGpuError(
      'bad-input',
      `${said}: ${name} holds ${what}, which have no steps; take --hide ${other}`,
    );
  }
  if (steps >= length) {
    throw new LatentGpuError(
      'bad-input',
      `${said}: rows of ${name} have ${length} steps, of which one at least is to be seen`,
    );
  }
  const from = stretch === 'last' ? length - steps : Math.floor((length - steps) / 2);
  return (i) => {
    const step = Math.floor(i / channels);
    return step < from || step >= from + steps;
  };
}

function halfOf(
  { shape, sequence, name }: LoadedDataset,
  half: 'top' | 'bottom',
): (i: number) => boolean {
  const [height = 1, width = 1, channels = 1] = shape;
  if (shape.length === 1 || sequence) {
    const [what, instead] = sequence ? ['sequences', 'last:32'] : ['vectors', 'random:0.5'];
    throw new LatentGpuError(
      'bad-input',
      `--hide ${half}: ${name} holds no images but ${what}, which have no ${half}; take --hide ${instead}`,
    );
  }
  const middle = Math.floor(height / 2) * width * channels;
  return (i) => (half === 'top' ? i >= middle : i < middle);
}

function hideAtRandom(
  mask: Uint8Array,
  columns: readonly (readonly number[])[],
  probability: number,
  random: Random,
): void {
  const there = columns.filter(([place]) => mask[place as number]);
  const set = (places: readonly number[] = [], seen: number) => {
    for (const i of places) mask[i] = seen;
  };
  for (const places of there) set(places, Number(random.uniform() >= probability));
  if (mask.includes(1) || there.length === 0) return;
  set(there[random.integer(there.length)], 1);
}
