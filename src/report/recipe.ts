// What to type to have a model again.
import { PLANE_DATA } from '../data/plane.ts';
import { areSequences } from '../data/signals.ts';
import { familyOf } from '../models/index.ts';
import type { Given, Value } from '../schema/index.ts';
import { keyValues, settleRun } from '../training/index.ts';
import type { TrainingRecord } from '../training/record.ts';
import { RECORD_FILE } from '../training/run-files.ts';

/** Keys that have an option of their own. */
const OPTIONS: Readonly<Record<string, string>> = {
  batch: '--batch',
  steps: '--steps',
  epochs: '--epochs',
  seed: '--seed',
  binarize: '--binarize',
  holdOut: '--hold-out',
};

/** Keys whose defaults depend on the values of vectors. */
const OF_VALUES: readonly string[] = ['likelihood.kind', 'dequantize', 'logit'];

/** A word of a command line, quoted where a shell would make something else of it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A value as `--set` takes it: numbers with commas between them, layers as JSON. */
function textOf(value: Value): string {
  if (!Array.isArray(value)) return String(value);
  return value.some((item) => typeof item === 'object') ? JSON.stringify(value) : value.join(',');
}

/** Options that are given, as words. */
export function optionWords(
  options: Readonly<Record<string, string | number | undefined>>,
): string[] {
  return Object.entries(options).flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, quoted(String(value))],
  );
}

export const listWords = (flag: string, values: readonly string[] | undefined): string[] =>
  values === undefined ? [] : [flag, ...values.map(quoted)];

/** The keys of a run that are not what they would be if they were left out. */
function settledApart({ family: name, config, data }: TrainingRecord): Map<string, Value> {
  const family = familyOf(name);
  const before = keyValues(family, config, RECORD_FILE);
  const isStandardized = before.get('standardize')?.value === true;
  const { shape = [] } = data;
  const sequence = areSequences(data.data, data.windows) ? {} : undefined;
  const isGrey = !isStandardized && !sequence && shape.length > 1;
  const traits = { shape, isContinuous: isStandardized, isGrey, sequence };
  // Of vectors, some defaults depend on their values.
  const open =
    shape.length === 1 && !isStandardized && !PLANE_DATA.includes(data.data) ? OF_VALUES : [];
  const given = new Map<string, Given>();
  const source = RECORD_FILE;
  if (isStandardized) given.set('standardize', { value: true, source });
  for (const [name, value] of settleRun(family, [before], traits)) {
    const otherwise = settleRun(family, [given], traits).get(name);
    if (open.includes(name) || JSON.stringify(otherwise) !== JSON.stringify(value)) {
      given.set(name, { value, source });
    }
  }
  if (isStandardized || !sequence) given.delete('standardize');
  else given.set('standardize', { value: false, source });
  return new Map([...given].map(([name, { value }]) => [name, value as Value]));
}

/**
 * The command that trains the same model anew.
 *
 * @throws LatentGpuError `bad-config` if the record has what this version does not know
 */
export function trainLine(record: TrainingRecord, out: string): string {
  const { data, dataDir, test, limit, array, labelColumn, standardize, table, windows } =
    record.data;
  const { hide, hideLabels } = record.data;
  const apart = settledApart(record);
  const options = Object.entries(OPTIONS).map(([name, flag]) => [flag, apart.get(name)] as const);
  const keys = [...apart]
    .filter(([name]) => !Object.hasOwn(OPTIONS, name))
    .map(([name, value]) => quoted(`${name}=${textOf(value)}`));
  return [
    'latentgpu train',
    record.family,
    ...optionWords({
      '--data': data,
      '--data-dir': dataDir,
      '--test': test,
      '--array': array,
      '--label-column': labelColumn,
      '--hide': hide,
      '--hide-labels': hideLabels,
      '--limit': limit,
      '--window': windows?.window,
      '--stride': windows?.stride,
      '--rate': windows?.rate,
    }),
    ...optionWords({ '--header': table?.header, '--encoding': table?.encoding }),
    ...listWords('--drop', table?.drop),
    ...listWords('--columns', table?.columns),
    ...listWords('--categorical', table?.categorical),
    ...(standardize ? ['--standardize'] : []),
    ...optionWords(Object.fromEntries(options) as Record<string, string | number | undefined>),
    ...(keys.length > 0 ? ['--set', ...keys] : []),
    ...optionWords({ '--out': out }),
  ].join(' ');
}
