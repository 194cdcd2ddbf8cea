// The data of a command: found by name or path, remembered in a model's folder.
import { resolve } from 'node:path';
import { type ImageDataset, imageSize, split, take } from '../data/dataset.ts';
import { loadData } from '../data/load.node.ts';
import { LatentGpuError } from '../errors.ts';
import { sha256 } from '../formats/sha256.ts';
import type { LikelihoodConfig } from '../models/index.ts';
import type { DataRecord } from '../training/folder.node.ts';
import type { Binarization } from '../training/index.ts';
import type { Output } from './output.ts';

/** Names of data sets; anything else is a file. */
const NAMED = ['digits', 'mnist', 'fashion-mnist'];

/** The data do not depend on a run's seed: runs with different seeds are to be compared. */
const DATA_SEED = 0;

export interface DataChoice {
  readonly data: string;
  readonly dataDir?: string;
  /** A file with the test split, for data that are a file. */
  readonly test?: string;
  /** Rows of the training split. */
  readonly limit?: number;
}

/** Paths made absolute, so that they hold from anywhere. */
export function absolute(choice: DataChoice): DataChoice {
  const { data, dataDir, test, limit } = choice;
  const isPath = !NAMED.includes(data) && /[/\\.]/.test(data);
  return {
    data: isPath ? resolve(data) : data,
    ...(dataDir !== undefined && { dataDir: resolve(dataDir) }),
    ...(test !== undefined && { test: resolve(test) }),
    ...(limit !== undefined && { limit }),
  };
}

async function load(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
  count?: number,
): Promise<ImageDataset> {
  const { data, dataDir } = choice;
  let told = '';
  return await loadData({
    data,
    split: part,
    seed: DATA_SEED,
    ...(dataDir !== undefined && { dataDir }),
    ...(count !== undefined && { count }),
    onDownload: (address) => {
      if (address !== told) out.say(`downloading ${address}`);
      told = address;
    },
  });
}

export interface TrainingData {
  readonly train: ImageDataset;
  /** What to evaluate on; none where nothing was held out and there is no test split. */
  readonly test: ImageDataset | undefined;
}

/**
 * The rows to train on and those to evaluate on: rows held out of the training split if `holdOut` is
 * above 0, else the test split.
 */
export async function loadTraining(
  choice: DataChoice,
  holdOut: number,
  out: Output,
): Promise<TrainingData> {
  const whole = await load(choice, 'train', out, choice.limit);
  if (holdOut > 0) return split(whole, holdOut, DATA_SEED);
  return { train: whole, test: await loadTest(choice, out) };
}

async function loadTest(choice: DataChoice, out: Output): Promise<ImageDataset | undefined> {
  if (choice.test !== undefined) return await load({ data: choice.test }, 'train', out);
  return NAMED.includes(choice.data) ? await load(choice, 'test', out) : undefined;
}

/**
 * The rows that `eval` looks at.
 *
 * @param holdOut as in training
 * @throws LatentGpuError `bad-input` if there is no such split
 */
export async function loadSplit(
  choice: DataChoice,
  part: 'train' | 'test',
  holdOut: number,
  out: Output,
): Promise<ImageDataset> {
  if (part === 'train') return (await loadTraining(choice, holdOut, out)).train;
  const test = (await loadTest(choice, out)) ?? (holdOut > 0 ? await heldOut() : undefined);
  if (test) return test;
  throw new LatentGpuError(
    'bad-input',
    `${choice.data} has no test split; name a file with --data, or take --split train`,
  );

  async function heldOut() {
    return (await loadTraining(choice, holdOut, out)).test;
  }
}

/** A file or data set that was named for evaluation alone is evaluated whole. */
export async function loadNamed(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
): Promise<ImageDataset> {
  return await load(choice, part, out);
}

/** @returns the first `limit` rows, or all */
export function atMost(dataset: ImageDataset, limit: number | undefined): ImageDataset {
  return limit === undefined ? dataset : take(dataset, limit);
}

/**
 * Checks that data fit a model: the same shape, or plain vectors of as many features.
 *
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkShape(dataset: ImageDataset, shape: readonly number[]): void {
  const essential = (extents: readonly number[]) => extents.filter((n) => n !== 1).join();
  const isVector = dataset.shape.length === 1 || shape.length === 1;
  const fits = isVector
    ? imageSize(dataset) === imageSize({ shape: [...shape] })
    : essential(dataset.shape) === essential(shape);
  if (fits) return;
  throw new LatentGpuError(
    'shape-mismatch',
    `${dataset.name} has data points of [${dataset.shape.join(', ')}] and the model takes ` +
      `[${shape.join(', ')}]; name data of that shape with --data`,
  );
}

/** What to remember of the data that a model was trained on. */
export async function recordOf(choice: DataChoice, train: ImageDataset): Promise<DataRecord> {
  const { buffer, byteOffset, byteLength } = train.data;
  return {
    ...absolute(choice),
    name: train.name,
    count: train.count,
    shape: train.shape,
    sha256: await sha256(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)),
  };
}

/** Whether all values are 0 or 1, so that there is nothing to binarise. */
function isBinary({ data }: ImageDataset): boolean {
  const one = data instanceof Uint8Array ? 255 : 1;
  return data.every((value) => value === 0 || value === one);
}

/** `auto` settled: a Bernoulli decoder's grey data are drawn anew at every presentation. */
export function chooseBinarization(
  asked: Binarization | 'auto',
  likelihood: LikelihoodConfig,
  dataset: ImageDataset,
): Binarization {
  if (asked !== 'auto') return asked;
  return likelihood.kind === 'bernoulli' && !isBinary(dataset) ? 'resampled' : 'none';
}
