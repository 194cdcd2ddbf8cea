// Data, found by name or path and remembered in a model's folder.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type ImageDataset, split } from '../../data/dataset.ts';
import { loadData } from '../../data/load.node.ts';
import { PLANE_DATA } from '../../data/plane.ts';
import { LatentGpuError } from '../../errors.ts';
import type { DataRecord } from '../../training/record.ts';
import type { Output } from '../common/output.ts';

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
