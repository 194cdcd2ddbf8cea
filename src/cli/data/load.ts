// Data, found by name or path and remembered in a model's folder.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type Category, columnsOf, headingsOf } from '../../categories.ts';
import type { ImageDataset, LoadedDataset } from '../../data/dataset.ts';
import { type DataSpec, loadData, NAMED_DATA } from '../../data/load.node.ts';
import { hide } from '../../data/missing.ts';
import { split } from '../../data/parts.ts';
import { LatentGpuError } from '../../errors.ts';
import type { TableChoice, TableOptions } from '../../formats/csv.ts';
import type { DataRecord } from '../../training/record.ts';
import type { Output } from '../common/output.ts';
import type { DataChoice } from './choice.ts';
import { hidingOf } from './missing.ts';

/** The data do not depend on a run's seed: runs with different seeds are to be compared. */
const DATA_SEED = 0;

/** What is known of data from others that they go with. */
export interface DataContext {
  /** Headings of the model's features, and those that it did not get. */
  readonly columns?: readonly string[] | undefined;
  /** Its columns of words. */
  readonly categories?: readonly Category[] | undefined;
  /** Its features, a column of words as one; of sequences, channels. */
  readonly takes?: number | undefined;
  /** One of them that data may lack. */
  readonly mayLack?: string | undefined;
  /** Whether there is one. */
  readonly mayBeOneLess?: boolean | undefined;
  readonly leftOut?: readonly string[] | undefined;
  /** Classes that have their numbers. */
  readonly classes?: readonly string[] | undefined;
  /** What was said of the table that the model was trained on. */
  readonly hints?: TableChoice | undefined;
  /** The array of an archive that the model was trained on. */
  readonly array?: string | undefined;
  /** SHA-256 of the rows that the model was trained on, as they are now unless the data have changed. */
  readonly sha256?: string | undefined;
}

