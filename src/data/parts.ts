// Some rows of a data set.
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { imageSize, type LoadedDataset } from './dataset.ts';
import { cutsAt } from './sequence.ts';
import { heldOutStretches } from './windows.ts';

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
