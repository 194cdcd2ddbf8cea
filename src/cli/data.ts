// The data of a command: found by name or path, remembered in a model's folder.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type ImageDataset, imageSize, split, take } from '../data/dataset.ts';
import { loadData } from '../data/load.node.ts';
import { PLANE_DATA } from '../data/plane.ts';
import { standardize } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import type { DataTraits, LikelihoodConfig } from '../models/index.ts';
import type { Binarization } from '../training/index.ts';
import { isFlow, type LoadedModel } from '../training/model-folder.node.ts';
import type { DataRecord } from '../training/record.ts';
import type { Output } from './output.ts';

/** Names of data sets; anything else is a file or a folder. */
const NAMED = ['digits', 'mnist', 'fashion-mnist', ...PLANE_DATA];

/** The data do not depend on a run's seed: runs with different seeds are to be compared. */
const DATA_SEED = 0;

export interface DataChoice {
  readonly data: string;
  readonly dataDir?: string;
  /** The test split, for data from a file or folder. */
  readonly test?: string;
  /** Rows of the training split. */
  readonly limit?: number;
  /** Whether values may be of any range, because they are to be standardised. */
  readonly standardize?: boolean;
  /** The same for another reason: a flow takes densities in the plane as they are. */
  readonly anyRange?: boolean;
  /** A table's column of classes. */
  readonly labelColumn?: string;
}

/** Paths made absolute, so that they hold from anywhere. */
export function absolute(choice: DataChoice): DataChoice {
  const { data, dataDir, test, limit, standardize: isStandardized, labelColumn } = choice;
  const whole = (path: string) => (NAMED.includes(path) ? path : resolve(path));
  return {
    data: whole(data),
    ...(dataDir !== undefined && { dataDir: resolve(dataDir) }),
    ...(test !== undefined && { test: whole(test) }),
    ...(limit !== undefined && { limit }),
    ...(isStandardized && { standardize: true }),
    ...(labelColumn !== undefined && { labelColumn }),
  };
}

/** @param options `isOther`: not the data that `labelColumn` was said of, which may lack it */
async function load(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
  { count, isOther = false }: { count?: number | undefined; isOther?: boolean } = {},
): Promise<ImageDataset> {
  const { data, dataDir, labelColumn } = choice;
  let told = '';
  return await out.progress('reading', (bar) =>
    loadData({
      data,
      split: part,
      seed: DATA_SEED,
      range: choice.standardize || choice.anyRange ? 'any' : 'unit',
      ...(dataDir !== undefined && { dataDir }),
      ...(count !== undefined && { count }),
      ...(labelColumn !== undefined && {
        labelColumn: { name: labelColumn, isOptional: isOther },
      }),
      onProgress: (fraction) => bar.update(fraction),
      onDownload: (address, received, total) => {
        if (address !== told) out.say(`downloading ${address}`);
        told = address;
        if (total !== undefined) bar.update(received / total);
      },
    }),
  );
}

export interface TrainingData {
  readonly train: ImageDataset;
  /** What to evaluate on; none where nothing was held out and there is no test split. */
  readonly test: ImageDataset | undefined;
}

/**
 * The rows to train on and those to evaluate on, in data units: rows held out of the training split if
 * `holdOut` is above 0, else the test split.
 */
export async function loadTraining(
  choice: DataChoice,
  holdOut: number,
  out: Output,
): Promise<TrainingData> {
  const whole = await load(choice, 'train', out, { count: choice.limit });
  if (holdOut > 0) return split(whole, holdOut, DATA_SEED);
  return { train: whole, test: await loadTest(choice, out) };
}

async function loadTest(choice: DataChoice, out: Output): Promise<ImageDataset | undefined> {
  const { data, test } = choice;
  if (test !== undefined)
    return await load({ ...choice, data: test }, 'test', out, { isOther: true });
  return NAMED.includes(data) ? await load(choice, 'test', out) : undefined;
}

/** Whether the data that a model was trained on have a test split. @param holdOut as in training */
export function hasTestSplit({ data, test }: DataChoice, holdOut: number): boolean {
  return holdOut > 0 || test !== undefined || NAMED.includes(data);
}

/**
 * A split of the data that a model was trained on, in data units.
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
  if (part === 'train') {
    // The test split stays where it is.
    const whole = await load(choice, 'train', out, { count: choice.limit });
    return holdOut > 0 ? split(whole, holdOut, DATA_SEED).train : whole;
  }
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

/** Data that were named for this command alone, in data units: a file is taken whole. */
export async function loadNamed(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
): Promise<ImageDataset> {
  return await load(choice, part, out, { isOther: true });
}

