// The column that a model is to predict, as the command line names it.
import { imageSize, type LoadedDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Given } from '../../schema/index.ts';
import type { RunRequest } from './request.ts';

/**
 * `--target` as the key that says which column it is: by heading, or by number from 1 among the features.
 *
 * @throws LatentGpuError `bad-config` for a family that predicts no column, `bad-input` for no such column
 */
export function targetOf(
  { family, target }: Pick<RunRequest, 'family' | 'target'>,
  data: LoadedDataset,
): ReadonlyMap<string, Given>[] {
  if (target === undefined) return [];
  if (!Object.hasOwn(family.keys, 'target')) {
    throw new LatentGpuError(
      'bad-config',
      `--target: ${family.name} predicts no column; train bayes-linear, or leave it out`,
    );
  }
  const { columns = [] } = data;
  const count = imageSize(data);
  const named = columns.indexOf(target);
  const number = Number(target);
  const isNumber = Number.isSafeInteger(number) && number >= 1 && number <= count;
  const at = named >= 0 ? named : isNumber ? number - 1 : undefined;
  if (at === undefined) {
    const guess =
      columns.length > 0
        ? `did you mean '${nearest(target, [...columns])}'?`
        : `name 1 to ${count}`;
    throw new LatentGpuError(
      'bad-input',
      `--target ${target}: ${data.name} has no such column among its ${count}; ${guess}`,
    );
  }
  return [new Map([['target', { value: at, source: '--target' }]])];
}
