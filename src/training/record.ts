// `training.json`: how a model came about, and on which data.
import type { Windows } from '../data/windows.ts';
import { LatentGpuError } from '../errors.ts';
import type { TableChoice } from '../formats/csv.ts';
import { isObject, parseJson } from '../formats/json.ts';
import { quote } from '../formats/message.ts';
import { familyOf, fromFormat1 } from '../models/index.ts';
import { checkValue } from '../schema/index.ts';
import { runKeys } from './config.ts';

/** Which data a model was trained on, so that they can be found and recognised again. */
export interface DataRecord {
  /** A name, or the absolute path of a file or folder. */
  readonly data: string;
  readonly dataDir?: string;
  /** The test split: a name or a path, too. */
  readonly test?: string;
  /** Rows of the training split that were used, from the first. */
  readonly limit?: number;
  /** Whether the values were standardised, so that they may be of any range. */
  readonly standardize?: boolean;
  /** Of an archive, the array that was taken, if one was asked for. */
  readonly array?: string;
  /** A table's column of classes, or an archive's array of them. */
  readonly labelColumn?: string;
  /** What was hidden of the data: `top`, `bottom`, `random:0.5`. */
  readonly hide?: string;
  /** The share of rows whose classes were hidden. */
  readonly hideLabels?: number;
  /** How a table was read. */
  readonly table?: TableChoice;
  /** How series were cut into data points. */
  readonly windows?: Windows;
  /** Headings (numbers where there are none) of its columns that are neither features nor classes. */
  readonly leftOut?: readonly string[];
  /** Names of the classes, by their indices. */
  readonly classes?: readonly string[];
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
  /** Of the values used for training, as they were read. */
  readonly sha256: string;
}

/** `training.json`: how a model came about. */
export interface TrainingRecord {
  readonly format: 2;
  readonly version: string;
  readonly family: string;
  /** Every settled key. */
  readonly config: Record<string, unknown>;
  readonly data: DataRecord;
  readonly adapter: {
    readonly name: string;
    readonly isSoftware: boolean;
    /** Of a GPU. */
    readonly vendor?: string;
    readonly subgroupSize?: number;
    readonly source: string;
  };
  readonly runtime: string;
}

const FORMAT = 2;

const valueAt = (object: unknown, key: string): unknown =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;

/**
 * Reads the text of a `training.json`.
 *
 * @throws LatentGpuError `bad-format`, or `bad-config` for a key whose value is not allowed
 */
export function parseRecord(found: string, path: string): TrainingRecord {
  const bad = (why: string) => new LatentGpuError('bad-format', `${path}: ${why}`);
  const record = parseJson(found, path) as
    | (Partial<Omit<TrainingRecord, 'format'>> & { format?: unknown })
    | null;
  if (record?.format !== 1 && record?.format !== FORMAT) {
    throw bad(`not the record of a training run of format 1 or ${FORMAT}`);
  }
  const { data } = record;
  if (typeof data?.data !== 'string' || !isObject(record.config)) {
    throw bad("'data' or 'config' is missing");
  }
  if (typeof record.family !== 'string') throw bad("'family' is missing");
  const config = fromFormat1(record.config);
  for (const [key, known] of Object.entries(runKeys(familyOf(record.family)))) {
    const value = key.split('.').reduce(valueAt, config as unknown);
    if (value !== undefined) checkValue(key, known, { value, source: path });
  }
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  const wrong = (
    ['dataDir', 'test', 'array', 'labelColumn', 'hide', 'sha256', 'name'] as const
  ).find((key) => !isText(data[key]));
  if (wrong) throw bad(`data.${wrong} is ${quote(JSON.stringify(data[wrong]))}; it must be a text`);
  const { table, leftOut, classes } = data;
  const isList = (value: unknown) =>
    value === undefined ||
    (Array.isArray(value) && value.every((entry) => typeof entry === 'string'));
  if (table !== undefined && !isObject(table)) throw bad('data.table must be an object');
  const lists = {
    leftOut,
    classes,
    'table.drop': table?.drop,
    'table.columns': table?.columns,
    'table.categorical': table?.categorical,
  };
  for (const [key, value] of Object.entries(lists)) {
    if (!isList(value)) throw bad(`data.${key} must be a list of texts`);
  }
  const texts = { 'table.encoding': table?.encoding, 'table.header': table?.header };
  for (const [key, value] of Object.entries(texts)) {
    if (!isText(value)) throw bad(`data.${key} must be a text`);
  }
  const { limit, hideLabels, windows } = data;
  if (windows !== undefined) {
    const isWhole = (n: unknown) => Number.isSafeInteger(n) && Number(n) >= 1;
    const { window, stride, rate } = isObject(windows) ? windows : {};
    const optional = [stride, rate].filter((n) => n !== undefined);
    if (!isWhole(window) || !optional.every(isWhole)) {
      throw bad(`data.windows is ${quote(JSON.stringify(windows))}; it must be {"window": 128, …}`);
    }
  }
  if (hideLabels !== undefined && !(hideLabels > 0 && hideLabels < 1)) {
    throw bad(
      `data.hideLabels is ${quote(JSON.stringify(hideLabels))}; it must be above 0 and below 1`,
    );
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw bad(`data.limit is ${quote(JSON.stringify(limit))}; it must be a whole number above 0`);
  }
  return { ...(record as TrainingRecord), format: FORMAT, config };
}
