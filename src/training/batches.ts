// A data set on the GPU, whole or a window at a time, and the batch that each step takes from it.
import type { ImageDataset } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import {
  add,
  batchIndices,
  div,
  divUint,
  modUint,
  randomBernoulli,
  reshape,
  seed,
  slice,
  step,
  toFloat,
} from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Binarization } from './binarize.ts';
import { ResidentSource, type RowSource, StreamedSource } from './row-sources.ts';
import { bytesOfRow, StoredLabels, StoredRows } from './stored-rows.ts';

/** Bytes of data that stay on the GPU unless told otherwise: what one binding spans on any device. */
export const RESIDENT_BYTES = 2 ** 27;

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
  /**
   * This step's rows. Its tensors are made, and their tables sent, when they are first asked for: what
   * nobody reads costs nothing. It has `labels` where the data set has.
   */
  readonly batch: Batch;
  /** Batches in one pass over the data. */
  readonly perEpoch: number;
  /** The most steps whose rows the GPU has at a time; undefined: it has all rows. */
  readonly windowSteps: number | undefined;
  /** Writes what the GPU has from the beginning, of what has been asked for. */
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
  const perEpoch = Math.floor(count / batch);
  const stored = new StoredRows(dataset, binarization, options.seed);
  const key = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), [])) as [Tensor, Tensor];
  const rows = lazily(() => batchIndices(count, batch, key));
  const source: RowSource =
    count * bytesOfRow(stored) <= residentBytes
      ? new ResidentSource(count, rows)
      : new StreamedSource({
          count,
          batch,
          perEpoch,
          words: seedWords(options.seed),
          bytes: residentBytes,
          rowBytes: bytesOfRow(stored),
        });
  const x = lazily(() => {
    const picked = source.pick('data', stored);
    return named(binarization === 'resampled' ? randomBernoulli(picked) : picked, 'x');
  });
  const labels = lazily(() => {
    const picked = source.pick('labels', new StoredLabels(dataset));
    return named(reshape(picked, [batch]), 'labels');
  });
  const epoch = lazily(() => named(passesOver(perEpoch), 'epoch'));
  return {
    batch: {
      get x() {
        return x();
      },
      get labels() {
        return dataset.labels && labels();
      },
      get rows() {
        return named(rows(), 'rows');
      },
      get epoch() {
        return epoch();
      },
    },
    perEpoch,
    windowSteps: source.windowSteps,
    load: (runtime) => source.load(runtime),
    feed: (runtime, from, steps) => source.feed(runtime, from, steps),
  };
}

/** Whole passes and the rest apart: a step counter outgrows float32, passes do not. */
function passesOver(perEpoch: number): Tensor {
  const rest = div(toFloat(modUint(step, perEpoch)), perEpoch);
  return add(toFloat(divUint(step, perEpoch)), rest);
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
