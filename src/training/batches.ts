// A data set on the GPU, whole or a window at a time, and the batch that each step takes from it.
import { type ImageDataset, imageSize } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  addUint,
  batchIndices,
  batchRows,
  gather,
  iota,
  modUint,
  mulUint,
  randomBernoulli,
  reshape,
  seed,
  slice,
  step,
} from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Binarization } from './binarize.ts';
import { StoredRows } from './stored-rows.ts';

/** Bytes of data that stay on the GPU unless told otherwise: what one binding spans on any device. */
export const RESIDENT_BYTES = 2 ** 27;
/** Bytes of the rows that the GPU has at a time of data that do not. */
const WINDOW_BYTES = 2 ** 24;
/** A submission has no more steps than this, so a window need not have more either. */
const WINDOW_STEPS = 256;

export interface BatchOptions {
  readonly batch: number;
  readonly binarization: Binarization;
  /** Of the shuffling and of draws made once. */
  readonly seed: number;
  /** Data that take more bytes are streamed. Default: 128 MiB. */
  readonly residentBytes?: number;
}

/** The shuffled batches of a data set: every epoch another permutation of its rows. */
export interface Batches {
  /** This step's rows, [batch, features]. */
  readonly x: Tensor;
  /** Batches in one pass over the data. */
  readonly perEpoch: number;
  /** The most steps whose rows the GPU has at a time; undefined: it has all rows. */
  readonly windowSteps: number | undefined;
  /** Writes what the GPU has from the beginning. */
  load(runtime: Runtime): void;
  /** Writes the rows of `count` steps, at most `windowSteps`, from step `from` on. */
  feed(runtime: Runtime, from: number, count: number): void;
}

/**
 * The batches of `dataset`. Data larger than `residentBytes` are streamed: the host follows the
 * same permutation and writes the rows of the next steps, so that the bits are the same either way.
 *
 * @throws LatentGpuError `bad-config` if the data cannot fill a batch
 */
export function batchesOf(dataset: ImageDataset, options: BatchOptions): Batches {
  const { count, name } = dataset;
  const { batch, binarization, residentBytes = RESIDENT_BYTES } = options;
  if (!(Number.isInteger(batch) && batch >= 1 && batch <= count)) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${batch}; it must be a whole number from 1 to the ${count} rows of ${name}`,
    );
  }
  const words = seedWords(options.seed);
  const rows = new StoredRows(dataset, binarization, options.seed);
  const rowBytes = bytesOfRow(rows.dtype, imageSize(dataset));
  const perEpoch = Math.max(1, Math.floor(count / batch));
  const xOf = (picked: Tensor) =>
    named(binarization === 'resampled' ? randomBernoulli(picked) : picked, 'x');
  const tableOf = (length: number): Variable =>
    variable('data', [length, imageSize(dataset)], { dtype: rows.dtype, role: 'data' });
  if (count * rowBytes <= residentBytes) {
    const table = tableOf(count);
    const key = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), [])) as [Tensor, Tensor];
    return {
      x: xOf(gather(table, batchIndices(count, batch, key))),
      perEpoch,
      windowSteps: undefined,
      load: (runtime) => runtime.write(table, rows.all()),
      feed() {},
    };
  }
  const budget = Math.min(WINDOW_BYTES, residentBytes);
  const windowSteps = Math.max(
    1,
    Math.min(WINDOW_STEPS, perEpoch, Math.floor(budget / (batch * rowBytes))),
  );
  const window = tableOf(windowSteps * batch);
  const at = addUint(mulUint(modUint(step, windowSteps), batch), iota(batch));
  const feeder = new WindowFeeder(window, rows, rowBytes, batch, windowSteps);
  return {
    x: xOf(gather(window, at)),
    perEpoch,
    windowSteps,
    load() {},
    feed: (runtime, from, steps) =>
      feeder.feed(runtime, from, steps, (s) => batchRows(count, batch, words, s)),
  };
}

/** As in memory: rows of bytes start at multiples of four. */
function bytesOfRow(dtype: 'u8' | 'f32', width: number): number {
  return dtype === 'f32' ? width * 4 : Math.ceil(width / 4) * 4;
}

/** Writes rows into a ring of steps: those of step s lie in its place s mod `steps`. */
class WindowFeeder {
  private readonly window: Variable;
  private readonly rows: StoredRows;
  private readonly rowBytes: number;
  private readonly batch: number;
  private readonly steps: number;
  private staged: Uint8Array | Float32Array | undefined;

  constructor(window: Variable, rows: StoredRows, rowBytes: number, batch: number, steps: number) {
    this.window = window;
    this.rows = rows;
    this.rowBytes = rowBytes;
    this.batch = batch;
    this.steps = steps;
  }

  /** The queue keeps the order: rows that a step submitted before still reads stay until it is done. */
  feed(
    runtime: Runtime,
    from: number,
    count: number,
    rowsOf: (step: number) => ArrayLike<number>,
  ): void {
    const { batch, rowBytes, rows } = this;
    const elements = rows.dtype === 'f32' ? rowBytes / 4 : rowBytes;
    const stepBytes = batch * rowBytes;
    const ArrayType = rows.dtype === 'f32' ? Float32Array : Uint8Array;
    this.staged ??= new ArrayType(this.steps * batch * elements);
    const { staged } = this;
    for (let s = from; s < from + count; s++) {
      const place = (s % this.steps) * batch;
      const wanted = rowsOf(s);
      for (let i = 0; i < batch; i++) {
        rows.copy(wanted[i] as number, staged, (place + i) * elements);
      }
    }
    const { buffer, byteOffset } = runtime.storageOf(this.window);
    for (let done = 0; done < count; ) {
      const place = (from + done) % this.steps;
      const run = Math.min(count - done, this.steps - place);
      const part = staged.subarray(place * batch * elements, (place + run) * batch * elements);
      runtime.device.write(buffer, byteOffset + place * stepBytes, part);
      done += run;
    }
  }
}
