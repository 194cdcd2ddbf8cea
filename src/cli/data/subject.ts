// The data of a command on a trained model, as the model is to see them.
import { type Command, Option } from 'commander';
import type { ImageDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import { isFlowConfig, type RowSource } from '../../models/index.ts';
import { BINARIZATIONS, type Binarization, binarizedRows } from '../../training/index.ts';
import { isFlow, type LoadedModel } from '../../training/model-folder.node.ts';
import { type Context, countOption } from '../common/command.ts';
import { thousands } from '../common/text.ts';
import { checkRange } from './checks.ts';
import { loadModelData, type ModelDataOptions } from './model-data.ts';
import { tableOptions } from './table-options.ts';
import { chooseBinarization, greyed } from './traits.ts';

export interface SubjectOptions extends ModelDataOptions {
  readonly binarize?: Binarization;
}

/** Adds the options that say which data a model is shown. */
export function dataOptions(command: Command, limit?: string): Command {
  command
    .option('--data <name|path>', 'default: what the model was trained on')
    .option('--data-dir <dir>', 'folder with the MNIST files')
    .addOption(
      new Option('--split <split>', 'which part of the data')
        .choices(['train', 'test'])
        .default('test'),
    );
  tableOptions(command);
  if (limit !== undefined) command.addOption(countOption('--limit <n>', limit));
  return command.addOption(
    new Option('--binarize <how>', 'grey to 0/1; default: as in training').choices(BINARIZATIONS),
  );
}

/** Data as a model is to see them. */
export interface Subject {
  /** As the model sees them, before they are binarised. */
  readonly dataset: ImageDataset;
  readonly binarization: Binarization;
  readonly rows: RowSource;
  /** Rows by their numbers. */
  at(indices: readonly number[]): Float32Array;
  /** `mnist, 10,000 rows, binarize none`. */
  readonly title: string;
  /** For the JSON object of a result. */
  readonly summary: { data: string; split: string; binarization: Binarization };
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
  const { seen: dataset } = await loadModelData(loaded, options, dir, out);
  const trained = loaded.record?.config as { binarize?: Binarization; seed?: number } | undefined;
  const remembered = options.data === undefined ? trained?.binarize : undefined;
  if (isFlow(loaded)) checkRange(loaded.model, dataset);
  const chosen = isFlow(loaded)
    ? asIs(dir, options.binarize)
    : chooseBinarization(
        options.binarize ?? remembered ?? 'auto',
        loaded.config.likelihood,
        dataset,
      );
  const binarization = use === 'codes' && options.binarize === undefined ? greyed(chosen) : chosen;
  // Data that are drawn once are part of the data set: they are those of the training run.
  const drawSeed = binarization === 'once' ? (trained?.seed ?? 0) : seed;
  const rows: RowSource = (start, end) =>
    binarizedRows(dataset, start, end, binarization, drawSeed);
  return {
    dataset,
    binarization,
    rows,
    at(indices) {
      const width = loaded.model.features;
      const result = new Float32Array(indices.length * width);
      indices.forEach((row, i) => {
        result.set(rows(row, row + 1), i * width);
      });
      return result;
    },
    title: `${dataset.name}, ${thousands(dataset.count)} rows, ${treatmentOf(loaded, binarization)}`,
    summary: { data: dataset.name, split: options.split ?? 'test', binarization },
  };
}

/** A flow is a density of numbers. */
function asIs(dir: string, asked: Binarization | undefined): Binarization {
  if (asked === undefined || asked === 'none') return 'none';
  throw new LatentGpuError(
    'bad-input',
    `${dir} holds a flow, whose data are not binarised; leave out --binarize`,
  );
}

const TREATED = { uniform: 'dequantised', variational: 'dequantised variationally' } as const;

/** What is done to data before the model sees them. */
export function treatmentOf(
  { config, standardization }: Pick<LoadedModel, 'config' | 'standardization'>,
  binarization: Binarization,
): string {
  if (!isFlowConfig(config)) {
    return standardization ? 'standardised' : `binarize ${binarization}`;
  }
  const { dequantize, logit } = config;
  return [
    standardization ? 'standardised' : dequantize === 'none' ? 'as they are' : TREATED[dequantize],
    ...(logit === null ? [] : [`logit ${logit}`]),
  ].join(', ');
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
