// Arrays as files hold them, of any element type, made data sets.
import { LatentGpuError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';
import type { IdxData } from '../formats/idx.ts';
import type { NpyData } from '../formats/npy.ts';
import { checkDataset, type LoadedDataset, type ValueRange } from './dataset.ts';
import { maskMissing } from './missing.ts';
import { withCategories } from './words.ts';

export interface StoredArray {
  readonly shape: readonly number[];
  readonly data: NpyData | IdxData;
}

export interface DatasetOptions {
  readonly name: string;
  readonly source: string;
  /** Default: `unit`. */
  readonly range?: ValueRange;
  /** Whether NaN is what is missing, and gets a mask. */
  readonly takesMissing?: boolean;
  /** What else may be done about what is missing, `, or …`, where it is refused. */
  readonly missingRemedy?: string;
}

/**
 * Makes a data set of an array: a matrix `[count, features]`, an image stack `[count, height, width]`, or
 * one with 1 or 3 channels last.
 *
 * Floats must lie in the range; bytes stand for value / 255. Integers of any type that are all 0 or 1
 * are taken as those very values (a binarised data set). Where any range is allowed, other integers,
 * and bytes in a matrix, count as themselves; else they are refused.
 *
 * @throws LatentGpuError `bad-data` with the shape or the range found
 */
export function arrayDataset(array: StoredArray, options: DatasetOptions): LoadedDataset {
  const { name, source, range = 'unit' } = options;
  const bad = (why: string) => new LatentGpuError('bad-data', `${name}: ${why}`);
  const [count = 0, ...image] = array.shape;
  checkExtents(array.shape, bad);
  const data = toPixels(array.data, image.length === 1 && range === 'any', range, bad);
  return checked({ name, count, shape: image, data, source }, options);
}

/** The same with what is missing masked, if that is taken. */
export function checked<T extends LoadedDataset>(
  dataset: T,
  { range, takesMissing, missingRemedy }: DatasetOptions,
): T {
  return checkDataset(takesMissing ? maskMissing(dataset) : dataset, range, missingRemedy);
}

function checkExtents(shape: readonly number[], bad: (why: string) => LatentGpuError): void {
  const [, ...image] = shape;
  const isColor = (channels: number | undefined) => channels === 1 || channels === 3;
  if (image.length === 1 || image.length === 2) return;
  if (image.length === 3 && isColor(image[2])) return;
  const text = `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`;
  if (image.length === 3 && isColor(image[0])) {
    throw bad(
      `holds ${text}, channels before pixels; save [count, height, width, channels], x.transpose(0, 2, 3, 1)`,
    );
  }
  const hint = image.length === 0 ? '; save a column, x.reshape(-1, 1), if each is a row' : '';
  throw bad(
    `holds ${text}, not [count, features], [count, height, width] or [count, height, width, 1 or 3]${hint}`,
  );
}

/** @throws LatentGpuError as `bad` makes it, for a whole number that float64 does not hold */
export function checkHeld(data: StoredArray['data'], bad: (why: string) => LatentGpuError): void {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return;
  for (const value of data) {
    if (Number.isSafeInteger(Number(value)) || BigInt(Number(value)) === value) continue;
    throw bad(
      `holds ${value}, a whole number beyond 2^53 that float64 does not hold; leave out what holds ids`,
    );
  }
}

function toPixels(
  data: NpyData | IdxData,
  asNumbers: boolean,
  range: ValueRange,
  bad: (why: string) => LatentGpuError,
): LoadedDataset['data'] {
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  // Most files of bytes tell at once that they are not 0 and 1.
  if (data instanceof Uint8Array && !asNumbers && data.some((x) => x > 1)) return data;
  checkHeld(data, bad);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low >= 0 && high <= 1)
    return Uint8Array.from(data as ArrayLike<number>, (x) => 255 * Number(x));
  // Whole numbers up to here are float32 as they are.
  const isExact = Math.max(-low, high) <= 2 ** 24;
  const numbers = data as ArrayLike<number>;
  if (range === 'any') {
    return isExact ? Float32Array.from(numbers, Number) : Float64Array.from(numbers, Number);
  }
  const bytes = low >= 0 && high <= 255 ? "save bytes (astype('uint8')), or " : '';
  throw bad(`holds whole numbers from ${low} to ${high}; ${bytes}train with --standardize`);
}

/**
 * Makes plain vectors of a table's rows, or images where each row is a list of lists.
 *
 * @throws LatentGpuError `bad-data` with the range found
 */
export function tableDataset(table: CsvTable, options: DatasetOptions): LoadedDataset {
  const { name, source } = options;
  const { names, rows, columns, values, words, labels, classes, labelColumn, dropped, leftOut } =
    table;
  const notes = { dropped, leftOut, ...(labelColumn !== undefined && { labelColumn }) };
  const known = {
    table: notes,
    ...(labels && { labels, classes: classes.length, classNames: classes }),
  };
  if (table.image) {
    const { extents, isOfBytes } = table.image;
    const data = isOfBytes && !values.some(Number.isNaN) ? Uint8Array.from(values) : values;
    return { ...arrayDataset({ shape: [rows, ...extents], data }, options), ...known };
  }
  const numbers = { names, rows, columns, values };
  const { names: headings, values: data, categories } = withCategories(numbers, words);
  return checked(
    {
      ...{ name, count: rows, shape: [data.length / rows], data, source },
      ...(headings && { columns: headings }),
      ...(categories.length > 0 && { categories }),
      ...known,
    },
    options,
  );
}
