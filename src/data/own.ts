// Data of a program's own.
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { noNumbers } from '../numbers.ts';
import { checkDataset, type ImageDataset, imageSize } from './dataset.ts';
import { checkColumnsSeen, checkRowsSeen, maskMissing } from './missing.ts';

export interface OwnDataOptions {
  /** What to call it in messages and reports. Default: `data`. */
  readonly name?: string;
  /** The class of each row, from 0. */
  readonly labels?: ArrayLike<number>;
  /** Names of the classes, in the order of their numbers. */
  readonly classNames?: readonly string[];
}

/**
 * A data set of numbers of one's own, rows one after the other. Bytes stand for value / 255; numbers may be of any
 * range, and NaN is what is missing: it becomes a mask, `batch.mask`, and a 0 in the data.
 *
 * ```ts
 * const data = datasetOf([0.5, -1, 2, Number.NaN], [2], { labels: [0, 1] });
 * data.count // 2
 * ```
 *
 * @param shape extents of a data point: `[features]`, `[height, width]`, `[height, width, 3]`
 * @throws LatentGpuError `bad-data` for numbers that fill no whole rows, rows or features of which nothing is
 *   known, labels that are none
 */
export function datasetOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  { name = 'data', labels, classNames }: OwnDataOptions = {},
): ImageDataset {
  const bad = (why: string) => new LatentGpuError('bad-data', `${name}: ${why}`);
  const size = imageSize({ shape: [...shape] });
  const strange = noNumbers(values);
  if (strange) throw bad(strange);
  const count = Math.floor(values.length / size);
  if (!(count >= 1) || values.length !== count * size) {
    throw bad(`${values.length} values make no whole rows of [${shape.join(', ')}], ${size} each`);
  }
  const wrong = Array.from(labels ?? []).find((label) => !Number.isInteger(label) || label < 0);
  if (wrong !== undefined) throw bad(`label ${wrong} is no class; classes count from 0`);
  const known = Array.from(labels ?? []).filter((label) => label !== UNKNOWN_CLASS);
  const classes = classNames?.length ?? known.reduce((most, label) => Math.max(most, label + 1), 0);
  const dataset = maskMissing<ImageDataset>({
    ...{ name, count, shape: [...shape], source: 'a program' },
    // A copy, in which what is missing becomes 0.
    data: values instanceof Uint8Array ? values : Float32Array.from(values),
    ...(labels && { labels: Uint32Array.from(labels), classes }),
    ...(classNames && { classNames }),
  });
  checkColumnsSeen(checkRowsSeen(checkDataset(dataset, 'any')));
  return dataset;
}
