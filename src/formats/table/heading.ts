// Whether a table's first row names the columns or is the first of the data.
import { isMissing, isNumber, isQuantity } from './number.ts';
import { unitOf } from './quantity.ts';

export type Judgement = 'heading' | 'data' | 'doubt';

export const isWhole = (cell: string) => /^\d+$/.test(cell);
/** Written by something that would write 2 as 2.0. */
const isFraction = (cell: string) => isNumber(cell) && !isWhole(cell.replace(/^[+-]/, ''));
const isYear = (value: number) => value >= 1900 && value <= 2100;

/**
 * Judges by what stands below: names over numbers are headings; so are numbers that no row of these data
 * would hold, such as pandas' 0, 1, 2 over decimals or years over amounts.
 *
 * @param first trimmed cells of the first row
 * @param rows some of those that follow, as wide
 */
export function judgeFirstRow(
  first: readonly string[],
  rows: readonly (readonly string[])[],
): Judgement {
  const isNumeral = (cell: string, j: number) => isNumber(cell) || isOneOf(cell, j, rows);
  const numbers = columnsWhere(first, isNumeral);
  const words = columnsWhere(first, (cell, j) => !isNumeral(cell, j) && !isMissing(cell));
  const isAgain = (j: number) => rows.some((row) => row[j] === first[j]);
  if (numbers.length === 0) {
    // A row of words as those that follow: all of them are categories.
    const isOfWords = (j: number) => !rows.some((row) => isNumber(row[j] ?? ''));
    const again = words.filter((j) => isAgain(j) && isOfWords(j)).length;
    return words.length > 0 && 2 * again <= words.length ? 'heading' : 'data';
  }
  const isNamed = words.length > 0 || (first[0] === '' && first.length > 1);
  if (numbers.length === first.length || !isNamed) {
    return numbers.length === first.length ? judgeNumbers(first, rows, numbers) : 'data';
  }
  if (!numbers.every((j) => isWhole(first[j] as string))) return 'data';
  if (!isDistinct(numbers.map((j) => first[j] as string))) return 'data';
  if (first[0] === '') {
    if (words.length > 0 || rows.length === 0) return words.length > 0 ? 'heading' : 'data';
    // Over the numbers of the rows; else the first cell may be missing.
    const isOverNumbers = rows.length > 1 && counts(rows.map((row) => row[0] ?? ''));
    if (isOverNumbers || numbers.every((j, i) => first[j] === String(i))) return 'heading';
    return judgeNumbers(first, rows, numbers) === 'heading' ? 'heading' : 'doubt';
  }
  // A word that a column of texts holds again is one of its texts.
  const repeats = words.some(isAgain);
  if (repeats) return 'data';
  const overNumbers = words.some(
    (j) => rows.length > 0 && rows.every((row) => isNumber(row[j] ?? '')),
  );
  const found = judgeNumbers(first, rows, numbers);
  if (numbers[0] !== 0) return overNumbers || found === 'heading' ? 'heading' : 'doubt';
  return found === 'heading' || (overNumbers && found === 'doubt') ? 'heading' : found;
}

/** Whether a cell is a quantity as all below it, with their unit. */
function isOneOf(cell: string, column: number, rows: readonly (readonly string[])[]): boolean {
  if (!isQuantity(cell) || rows.length === 0) return false;
  const unit = unitOf(cell)?.unit;
  return rows.every((row) => {
    const other = row[column] ?? '';
    return isMissing(other) || (isQuantity(other) && unitOf(other)?.unit === unit);
  });
}

function columnsWhere(
  cells: readonly string[],
  test: (cell: string, column: number) => boolean,
): number[] {
  return cells.flatMap((cell, j) => (test(cell, j) ? [j] : []));
}

/** Whether cells are whole numbers that go up by one. */
export const counts = (cells: readonly string[]) =>
  cells.every((cell, i) => isWhole(cell) && Number(cell) === Number(cells[0]) + i);

const isDistinct = (cells: readonly string[]) => new Set(cells).size === cells.length;

/** @param columns those of `first` that hold numbers */
function judgeNumbers(
  first: readonly string[],
  rows: readonly (readonly string[])[],
  columns: readonly number[],
): Judgement {
  const cells = columns.map((j) => first[j] as string);
  const below = rows.map((row) => columns.map((j) => row[j] ?? ''));
  const n = cells.length;
  if (below.length === 0 || !isDistinct(cells)) return 'data';
  // A heading is said once.
  if (below.some((row) => row.every((cell, j) => cell === cells[j]))) return 'data';
  const values = cells.map((cell) => Number(cell.replace(',', '.')));
  const step = stepOf(values);
  // Rows that go on in the same steps: a table of counts.
  const goOn = below.every((row) => stepOf(row.map(Number)) === step);
  if (n > 1 && step !== undefined && goOn) return 'data';
  if (!cells.every(isWhole)) return n > 2 && step !== undefined ? 'doubt' : 'data';
  // Of so many numbers no row is as even by chance.
  const isEven = n > 3 && step !== undefined;
  const isScale = isEven && below.every((row) => stepOf(row.map(Number)) === undefined);
  const isFine = below.every((row) => row.every((cell) => isFraction(cell) || isMissing(cell)));
  if (values.every(isYear)) {
    const years = below.flat().filter((cell) => isWhole(cell) && isYear(Number(cell)));
    if (years.length === 0) return n > 1 ? 'heading' : 'doubt';
    if (!isFine) return years.length === n * below.length && !isScale ? 'data' : 'doubt';
  }
  const counts = step === 1 && (values[0] === 0 || values[0] === 1);
  // pandas' heading of a single column.
  if (n === 1) return values[0] === 0 ? 'doubt' : 'data';
  // pandas' integers, of which one stands over words.
  const isOverWords = columns.some((j) =>
    rows.every((row) => !isQuantity(row[j] ?? '') && !isMissing(row[j] ?? '')),
  );
  if (counts && isOverWords && rows.length > 2) return 'heading';
  if (isFine) return n > 2 && step !== undefined ? 'heading' : 'doubt';
  if (!counts) return isScale ? 'doubt' : 'data';
  if (n >= 10) return 'heading';
  return values[0] === 0 || n > 2 ? 'doubt' : 'data';
}

/** The step between numbers that rise evenly. */
function stepOf(values: readonly number[]): number | undefined {
  const step = (values[1] ?? Number.NaN) - (values[0] as number);
  const isEven = values.every(
    (value, i) =>
      Math.abs(value - (values[0] as number) - i * step) <= 1e-9 * Math.abs(step) * values.length,
  );
  return step > 0 && isEven ? Number(step.toPrecision(9)) : undefined;
}
