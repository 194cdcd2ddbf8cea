// What a model's data points are.
import type { Category } from '../categories.ts';

export interface DataDescription {
  /** Extents of one data point, `[28, 28]`. */
  readonly shape: readonly number[];
  readonly name?: string;
  /** Whether the model sees (x - mean) / deviation of every feature; the weights file has both. */
  readonly standardized?: boolean;
  /** Of a family that learns from labels: names of the classes, in the order of their numbers. */
  readonly classNames?: readonly string[];
  /** Headings of the features, in their order, if the data are a table that has them. */
  readonly columns?: readonly string[];
  /** Its columns of words, a feature a word. */
  readonly categories?: readonly Category[];
  /** That data points are sequences, [steps] or [steps, channels], their steps a second, and headings of channels. */
  readonly sequence?: { readonly rate?: number; readonly channels?: readonly string[] };
}

/** What defaults depend on. */
export interface DataTraits {
  /** Extents of one data point. Default: a plain vector of nobody knows how many features. */
  readonly shape?: readonly number[];
  /** Whether a normal decoder suits the data. */
  readonly isContinuous?: boolean;
  /** Whether values are grey levels: bytes, or images in [0, 1]. */
  readonly isGrey?: boolean;
  /** Rows to train on. */
  readonly rows?: number;
  /** Whether values are missing. */
  readonly hasMissing?: boolean;
  /** Whether data points are sequences. */
  readonly sequence?: object | undefined;
}

/** Scales beyond which halving further is not worth it by default. */
const MOST_LEVELS = 3;

/** How often images can be halved; 0 for plain vectors. */
function halvings(shape: readonly number[]): number {
  if (shape.length < 2) return 0;
  const [height, width] = shape as [number, number];
  let count = 0;
  while (count < MOST_LEVELS && (height >> count) % 2 === 0 && (width >> count) % 2 === 0) count++;
  return count;
}

/**
 * The same as values that keys' defaults refer to.
 *
 * @example traitValues({ shape: [28, 28] })['data.features'] // 784
 */
export function traitValues({
  shape: known,
  isContinuous = false,
  isGrey = false,
  rows = 0,
  hasMissing = false,
  sequence,
}: DataTraits) {
  const shape = known ?? [];
  return {
    'data.continuous': isContinuous,
    'data.features': shape.reduce((a, b) => a * b, 1),
    'data.levels': sequence ? 0 : halvings(shape),
    'data.grey': isGrey,
    'data.rows': rows,
    'data.missing': hasMissing,
    'data.steps': sequence ? (shape[0] ?? 0) : 0,
    // Of data that have not been looked at nobody knows.
    ...(known && { 'data.sequence': sequence !== undefined }),
  };
}
