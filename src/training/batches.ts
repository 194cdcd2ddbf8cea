// A data set on the GPU, whole or a window at a time, and the batch that each step takes from it.
import type { ImageDataset } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';
import {
  add,
  addUint,
  batchIndices,
  batchRows,
  div,
  divUint,
  iota,
  modUint,
  mulUint,
  randomBernoulli,
  reshape,
  seed,
  slice,
  step,
  toFloat,
  where,
} from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Binarization } from './binarize.ts';
import { perturbed } from './perturb.ts';
import { type Part, ResidentSource, type RowSource, StreamedSource } from './row-sources.ts';
import { bytesOfRow, StoredLabels, StoredMask, StoredRows } from './stored-rows.ts';

/** Bytes of data that stay on the GPU unless told otherwise: what one binding spans on any device. */
export const RESIDENT_BYTES = 2 ** 27;

export interface BatchOptions {
  readonly batch: number;
  readonly binarization: Binarization;
  /** Of the shuffling and of draws made once. */
  readonly seed: number;
  /** The share of values that are replaced at random in every step. Default: none. */
  readonly noise?: number;
  /** Data that take more bytes are streamed. Default: 128 MiB. */
  readonly residentBytes?: number;
}

/** The shuffled batches of a data set: every epoch another permutation of its rows. */
export interface Batches {
  /**
   * This step's rows. Its tensors are made, and their tables sent, when they are first asked for: what
   * nobody reads costs nothing. It has `labels` and a `mask` where the data set has.
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

/** The batches of a data set in its own order, every row once a pass. */
export interface Passes extends Batches {
  /** The last batch of a pass, where fewer rows are left for it. */
  readonly last: Batch | undefined;
}

/**
 * The batches of `dataset`, shuffled. Data larger than `residentBytes` are streamed: the host follows
 * the same permutation and writes the rows of the next steps, so that the bits are the same either way.
 *
 * @throws LatentGpuError `bad-config` if the data cannot fill a batch
 */
export function batchesOf(dataset: ImageDataset, options: BatchOptions): Batches {
  const { count } = dataset;
  const { batch } = options;
  checkBatch(dataset, batch);
  const perEpoch = Math.floor(count / batch);
  const words = seedWords(options.seed);
  const key = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), [])) as [Tensor, Tensor];
  const rows = lazily(() => batchIndices(count, batch, key));
  const { parts, ...rest } = sourceOf(dataset, options, perEpoch, (s) =>
    batchRows(count, batch, words, s),
  );
  return { ...rest, batch: parts({ size: batch, rows }) };
}

/** @throws LatentGpuError `bad-config` if the data cannot fill a batch */
export function passesOf(dataset: ImageDataset, options: BatchOptions): Passes {
  const { count } = dataset;
  const { batch } = options;
  checkBatch(dataset, batch);
  const perEpoch = Math.ceil(count / batch);
  const { parts, ...rest } = sourceOf(dataset, options, perEpoch, (s) => {
    const first = (s % perEpoch) * batch;
    return Uint32Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i);
  });
  const inOrder = (size: number) =>
    parts({
      size,
      rows: lazily(() => addUint(mulUint(modUint(step, perEpoch), batch), iota(size))),
    });
  const left = count % batch;
  return { ...rest, batch: inOrder(batch), last: left > 0 ? inOrder(left) : undefined };
}

function checkBatch({ count, name }: ImageDataset, batch: number): void {
  if (Number.isInteger(batch) && batch >= 1 && batch <= count) return;
  throw new LatentGpuError(
    'bad-config',
    `batch is ${batch}; it must be a whole number from 1 to the ${count} rows of ${name}`,
  );
}

/** Where the rows lie, and what a batch of some of them is. */
function sourceOf(
  dataset: ImageDataset,
  options: BatchOptions,
  perEpoch: number,
  rowsAt: (step: number) => ArrayLike<number>,
): Omit<Batches, 'batch'> & { parts: (part: Part) => Batch } {
  const { batch, binarization, noise = 0, residentBytes = RESIDENT_BYTES } = options;
  const { seed: drawSeed } = options;
  const stored = new StoredRows(dataset, binarization, drawSeed);
  const masked = dataset.mask && new StoredMask(dataset, dataset.mask);
  const rowBytes = bytesOfRow(stored) + (masked ? bytesOfRow(masked) : 0);
  const source: RowSource =
    dataset.count * rowBytes <= residentBytes
      ? new ResidentSource(dataset.count)
      : new StreamedSource({ batch, perEpoch, rowsAt, bytes: residentBytes, rowBytes });
  const labelled = dataset.labels && new StoredLabels(dataset);
  const parts = (part: Part): Batch => {
    const x = lazily(() => {
      const whole = source.pick('data', stored, part);
      const noisy = noise > 0 ? perturbed(whole, noise, dataset, binarization) : whole;
      const picked = noise > 0 && masked ? where(mask(), noisy, 0) : noisy;
      return named(binarization === 'resampled' ? randomBernoulli(picked) : picked, 'x');
    });
    const labels = lazily(() => {
      const picked = source.pick('labels', labelled as StoredLabels, part);
      return named(reshape(picked, [part.size]), 'labels');
    });
    const mask = lazily(() => named(source.pick('mask', masked as StoredMask, part), 'mask'));
    const epoch = lazily(() => named(passesOver(perEpoch), 'epoch'));
    return {
      get x() {
        return x();
      },
      get labels() {
        return labelled && labels();
      },
      get mask() {
        return masked && mask();
      },
      get rows() {
        return named(part.rows(), 'rows');
      },
      get epoch() {
        return epoch();
      },
    };
  };
  return {
    parts,
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
