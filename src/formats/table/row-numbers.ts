// Columns without a heading: most number or name the rows, and are no data.
import { LatentGpuError } from '../../errors.ts';
import { isNumber } from './number.ts';

/** What a column without a heading is: `nothing` if it is empty, too. */
export type Unnamed = 'numbers' | 'names' | 'nothing' | 'feature';

/**
 * @param cells of a column without a heading, a row each
 * @param describe what to call the column
 * @throws LatentGpuError `bad-input` for whole numbers that repeat, which may be either
 */
export function unnamedKind(
  cells: readonly string[],
  ways: { readonly place: string; readonly drop: string; readonly keep: string },
  bad: (why: string) => LatentGpuError,
): Unnamed {
  if (cells.every((cell) => cell === '')) return 'nothing';
  const distinct = new Set(cells).size;
  if (!cells.every(isNumber)) {
    return distinct === cells.length &&
      !cells.includes('') &&
      cells.some((cell) => /\p{L}|[-/:]/u.test(cell))
      ? 'names'
      : 'feature';
  }
  const values = cells.map((cell) => Number(cell.replace(',', '.')));
  if (!values.every(Number.isInteger)) return 'feature';
  if (new Set(values).size === values.length) return 'numbers';
  const { place, drop, keep } = ways;
  const { message } = bad(
    `${place} has no heading, and holds whole numbers that repeat: leave it out with --drop ${drop} if it numbers the rows, or take it with --columns ${keep} if it is data`,
  );
  throw new LatentGpuError('bad-input', message);
}

/** Headings of columns that often number the rows. */
const LIKELY =
  /^(x|_?id|index|no\.?|nr\.?|#|obs|row(_?(id|nr|no|num|numbers?|names?|index))?|level_0)$/i;

/** Whether a column with a heading (or in a table without any, the first) counts the rows. */
export function seemsToCount(
  heading: string | undefined,
  column: number,
  rows: number,
  at: (row: number) => number,
): boolean {
  if (rows < 3 || (heading === undefined ? column !== 0 : !LIKELY.test(heading))) return false;
  const first = at(0);
  if (first !== 0 && first !== 1) return false;
  for (let row = 1; row < rows; row++) if (at(row) !== first + row) return false;
  return true;
}