/** Paths made absolute, so that they hold from anywhere. */
export function absolute(choice: DataChoice): DataChoice {
  const { data, dataDir, test, limit, array, labelColumn, table, windows, hide, hideLabels } =
    choice;
  const { standardize: isStandardized } = choice;
  const whole = (path: string) => (NAMED_DATA.includes(path) ? path : resolve(path));
  return {
    data: whole(data),
    ...(dataDir !== undefined && { dataDir: resolve(dataDir) }),
    ...(test !== undefined && { test: whole(test) }),
    ...(limit !== undefined && { limit }),
    ...(isStandardized && { standardize: true }),
    ...(array !== undefined && { array }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(table !== undefined && { table }),
    ...(windows !== undefined && { windows }),
    ...(hide !== undefined && { hide }),
    ...(hideLabels !== undefined && { hideLabels }),
  };
}

/** @param options `isOther`: not the data that `labelColumn` was said of, which may lack it */
async function load(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
  {
    count,
    isOther = false,
    context = {},
  }: { count?: number | undefined; isOther?: boolean; context?: DataContext } = {},
): Promise<LoadedDataset> {
  const { data, dataDir, labelColumn } = choice;
  let told = '';
  const { classes } = context;
  const remarks: string[] = [];
  const read = await out.progress('reading', (bar) =>
    loadData({
      data,
      split: part,
      seed: DATA_SEED,
      range: choice.standardize || choice.anyRange ? 'any' : 'unit',
      ...(dataDir !== undefined && { dataDir }),
      ...(count !== undefined && { count }),
      ...(labelColumn !== undefined && {
        labelColumn: {
          name: labelColumn,
          isOptional: isOther && !choice.needsLabelColumn,
          ...(choice.takesUnlabelled && { mayLack: true }),
        },
      }),
      table: {
        ...tableOf(choice.table, context),
        ...(isOther && { isOther }),
        ...(choice.takesWords && { takesWords: true }),
        ...(choice.wordsRemedy !== undefined && { wordsRemedy: choice.wordsRemedy }),
        ...(choice.bothRemedy !== undefined && { bothRemedy: choice.bothRemedy }),
      },
      ...arrayOf(choice, context),
      ...(choice.windows && { windows: choice.windows }),
      ...(classes && { classes }),
      ...((choice.standardize || choice.exact) && { float64: true }),
      ...(choice.takesMissing && { takesMissing: true }),
      ...(choice.missingRemedy !== undefined && { missingRemedy: choice.missingRemedy }),
      onRemark: (text) => remarks.push(text),
      onProgress: (fraction) => bar.update(fraction),
      onDownload: (address, received, total) => {
        if (address !== told) out.say(`downloading ${address}`);
        told = address;
        if (total !== undefined) bar.update(received / total);
      },
    }),
  );
  for (const remark of remarks) out.remark(remark);
  const known = classes?.length ?? 0;
  const news = classes && read.classNames ? read.classNames.slice(known) : [];
  if (news.length > 0) {
    const names = `${news.slice(0, 5).join(', ')}${news.length > 5 ? ', …' : ''}`;
    out.remark(`${data}: classes that the training data do not have: ${names}`);
  }
  const hiding = hidingOf(choice);
  return hiding ? hide(read, hiding, DATA_SEED) : read;
}

/** What was said of these data, else of those that they go with. */
function arrayOf({ array }: DataChoice, context: DataContext): Pick<DataSpec, 'array'> {
  if (array !== undefined) return { array: { name: array } };
  return context.array === undefined ? {} : { array: { name: context.array, isOptional: true } };
}

function tableOf(
  choice: TableChoice | undefined,
  { columns, categories, takes, mayLack, mayBeOneLess, leftOut, hints }: DataContext,
): TableOptions {
  return {
    ...choice,
    ...(columns && { expected: headingsOf(columns, categories) }),
    ...((columns || categories) && { categories: categories ?? [] }),
    ...(takes !== undefined && { takes }),
    ...(mayLack !== undefined && { mayLack }),
    ...(mayBeOneLess && { mayBeOneLess }),
    ...(leftOut && { known: leftOut }),
    ...(hints && { hints }),
  };
}

/** How many columns a table has whose rows are such data points; for sequences, whose rows are steps. */
export function takesOf({
  shape,
  categories,
  sequence,
}: Pick<LoadedDataset, 'categories'> & {
  readonly shape: readonly number[];
  readonly sequence?: object | undefined;
}): number | undefined {
  if (sequence) return shape[1] ?? 1;
  return shape.length === 1 ? columnsOf(shape[0] as number, categories).length : undefined;
}

/** What others that go with a data set are to know of it. */
const contextOf = ({
  columns,
  categories,
  sequence,
  shape,
  table,
  classNames,
}: LoadedDataset): DataContext => ({
  takes: takesOf({ shape, categories, sequence }),
  columns: columns ?? sequence?.channels,
  categories,
  leftOut: table?.leftOut,
  classes: classNames,
});

export interface TrainingData<T = ImageDataset> {
  readonly train: T;
  /** What to evaluate on; none where nothing was held out and there is no test split. */
  readonly test: T | undefined;
}

/**
 * The rows to train on and those to evaluate on, in data units: rows held out of the training split if
 * `holdOut` is above 0, else the test split.
 */
export async function loadTraining(
  choice: DataChoice,
  holdOut: number,
  out: Output,
  context: DataContext = {},
): Promise<TrainingData<LoadedDataset>> {
  const whole = await load(choice, 'train', out, { count: choice.limit, context });
  if (holdOut > 0) {
    const parts = split(whole, holdOut, DATA_SEED);
    sayHeldOut(parts, out);
    return parts;
  }
  const read = whole.hasTest ? { test: choice.data, ...choice } : choice;
  return { train: whole, test: await loadTest(read, out, contextOf(whole)) };
}

/** Which stretches of series are held out. */
function sayHeldOut({ train, test }: { train: LoadedDataset; test: LoadedDataset }, out: Output) {
  const { series, start } = test.sequence?.cuts ?? {};
  if (!series || !start) return;
  const count = new Set(series).size;
  const isOne = count === 1 && train.sequence?.cuts?.series.includes(series[0] as number);
  const what = isOne
    ? `the steps from ${start[0]} on, ${test.count} windows that share no step with the ${train.count} to train on`
    : `${count} whole series, ${test.count} windows beside the ${train.count} to train on`;
  out.remark(`${test.name}: held out are ${what}`);
}

async function loadTest(
  choice: DataChoice,
  out: Output,
  context: DataContext,
): Promise<LoadedDataset | undefined> {
  const { data, test, array, ...others } = choice;
  if (test !== undefined) {
    // Columns that were dropped by number may stand elsewhere here: headings tell.
    const { drop: _, columns: __, ...table } = choice.table ?? {};
    const known = { ...context, hints: choice.table, array };
    const other = { ...others, data: test, table };
    return await load(other, 'test', out, { isOther: true, context: known });
  }
  return NAMED_DATA.includes(data) ? await load(choice, 'test', out) : undefined;
}

/** Whether the data that a model was trained on have a test split. @param holdOut as in training */
export function hasTestSplit({ data, test }: DataChoice, holdOut: number): boolean {
  return holdOut > 0 || test !== undefined || NAMED_DATA.includes(data);
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
  context: DataContext = {},
): Promise<LoadedDataset> {
  if (part === 'train') {
    // The test split stays where it is.
    const whole = await load(choice, 'train', out, { count: choice.limit, context });
    const train = holdOut > 0 ? split(whole, holdOut, DATA_SEED).train : whole;
    sayChanged(train, choice, context, 'these are not the rows that it was trained on', out);
    return train;
  }
  const test =
    (await loadTest(choice, out, context)) ?? (holdOut > 0 ? await heldOut() : undefined);
  if (test) return test;
  throw new LatentGpuError(
    'bad-input',
    `${choice.data} has no test split; name a file with --data, or take --split train`,
  );

  async function heldOut() {
    const { train, test } = await loadTraining(choice, holdOut, out, context);
    const why = 'among the rows held out are such that it was trained on';
    sayChanged(train, choice, context, why, out);
    return test;
  }
}

/** Files change behind the back of a model that remembers them. */
function sayChanged(
  train: LoadedDataset,
  { data }: DataChoice,
  { sha256 }: DataContext,
  so: string,
  out: Output,
): void {
  if (sha256 === undefined || NAMED_DATA.includes(data) || digest(train) === sha256) return;
  out.remark(`${data} has changed since the model was trained on it: ${so}`);
}

/** Data that were named for this command alone, in data units: a file is taken whole. */
export async function loadNamed(
  choice: DataChoice,
  part: 'train' | 'test',
  out: Output,
  context: DataContext = {},
): Promise<LoadedDataset> {
  return await load(choice, part, out, { isOther: true, context });
}

/** What to remember of the data that a model was trained on. @param holdOut as in training */
export function recordOf(choice: DataChoice, train: LoadedDataset, holdOut: number): DataRecord {
  const { table, classNames, hasTest } = train;
  const { test = hasTest && holdOut === 0 ? choice.data : undefined } = choice;
  return {
    ...absolute({ ...choice, ...(test !== undefined && { test }) }),
    // By heading, where there is one: columns of other tables may stand in another order.
    ...(table?.labelColumn !== undefined && { labelColumn: table.labelColumn }),
    ...(table && table.leftOut.length > 0 && { leftOut: table.leftOut }),
    ...(classNames && { classes: classNames }),
    name: train.name,
    count: train.count,
    shape: train.shape,
    sha256: digest(train),
  };
}

/** SHA-256 of an array's bytes (float64: as float32), in pieces: at once, more than 2 GiB are not taken. */
function digest({ data, mask }: LoadedDataset): string {
  const hash = createHash('sha256');
  if (mask) hash.update(mask);
  const piece = 2 ** 28;
  if (data instanceof Float64Array) {
    const count = piece / 64;
    for (let at = 0; at < data.length; at += count) {
      hash.update(new Uint8Array(Float32Array.from(data.subarray(at, at + count)).buffer));
    }
    return hash.digest('hex');
  }
  const { buffer, byteOffset, byteLength } = data;
  for (let at = 0; at < byteLength; at += piece) {
    const length = Math.min(piece, byteLength - at);
    hash.update(new Uint8Array(buffer, byteOffset + at, length));
  }
  return hash.digest('hex');
}
