// A data set in memory, and what must hold of one.
import { CATEGORIES_RULE, type Category, isCategories } from '../categories.ts';
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import type { Sequence } from './sequence.ts';

/** Images (or plain vectors) in host memory, with labels where they are known. */
export interface ImageDataset<Data = Uint8Array | Float32Array> {
  /** What to call it in reports: `mnist`, `digits`, a file's name. */
  name: string;
  count: number;
  /** Of one image: `[28, 28]`, `[height, width, 3]`, or `[features]`. */
  shape: number[];
  /**
   * Row major `[count, ...shape]`: bytes stand for value / 255; floats lie in [0, 1], or anywhere if
   * they are standardised or about to be.
   */
  data: Data;
  /**
   * As `data`: 1 where a value is known, 0 where it is missing and `data` hold 0. Without it, all are
   * known.
   */
  mask?: Uint8Array;
  /** What was there before some was hidden on purpose, for whoever compares what is put in its place. */
  withheld?: { readonly data: Data; readonly mask?: Uint8Array };
  /** Whether `data` are (x - mean) / deviation of what was read. */
  standardized?: boolean;
  /** One class index a row, or `UNKNOWN_CLASS`. */
  labels?: Uint8Array | Uint32Array;
  classes?: number;
  /** Of the classes, in the order of their indices. */
  classNames?: readonly string[];
  /** Headings of a table's features. */
  columns?: readonly string[];
  /** Its columns of words, whose features are 1 or 0. */
  categories?: readonly Category[];
  /** What else a table held. */
  table?: TableNotes;
  /** Whether the same file holds a test split beside these rows. */
  hasTest?: boolean;
  /** Of data points that are sequences, whose shape is [steps] or [steps, channels]. */
  sequence?: Sequence;
  /** Where the data came from, for people: a path, or how it was generated. */
  source: string;
}

/** Columns of a table that are no features, by heading (by number from 1 where there is none). */
export interface TableNotes {
  readonly labelColumn?: string;
  /** As somebody asked for it. */
  readonly dropped: readonly string[];
  /** All of them, those that number the rows included. */
  readonly leftOut: readonly string[];
}

/** Data as they are read: numbers stay float64 until they are standardised, or rounded to float32. */
export type LoadedDataset = ImageDataset<Uint8Array | Float32Array | Float64Array>;

/**
 * Elements in one image.
 *
 * @example imageSize({ shape: [28, 28] }) // 784
 */
export function imageSize(dataset: Pick<ImageDataset, 'shape'>): number {
  return dataset.shape.reduce((product, length) => product * length, 1);
}

/** Names of all classes; of classes without names, their numbers. */
export function classNamesOf({ classes, classNames, labels }: LoadedDataset): readonly string[] {
  if (classNames) return classNames;
  const known = (most: number, label: number) =>
    label === UNKNOWN_CLASS ? most : Math.max(most, label + 1);
  const count = classes ?? Array.from(labels ?? []).reduce(known, 0);
  return Array.from({ length: count }, (_, c) => String(c));
}

/** Whether values may lie outside of [0, 1], because they are to be standardised. */
export type ValueRange = 'unit' | 'any';

/**
 * Checks that a data set is whole: at least one row, sizes that agree, labels below `classes`, floats
 * finite and within the range.
 *
 * ```ts
 * const data = { name: 'mine', count: 2, shape: [2], data: Float32Array.of(0, 1, 1, 0), source: 'a program' };
 * checkDataset(data).count // 2
 * ```
 *
 * @param remedy what else may be done about a value that is missing, `, or …`
 * @returns the data set itself
 * @throws LatentGpuError `bad-data` naming the first fault, with the range found
 */
export function checkDataset<T extends LoadedDataset>(
  dataset: T,
  range: ValueRange = 'unit',
  remedy = '',
): T {
  const { name, count, shape, data, labels, classes } = dataset;
  const bad = (why: string) => new LatentGpuError('bad-data', `${name}: ${why}`);
  const size = imageSize(dataset);
  if (count < 1 || size < 1) throw bad(`holds no data (${count} rows of [${shape}])`);
  if (data.length !== count * size) {
    throw bad(`${count} rows of [${shape}] need ${count * size} values, there are ${data.length}`);
  }
  if (dataset.categories && !isCategories(dataset.categories, size)) {
    throw bad(`categories ${CATEGORIES_RULE}`);
  }
  if (labels && labels.length !== count) {
    throw bad(`${labels.length} labels for ${count} rows`);
  }
  if (labels && classes !== undefined) {
    const wrong = labels.findIndex((label) => label >= classes && label !== UNKNOWN_CLASS);
    if (wrong >= 0) throw bad(`label ${labels[wrong]} of row ${wrong} is not below ${classes}`);
  }
  if (!(data instanceof Uint8Array)) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      if (!Number.isFinite(Math.fround(value))) {
        const where = `row ${Math.floor(i / size)}, ${placeOf(i % size, dataset)}`;
        const more = Number.isNaN(value) ? remedy : '';
        throw bad(
          `${where} holds ${value}; remove the row, or put a finite number (float32) there${more}`,
        );
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (range === 'unit' && (low < 0 || high > 1)) {
      const how = low >= 0 && high <= 255 ? ', x / 255 if they are grey levels' : '';
      throw bad(
        `values range from ${short(low)} to ${short(high)}, not within [0, 1]; train with --standardize, ` +
          `or bring them into [0, 1]${how}`,
      );
    }
  }
  return dataset;
}

/** The heading of the column that a feature is of (of a column of words without one: its number). */
export function columnOf(
  feature: number,
  { columns, categories = [] }: Pick<LoadedDataset, 'columns' | 'categories'>,
): string | undefined {
  const isOf = ({ at, levels }: Category) => feature >= at && feature < at + levels.length;
  return categories.find(isOf)?.column ?? columns?.[feature];
}

/** Where in a data point an element is, in words; counted from 0. */
export function placeOf(
  index: number,
  { shape, columns, categories, sequence }: LoadedDataset,
): string {
  const heading = columns?.[index];
  if (sequence) {
    const [, each = 1] = shape;
    const step = `step ${Math.floor(index / each)}`;
    return each > 1 ? `${step}, channel ${index % each}` : step;
  }
  // Of a table with words features are not counted by who has it before them.
  const column = categories && columnOf(index, { columns, categories });
  if (column !== undefined) return `column ${quote(column)}`;
  if (shape.length === 1) return `feature ${index}${heading ? ` (${quote(heading)})` : ''}`;
  const [, width = 1, channels = 1] = shape;
  const pixel = Math.floor(index / channels);
  const channel = channels > 1 ? `, channel ${index % channels}` : '';
  return `pixel (${Math.floor(pixel / width)}, ${pixel % width})${channel}`;
}

/** A number for a message: float32 has no more than seven digits. */
const short = (value: number) => String(Number(value.toPrecision(6)));
