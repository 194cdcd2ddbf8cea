// The data of a command on a trained model, as the model is to see them.
import { type Command, Option } from 'commander';
import type { ImageDataset, LoadedDataset } from '../../data/dataset.ts';
import { missingText } from '../../data/missing.ts';
import { LatentGpuError } from '../../errors.ts';
import { type Abilities, lack, type Model, type RowSource } from '../../models/index.ts';
import { BINARIZATIONS, type Binarization, greyed, rowSourceOf } from '../../training/index.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import { chooseBinarization } from '../../training/traits.ts';
import { type Context, countOption } from '../common/command.ts';
import { thousands } from '../common/text.ts';
import { checkRange } from './checks.ts';
import { hideOption } from './missing.ts';
import { loadModelData, type ModelDataOptions } from './model-data.ts';
import { tableOptionsInLine } from './table-options.ts';
import { checkClasses } from './told.ts';
import { checkGiven } from './where.ts';
import { windowOptionsInLine } from './window-options.ts';

export interface SubjectOptions extends ModelDataOptions {
  /** Gradient steps that find posteriors of rows without any. */
  readonly refine?: number;
  readonly binarize?: Binarization;
}

/** Adds the options that say which data a model is shown. */
export function dataOptions(
  command: Command,
  limit?: string,
  split: 'train' | 'test' = 'test',
): Command {
  command
    .option('--data <name|path>', 'default: what the model was trained on')
    .option('--data-dir <dir>', 'folder with the MNIST files')
    .addOption(
      new Option('--split <split>', 'which part').choices(['train', 'test']).default(split),
    );
  tableOptionsInLine(command);
  windowOptionsInLine(command);
  command.addOption(hideOption());
  if (limit !== undefined) command.addOption(countOption('--limit <n>', limit));
  return command.addOption(
    new Option('--binarize <how>', 'grey to 0/1; default: as in training').choices(BINARIZATIONS),
  );
}

/** Data as a model is to see them. */
export interface Subject {
  /** As the model sees them, before they are binarised. */
  readonly dataset: ImageDataset;
  /** The same rows in data units, as they were read. */
  readonly original: LoadedDataset;
  readonly binarization: Binarization;
  readonly rows: RowSource;
  /** Rows by their numbers. */
  at(indices: readonly number[]): Float32Array;
  /** The same as they are asked for. */
  some(indices: readonly number[]): RowSource;
  /** Whether the model has no codes for these rows, because they are not those it was trained on. */
  readonly isUnseen: boolean;
  /** `mnist, 10,000 rows, binarize none`. */
  readonly title: string;
  /** For the JSON object of a result. */
  readonly summary: { data: string; split: string; binarization?: Binarization };
}

/**
 * Loads the data of a command.
 *
 * @param use `densities`: what was drawn anew in training is drawn once here; `codes`: it stays grey,
 *   because draws would only add noise
 */
export async function loadSubject(
  dir: string,
  loaded: LoadedModel,
  options: SubjectOptions,
  { out, seed = 0 }: Context,
  use: 'densities' | 'codes',
): Promise<Subject> {
  const isUnseen = isWithoutCodes(dir, loaded, options);
  const { seen: dataset, original } = await loadModelData(loaded, options, dir, out);
  const trained = loaded.record?.config as { binarize?: Binarization; seed?: number } | undefined;
  const remembered = options.data === undefined ? trained?.binarize : undefined;
  const { model, standardization } = loaded;
  const { describes } = model.can;
  checkRange(model, dataset);
  checkClasses(model, dir, dataset);
  checkGiven(model, dataset);
  const chosen = describes
    ? chooseBinarization(options.binarize ?? remembered ?? 'auto', describes, dataset)
    : asIs(dir, model.can, options.binarize);
  const binarization = use === 'codes' && options.binarize === undefined ? greyed(chosen) : chosen;
  // Data that are drawn once are part of the data set: they are those of the training run.
  const drawSeed = binarization === 'once' ? (trained?.seed ?? 0) : seed;
  const rows = rowSourceOf(dataset, binarization, drawSeed);
  const width = model.features;
  const picked = (indices: readonly number[], of: RowSource) => {
    const result = new Float32Array(indices.length * width);
    indices.forEach((row, i) => {
      result.set(of(row, row + 1), i * width);
    });
    return result;
  };
  const { mask, labels } = rows;
  return {
    dataset,
    original,
    binarization,
    isUnseen,
    rows,
    at: (indices) => picked(indices, rows),
    some: (numbers) =>
      Object.assign((start: number, end: number) => picked(numbers.slice(start, end), rows), {
        numbers,
        ...(labels && { labels: numbers.map((row) => labels[row] as number) }),
        ...(mask && {
          mask: (start: number, end: number) => picked(numbers.slice(start, end), mask),
        }),
      }),
    title: [
      `${dataset.name}, ${thousands(dataset.count)} rows`,
      ...missingText(dataset),
      treatmentOf(model, standardization !== undefined, binarization),
    ].join(', '),
    summary: {
      data: dataset.name,
      split: options.split ?? 'test',
      ...(describes && { binarization }),
    },
  };
}

/**
 * Whether a model with a code for each training row is shown others.
 *
 * @throws LatentGpuError `bad-input` if it is, and nobody asked for codes to be fitted to them
 */
function isWithoutCodes(
  dir: string,
  { model }: LoadedModel,
  { data, split = 'test', refine }: SubjectOptions,
): boolean {
  if (model.can.trainingRows === undefined) return false;
  if (data === undefined && split === 'train') return false;
  if (refine !== undefined) return true;
  const { message } = lack(model.can, 'trainingRows', dir, 'a model that knows its training rows');
  throw new LatentGpuError(
    'bad-input',
    `${message}; take --split train, or fit posteriors with \`latentgpu eval --refine 100\``,
  );
}

/** Data of a model that takes numbers. */
function asIs(dir: string, can: Abilities, asked: Binarization | undefined): Binarization {
  if (asked === undefined || asked === 'none') return 'none';
  throw lack(can, 'binarize', dir, 'a model whose data are not binarised; leave out --binarize');
}

/** What is done to data before the model sees them. */
export function treatmentOf(
  { can }: Model,
  isStandardized: boolean,
  binarization: Binarization,
): string {
  const { describes, grey, treatment } = can;
  if (isStandardized) return ['standardised', ...(treatment ?? [])].join(', ');
  if (describes) return `binarize ${binarization}`;
  return [grey?.treatment ?? 'as they are', ...(treatment ?? [])].join(', ');
}

/**
 * Checks that rows are there.
 *
 * @param option that named them
 * @throws LatentGpuError `bad-input`
 */
export function checkRows(
  option: string,
  rows: readonly number[],
  { count, name }: ImageDataset,
): void {
  const wrong = rows.find((row) => row >= count);
  if (wrong === undefined) return;
  throw new LatentGpuError(
    'bad-input',
    `${option}: there is no row ${wrong} in ${name}, whose rows are 0 to ${count - 1}`,
  );
}
