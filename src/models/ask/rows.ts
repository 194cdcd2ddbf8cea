// Rows of data and codes: where they come from, and how many a model may compute at once.
import { LatentGpuError } from '../../errors.ts';
import type { Model } from '../model.ts';

/** Rows `start` to `end` of data [count, D] as numbers. */
export interface RowSource {
  (start: number, end: number): Float32Array;
  /** Which rows of the data they are, for models that know their training rows. Default: 0, 1, … */
  readonly numbers?: readonly number[];
  /** The classes of rows, as `ImageDataset.labels`. */
  readonly labels?: ArrayLike<number>;
  /** Of codes of a model that is told columns: rows whose such columns it is told. */
  readonly told?: (start: number, end: number) => Float32Array;
  /** The same of data with holes: 1 where a value is known, 0 where it is missing. */
  readonly mask?: (start: number, end: number) => Float32Array;
}

/** Rows [count, width], all at once or as they are asked for. */
export type Rows = ArrayLike<number> | RowSource;

/** Long work on many rows. */
export interface WorkOptions {
  /** Told the fraction that is done. */
  onProgress?: (fraction: number) => void;
  /** Stops the work, which then throws `interrupted`. */
  signal?: AbortSignal;
}

/** Rows of a block, which noise is drawn for in a step: the most that a plan computes at once. */
export const BLOCK = 64;

/** Numbers a decoder may yield at once: 64 MiB, half of what one binding spans by default. */
const DECODED = 2 ** 24;

/**
 * At most `most` rows, fewer where a model yields many numbers for each; with a mask it may be more of them.
 *
 * @example rowsAtOnce(buildModel(settledConfig({ family: 'vae', data: { shape: [4] } })), 100) // 100
 */
export function rowsAtOnce({ features, can }: Model, most: number, rows?: RowSource): number {
  const decoded = can.numbers ?? can.decode?.numbers ?? features;
  const each =
    rows?.mask && can.impute?.kind === 'exact' ? Math.max(decoded, can.impute.numbers) : decoded;
  return Math.max(1, Math.min(most, Math.floor(DECODED / each)));
}

/**
 * Rows of a batch, followed by zeros so that the batch is full.
 *
 * @example fullBatch((start, end) => new Float32Array(2 * (end - start)).fill(1), 0, 1, 2) // [1, 1, 0, 0]
 */
export function fullBatch(rows: RowSource, start: number, end: number, size: number): Float32Array {
  const part = rows(start, end);
  if (end - start === size) return part;
  const x = new Float32Array(size * (part.length / (end - start)));
  x.set(part);
  return x;
}

/**
 * `count` rows from `first` on; which rows of the data they are and what is known of each goes with them.
 *
 * @example rowsFrom((start, end) => Float32Array.of(start, end), 10, 5)(0, 2) // [10, 12]
 */
export function rowsFrom(rows: RowSource, first: number, count: number): RowSource {
  const { numbers, labels, mask } = rows;
  const places = Array.from({ length: count }, (_, i) => first + i);
  const later = (start: number, end: number) => rows(first + start, first + end);
  return Object.assign(later, {
    numbers: places.map((place) => numbers?.[place] ?? place),
    ...(labels && { labels: places.map((place) => labels[place] as number) }),
    ...(mask && { mask: (start: number, end: number) => mask(first + start, first + end) }),
  });
}

/** @throws LatentGpuError `bad-input` unless `value` is a whole number of at least `least` */
export function checkWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new LatentGpuError(
    'bad-input',
    `${name} is ${value}; it must be a whole number of at least ${least}`,
  );
}

/** @throws LatentGpuError `interrupted` if the signal has been given */
export function checkStop(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new LatentGpuError('interrupted', `${what} was stopped`);
}

/**
 * Rows as they are asked for; those that are there already are checked.
 *
 * @throws LatentGpuError `shape-mismatch` for rows of another size
 * @example rowsOf('x', [1, 2, 3, 4], 2, 2)(1, 2) // [3, 4]
 */
export function rowsOf(name: string, rows: Rows, count: number, width: number): RowSource {
  checkWhole('count', count, 1);
  if (typeof rows === 'function') return rows;
  if (rows.length !== count * width) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${count} rows of ${name} need ${count} × ${width} values; ${rows.length} were given`,
    );
  }
  const whole = rows instanceof Float32Array ? rows : Float32Array.from(rows);
  return (start, end) => whole.subarray(start * width, end * width);
}
