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
/** Of columns that often hold a name of the row that is a number: id, PassengerId, customer_ID. */
const OF_IDS = /(^|[\s_.-])(id|Id|ID)$|[a-z0-9](Id|ID)$/;
/** What so many rows have in common is no chance. */
export const MANY = 10;

/**
 * Whether a column that is taken for data seems to number the rows, in words of what it does.
 *
 * @param heading none in a table without
 */
export function seemsToCount(
  heading: string | undefined,
  column: number,
  rows: number,
  at: (row: number) => number,
): string | undefined {
  if (rows < 3) return undefined;
  const isLikely = heading === undefined ? column === 0 : LIKELY.test(heading);
  const first = at(0);
  let row = 1;
  while (row < rows && at(row) === first + row) row += 1;
  const counts = row === rows && (first === 0 || first === 1);
  if (counts && (isLikely || rows >= MANY)) return 'counts the rows';
  if (heading === undefined || !OF_IDS.test(heading)) return undefined;
  const seen = new Set<number>();
  for (row = 0; row < rows && Number.isInteger(at(row)); row++) seen.add(at(row));
  return seen.size === rows ? 'holds another whole number in every row, as an id' : undefined;
}
