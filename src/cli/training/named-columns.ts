// Columns that the command line names: the one that a model is to predict, and those that it is told.
import { columnsOf, headingsOf, placesOf } from '../../categories.ts';
import { imageSize, type LoadedDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Given } from '../../schema/index.ts';
import type { RunRequest } from './request.ts';

/** Options that name columns: the key that says which they are, and whom they mean nothing. */
const OPTIONS = {
  target: (family: string) => `${family} predicts no column; train bayes-linear`,
  condition: (family: string) => `${family} is told no columns; train cvae`,
} as const;

/**
 * `--target` and `--condition` as keys: columns by heading, or by number from 1 among the features.
 *
 * @throws LatentGpuError `bad-config` for a family without such columns, `bad-input` for no such column
 */
export function columnKeys(
  request: Pick<RunRequest, 'family' | 'target' | 'condition'>,
  data: LoadedDataset,
): ReadonlyMap<string, Given>[] {
  return (['target', 'condition'] as const).flatMap((key) => {
    const named = request[key];
    if (named === undefined) return [];
    const { keys, name } = request.family;
    if (!Object.hasOwn(keys, key)) {
      const why = `--${key}: ${OPTIONS[key](name)}, or leave it out`;
      throw new LatentGpuError('bad-config', why);
    }
    const source = `--${key}`;
    const value =
      key === 'target'
        ? targetAt(named, data, source)
        : listOf(named, data).flatMap((each) => columnsAt(each, data, source));
    return [new Map([[key, { value, source }]])];
  });
}

/** Columns between commas, or one whose heading has commas. */
const listOf = (text: string, { columns = [], categories }: LoadedDataset): string[] =>
  headingsOf(columns, categories).includes(text)
    ? [text]
    : text.split(',').map((each) => each.trim());

/** A column of numbers, to be predicted. */
function targetAt(name: string, data: LoadedDataset, option: string): number {
  const places = columnsAt(name, data, option);
  if (places.length === 1) return places[0] as number;
  const why = `${option} ${name}: it is a column of words, and numbers are predicted; to tell words of others train classifier with --label-column${data.columns ? ` ${name}` : ''}`;
  throw new LatentGpuError('bad-input', why);
}

/** Features of a column: of one of words, a feature a word. */
function columnsAt(name: string, data: LoadedDataset, option: string): number[] {
  const { columns = [], categories } = data;
  const all = columnsOf(imageSize(data), categories).map((each) =>
    typeof each === 'number'
      ? { heading: columns[each] ?? '', places: [each] }
      : { heading: each.column, places: placesOf(each) },
  );
  const count = all.length;
  const named = all.find(({ heading }) => heading === name);
  if (named) return named.places;
  const number = Number(name);
  if (Number.isSafeInteger(number) && number >= 1 && number <= count)
    return all[number - 1]?.places ?? [];
  const headings = all.map(({ heading }) => heading);
  const guess =
    columns.length > 0 ? `did you mean '${nearest(name, headings)}'?` : `name 1 to ${count}`;
  throw new LatentGpuError(
    'bad-input',
    `${option} ${name}: ${data.name} has no such column among its ${count}; ${guess}`,
  );
}
