// A data set in memory, and what must hold of one.
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { cutsAt, heldOutStretches, type Sequence } from './windows.ts';

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
  /** What else a table held. */
  table?: TableNotes;
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

/** Where in a data point an element is, in words; counted from 0. */
export function placeOf(index: number, { shape, columns, sequence }: LoadedDataset): string {
  const heading = columns?.[index];
  if (sequence) {
    const [, each = 1] = shape;
    const step = `step ${Math.floor(index / each)}`;
    return each > 1 ? `${step}, channel ${index % each}` : step;
  }
  if (shape.length === 1) return `feature ${index}${heading ? ` (${quote(heading)})` : ''}`;
  const [, width = 1, channels = 1] = shape;
  const pixel = Math.floor(index / channels);
  const channel = channels > 1 ? `, channel ${index % channels}` : '';
  return `pixel (${Math.floor(pixel / width)}, ${pixel % width})${channel}`;
}

/** A number for a message: float32 has no more than seven digits. */
const short = (value: number) => String(Number(value.toPrecision(6)));

/**
 * The rows `offset … offset + count − 1`, or fewer where the data end before; views, no copy.
 *
 * @throws LatentGpuError `bad-input` if `count` or `offset` is no whole number, or no row is left
 * @example take(digits({ count: 20 }), 5).count // 5
 */
export function take<T extends LoadedDataset>(dataset: T, count: number, offset = 0): T {
  const whole = Number.isInteger(count) && Number.isInteger(offset) && offset >= 0;
  if (!whole || count < 1 || offset >= dataset.count) {
    const why = `cannot take ${count} rows from row ${offset} of ${dataset.count}`;
    throw new LatentGpuError('bad-input', `${dataset.name}: ${why}`);
  }
  const end = Math.min(dataset.count, offset + count);
  const size = imageSize(dataset);
  const { data, mask, withheld } = dataset;
  const part = <A extends typeof data>(array: A) => array.subarray(offset * size, end * size) as A;
  return {
    ...dataset,
    count: end - offset,
    data: part(data),
    ...(mask && { mask: part(mask) }),
    ...(withheld && { withheld: eachOf(withheld, part) }),
    ...(dataset.sequence && {
      sequence: cutsAt(dataset.sequence, (places) => places.subarray(offset, end)),
    }),
    ...(dataset.labels && { labels: dataset.labels.subarray(offset, end) }),
  };
}

/**
 * Copies the rows named by `indices`, in that order.
 *
 * @throws LatentGpuError `bad-input` if an index is no row of the data set
 * @example select(digits({ count: 20 }), [3, 1]).count // 2
 */
export function select<T extends LoadedDataset>(dataset: T, indices: ArrayLike<number>): T {
  const size = imageSize(dataset);
  const { labels, mask, withheld } = dataset;
  const rows = <A extends typeof dataset.data>(array: A) => rowsAt(array, indices, size);
  const chosen =
    labels && new (labels instanceof Uint8Array ? Uint8Array : Uint32Array)(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i] as number;
    if (!(Number.isInteger(row) && row >= 0 && row < dataset.count)) {
      throw new LatentGpuError('bad-input', `${dataset.name}: no row ${row} of ${dataset.count}`);
    }
    if (labels && chosen) chosen[i] = labels[row] as number;
  }
  return {
    ...dataset,
    count: indices.length,
    data: rows(dataset.data),
    ...(mask && { mask: rows(mask) }),
    ...(withheld && { withheld: eachOf(withheld, rows) }),
    ...(dataset.sequence && {
      sequence: cutsAt(dataset.sequence, (places) =>
        Uint32Array.from(indices, (row) => places[row] as number),
      ),
    }),
    ...(chosen && { labels: chosen }),
  };
}

type Values = Uint8Array | Float32Array | Float64Array;

function eachOf(
  { data, mask }: NonNullable<LoadedDataset['withheld']>,
  of: <A extends Values>(array: A) => A,
): NonNullable<LoadedDataset['withheld']> {
  return { data: of(data), ...(mask && { mask: of(mask) }) };
}

function rowsAt<T extends Values>(data: T, indices: ArrayLike<number>, size: number): T {
  const Type = data.constructor as new (length: number) => T;
  const rows = new Type(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i] as number;
    rows.set(data.subarray(row * size, (row + 1) * size), i * size);
  }
  return rows;
}

/**
 * Holds out a random part, the same for the same seed. Both parts keep the original order of rows. Of windows
 * that were cut from series whole stretches are held out, so that no step of them is trained on: the last
 * stretch of one series; of several, whole series.
 *
 * @param heldOut below 1 a fraction of the rows (rounded, at least one), else their number
 * @throws LatentGpuError `bad-input` if a part would be empty
 * @example split(digits({ count: 20 }), 0.25, 1).test.count // 5
 */
export function split<T extends LoadedDataset>(
  dataset: T,
  heldOut: number,
  seed: number,
): { train: T; test: T } {
  const { count, name, sequence, shape } = dataset;
  const number = heldOut < 1 ? Math.max(1, Math.round(heldOut * count)) : heldOut;
  if (!(heldOut > 0) || !Number.isInteger(number) || number >= count) {
    const why = `cannot hold out ${heldOut} of ${count} rows (a fraction below 1, or a number of rows)`;
    throw new LatentGpuError('bad-input', `${name}: ${why}`);
  }
  if (sequence?.cuts) {
    const shuffled = (length: number) => chosenFirst(length, length, seed, STREAMS.heldOutSeries);
    const { train, test } = heldOutStretches(sequence.cuts, shape[0] as number, number, shuffled);
    if (train.length === 0) {
      throw new LatentGpuError(
        'bad-input',
        `${name}: of ${count} windows of ${shape[0]} steps, all that are not held out overlap those that are; hold fewer out`,
      );
    }
    return { train: select(dataset, train), test: select(dataset, test) };
  }
  const order = chosenFirst(count, number, seed, STREAMS.shuffle);
  return {
    train: select(dataset, order.subarray(number).sort()),
    test: select(dataset, order.subarray(0, number).sort()),
  };
}

/** 0 … count - 1, of which the first `number` are drawn at random. */
function chosenFirst(count: number, number: number, seed: number, stream: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const random = new Random(seed, stream, 0);
  for (let i = 0; i < number; i++) {
    const j = i + random.integer(count - i);
    const row = order[i] as number;
    order[i] = order[j] as number;
    order[j] = row;
  }
  return order;
}