/** What a command on a trained model was told about data. */
export interface ModelDataOptions {
  /** Default: what the model was trained on. */
  readonly data?: string;
  readonly dataDir?: string;
  readonly split?: 'train' | 'test';
  /** The first rows only. */
  readonly limit?: number;
}

/** Data for a trained model, in data units and as the model is to see them. */
export interface ModelData {
  readonly original: ImageDataset;
  /** The same rows, standardised if the model's are, else the very same. */
  readonly seen: ImageDataset;
}

/**
 * The data that a command on a trained model works on: those named, else those it was trained on;
 * checked against the model.
 *
 * @param dir the model's folder, for messages
 * @throws LatentGpuError `bad-config` if neither says what data, `shape-mismatch`, and as {@link loadData}
 */
export async function loadModelData(
  loaded: LoadedModel,
  options: ModelDataOptions,
  dir: string,
  out: Output,
): Promise<ModelData> {
  const { record, config, standardization } = loaded;
  const { data, split: part = 'test' } = options;
  const dataDir = options.dataDir ?? record?.data.dataDir;
  const more = {
    ...(dataDir !== undefined && { dataDir }),
    ...(standardization && { standardize: true }),
    ...(takesAnyRange(loaded) && { anyRange: true }),
    ...(record?.data.labelColumn !== undefined && { labelColumn: record.data.labelColumn }),
  };
  let found: ImageDataset;
  if (data !== undefined) found = await loadNamed({ data, ...more }, part, out);
  else if (record) {
    const holdOut = (record.config.holdOut ?? 0) as number;
    found = await loadSplit({ ...record.data, ...more }, part, holdOut, out);
  } else {
    const { name } = config.data;
    const hint = name === undefined ? '' : ` (its model.json speaks of ${name})`;
    throw new LatentGpuError(
      'bad-config',
      `${dir} does not say what data it was trained on${hint}; name them with --data`,
    );
  }
  const original = atMost(found, options.limit);
  checkShape(original, config.data.shape);
  return { original, seen: standardization ? standardize(original, standardization) : original };
}

/** A flow that sees data as they are. */
function takesAnyRange(loaded: LoadedModel): boolean {
  return isFlow(loaded) && !loaded.model.isDequantized && !loaded.model.logit;
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
export function recordOf(choice: DataChoice, train: ImageDataset): DataRecord {
  return {
    ...absolute(choice),
    name: train.name,
    count: train.count,
    shape: train.shape,
    sha256: digest(train.data),
  };
}

/** SHA-256 of an array's bytes, in pieces: at once, more than 2 GiB are not taken. */
function digest({ buffer, byteOffset, byteLength }: ImageDataset['data']): string {
  const hash = createHash('sha256');
  const piece = 2 ** 28;
  for (let at = 0; at < byteLength; at += piece) {
    const length = Math.min(piece, byteLength - at);
    hash.update(new Uint8Array(buffer, byteOffset + at, length));
  }
  return hash.digest('hex');
}

/** Whether all values are 0 or 1, so that there is nothing to binarise. */
export function isBinary({ data }: ImageDataset): boolean {
  const one = data instanceof Uint8Array ? 255 : 1;
  return data.every((value) => value === 0 || value === one);
}

/**
 * Whether data are plain vectors of numbers that are not all 0 or 1, which a normal decoder describes
 * unless another is asked for.
 */
export function isContinuous(dataset: ImageDataset): boolean {
  return dataset.shape.length === 1 && dataset.data instanceof Float32Array && !isBinary(dataset);
}

/** What defaults of keys depend on. */
export function traitsOf(dataset: ImageDataset): DataTraits {
  const { shape, data, standardized } = dataset;
  return {
    shape,
    isContinuous: standardized === true || isContinuous(dataset),
    isGrey: standardized !== true && (data instanceof Uint8Array || shape.length > 1),
  };
}

/**
 * `auto` settled: a Bernoulli decoder's grey data are drawn anew at every presentation.
 *
 * @throws LatentGpuError `bad-config` for what the decoder or the data cannot be given
 */
export function chooseBinarization(
  asked: Binarization | 'auto',
  likelihood: LikelihoodConfig,
  dataset: ImageDataset,
): Binarization {
  const bad = (why: string) =>
    new LatentGpuError('bad-config', `binarize is ${asked}, ${why}; leave it out`);
  const isBernoulli = likelihood.kind === 'bernoulli';
  if (asked === 'auto') return isBernoulli && !isBinary(dataset) ? 'resampled' : 'none';
  if (asked !== 'none' && dataset.standardized) {
    throw bad('and standardised data are not binarised');
  }
  if (asked === 'resampled' && !isBernoulli) {
    throw bad(`which goes with a Bernoulli decoder, and likelihood.kind is ${likelihood.kind}`);
  }
  return asked;
}
