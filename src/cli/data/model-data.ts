// The data that a command on a trained model works on: those named, or those it was trained on.
import { type ImageDataset, imageSize, type LoadedDataset } from '../../data/dataset.ts';
import { toFloat32 } from '../../data/float32.ts';
import { inColour } from '../../data/image-stack.ts';
import { NAMED_DATA } from '../../data/load.node.ts';
import { take } from '../../data/parts.ts';
import { standardize } from '../../data/standardize.ts';
import { LatentGpuError } from '../../errors.ts';
import { familyOf } from '../../models/index.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import { keepApart } from '../common/files.ts';
import type { Output } from '../common/output.ts';
import { checkRate, checkShape } from './checks.ts';
import { type DataContext, loadNamed, loadSplit, takesOf } from './load.ts';
import { missingChoice } from './missing.ts';
import { type TableFlags, tableChoice } from './table-options.ts';
import { type WindowFlags, windowChoice, windowsFor } from './window-options.ts';
import { wordsChoice } from './words.ts';

/** What a command on a trained model was told about data. */
export interface ModelDataOptions extends TableFlags, WindowFlags {
  /** Default: what the model was trained on. */
  readonly data?: string;
  readonly dataDir?: string;
  readonly split?: 'train' | 'test';
  /** The first rows only. */
  readonly limit?: number;
  /** A table's column of classes; default: as in training. */
  readonly labelColumn?: string;
  /** What is done to the rows before the model sees them. */
  readonly change?: (rows: LoadedDataset) => LoadedDataset;
  /** Values to hide from the model; default: of the data that it was trained on, as then. */
  readonly hide?: string;
  /** What is written, which must be no file of the data. */
  readonly out?: string | readonly string[];
  readonly picture?: string;
  /** A feature that data may lack, because the model predicts it from the others. */
  readonly lacking?: number;
}

/** Data for a trained model, in data units and as the model is to see them. */
export interface ModelData {
  readonly original: LoadedDataset;
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
  const labelColumn = options.labelColumn ?? record?.data.labelColumn;
  const more = {
    ...(dataDir !== undefined && { dataDir }),
    ...(standardization && { standardize: true }),
    ...(takesAnyRange(loaded) && { anyRange: true }),
    ...missingChoice(familyOf(config.family), hideFor(options, record?.data.hide)),
    ...wordsChoice(familyOf(config.family), undefined),
    exact: true,
    // Only a model that is told them needs the classes of rows.
    ...(!loaded.model.can.condition?.ofCodes && { takesUnlabelled: true }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(options.labelColumn !== undefined && { needsLabelColumn: true }),
  };
  const table = tableChoice(options);
  const array = options.array === undefined ? {} : { array: options.array };
  const { sequence, shape } = config.data;
  // Built-in signals are drawn in windows of whatever length.
  const known =
    sequence && data !== undefined ? windowsFor(shape, record?.data.windows) : undefined;
  const windows = windowChoice(options, known ?? record?.data.windows);
  const context: DataContext = {
    columns: config.data.columns ?? sequence?.channels,
    categories: config.data.categories,
    takes: takesOf(config.data),
    ...(options.lacking !== undefined && {
      mayLack: config.data.columns?.[options.lacking],
      mayBeOneLess: true,
    }),
    leftOut: record?.data.leftOut,
    classes: record?.data.classes,
    hints: record?.data.table,
    array: record?.data.array,
  };
  await spareData(loaded, { '--out': options.out, '--picture': options.picture }, data);
  let found: LoadedDataset;
  if (data !== undefined) {
    const named = { data, ...more, ...array, ...(table && { table }), ...(windows && { windows }) };
    found = await loadNamed(named, part, out, context);
  } else if (record) {
    const holdOut = (record.config.holdOut ?? 0) as number;
    const read = { ...record.data.table, ...table };
    // What is read otherwise differs without having changed.
    const { hide, window, stride, rate, dataDir, labelColumn, array: other } = options;
    const otherwise = [table, hide, window, stride, rate, dataDir, labelColumn, other];
    const isSame = otherwise.every((option) => option === undefined);
    const sha256 = isSame ? record.data.sha256 : undefined;
    const choice = { ...record.data, ...more, ...array, table: read, ...(windows && { windows }) };
    found = await loadSplit(choice, part, holdOut, out, { ...context, sha256 });
  } else {
    const { name } = config.data;
    const hint = name === undefined ? '' : ` (its model.json speaks of ${name})`;
    throw new LatentGpuError(
      'bad-config',
      `${dir} does not say what data it was trained on${hint}; name them with --data`,
    );
  }
  const whole = withFeature(found, options.lacking, shape);
  const some = atMost(whole, options.limit);
  const original = inColour(options.change?.(some) ?? some, config.data.shape);
  checkShape(original, config.data.shape, config.data.categories);
  checkRate(original, sequence?.rate);
  const seen = standardization ? standardize(original, standardization) : toFloat32(original);
  return { original, seen };
}

/**
 * Makes sure that nothing is written over data: those that were named, and those that a model was trained on.
 *
 * @param written paths, by the options that name them
 * @throws LatentGpuError `bad-input`
 */
export async function spareData(
  { record }: LoadedModel,
  written: Readonly<Record<string, string | readonly string[] | undefined>>,
  named?: string,
): Promise<void> {
  const all = [named, record?.data.data, record?.data.test];
  // Built-in data are no files, whatever lies here under their names.
  const files = all.filter((data) => data !== undefined && !NAMED_DATA.includes(data));
  await keepApart(written, files);
}

/** Data without a feature that may be missing, with 0 in its place. */
function withFeature(
  dataset: LoadedDataset,
  at: number | undefined,
  shape: readonly number[],
): LoadedDataset {
  const width = imageSize({ shape: [...shape] });
  if (at === undefined || imageSize(dataset) !== width - 1) return dataset;
  const data = new Float64Array(dataset.count * width);
  for (let row = 0; row < dataset.count; row++) {
    const own = dataset.data.subarray(row * (width - 1), (row + 1) * (width - 1));
    data.set(own.subarray(0, at), row * width);
    data.set(own.subarray(at), row * width + at + 1);
  }
  return { ...dataset, shape: [width], data };
}

/** What is hidden: what was asked for, else of the model's own data what was hidden from it. */
function hideFor({ hide, data }: ModelDataOptions, trained?: string): string | undefined {
  return hide ?? (data === undefined ? trained : undefined);
}

/** Whether a model sees data as they are, of any range. */
function takesAnyRange({ config, model }: LoadedModel): boolean {
  const { range, takesAnyRange: ofPlane } = familyOf(config.family);
  return (range === 'any' || ofPlane === true) && !model.can.unitRange;
}

/** @returns the first `limit` rows, or all */
export function atMost<T extends LoadedDataset>(dataset: T, limit: number | undefined): T {
  return limit === undefined ? dataset : take(dataset, limit);
}
