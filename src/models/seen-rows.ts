// Starts from data with holes: rows as a family that is not told of a mask may read them.
import { LatentGpuError } from '../errors.ts';
import type { TrainingRows } from './learner.ts';

/** Rows that are read at once. */
const CHUNK = 4096;

/** The same rows, with the mean of what is seen of a feature where it is missing. */
export function filledRows(data: TrainingRows, features: number): TrainingRows {
  const { count, rows, mask } = data;
  if (!mask) return data;
  const [mean, seen] = [new Float64Array(features), new Float64Array(features)];
  for (let start = 0; start < count; start += CHUNK) {
    const end = Math.min(count, start + CHUNK);
    const [values, known] = [rows(start, end), mask(start, end)];
    for (const [i, value] of values.entries()) {
      if (!known[i]) continue;
      const j = i % features;
      seen[j] = (seen[j] as number) + 1;
      mean[j] = (mean[j] as number) + (value - (mean[j] as number)) / (seen[j] as number);
    }
  }
  return {
    count,
    rows: (start, end) => {
      const known = mask(start, end);
      return rows(start, end).map((value, i) =>
        known[i] ? value : (mean[i % features] as number),
      );
    },
  };
}

/**
 * @param fit what takes whole rows alone
 * @param other what does not
 * @throws LatentGpuError `bad-config` for data with holes
 */
export function checkWhole(
  family: string,
  fit: string,
  other: string,
  { mask }: TrainingRows,
): void {
  if (!mask) return;
  throw new LatentGpuError(
    'bad-config',
    `fit is ${fit}, and values are missing: ${family} learns from what is seen by fit=${other}; leave fit out, or set that`,
  );
}
