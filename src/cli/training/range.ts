// Ranges of a model's size on the command line: `--set components=1..10`.
import { LatentGpuError } from '../../errors.ts';
import type { Family } from '../../models/index.ts';

/** A key and the whole numbers that it may be. */
export interface Range {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** Sizes of one range, at most. */
const MOST = 64;

/**
 * Takes the range out of `key=value` texts.
 *
 * @throws LatentGpuError `bad-config` for a range of no numbers
 */
export function rangeIn(
  { selects }: Family,
  texts: readonly string[],
): { readonly range: Range | undefined; readonly others: readonly string[] } {
  const pattern = /^\s*([\w.]+)\s*=\s*(\d+)\s*\.\.\s*(\d+)\s*$/;
  const at = texts.findIndex(
    (text) => selects !== undefined && pattern.exec(text)?.[1] === selects,
  );
  if (at < 0) return { range: undefined, others: texts };
  const [, key, first, last] = pattern.exec(texts[at] as string) as unknown as [
    string,
    string,
    string,
    string,
  ];
  const [from, to] = [Number(first), Number(last)];
  if (from < 1 || to <= from || to - from >= MOST) {
    throw new LatentGpuError(
      'bad-config',
      `--set ${key}=${from}..${to}: a range goes from 1 or more up, over at most ${MOST} numbers, as in ${key}=1..10`,
    );
  }
  return { range: { key, from, to }, others: texts.filter((_, i) => i !== at) };
}
