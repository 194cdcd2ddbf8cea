// What was decided about a table that nobody asked for, and what in it may not be meant: for people.
import { quote } from '../message.ts';
import type { Columns } from './columns.ts';
import { isUnknown } from './number.ts';
import { MANY, seemsToCount } from './row-numbers.ts';

/** A sum under a table. */
const TOTAL = /^((grand |sub)?totals?|sum|summe|gesamt|mean|average|mittelwert)\b/i;

/** @param at of a row and the place of a feature */
export function ofRowNumbers(
  columns: Columns,
  features: readonly number[],
  rows: number,
  at: (row: number, place: number) => number,
): string[] {
  return features.flatMap((column, place) => {
    const does = seemsToCount(columns.headings?.[column], column, rows, (row) => at(row, place));
    if (does === undefined) return [];
    return `${columns.describe(column)} ${does}, and is taken for data; --drop ${columns.argument(column)} leaves it out`;
  });
}

/** Columns that are the same in every row. @param at of a row and the place of a feature */
export function ofConstants(
  columns: Columns,
  features: readonly number[],
  rows: number,
  at: (row: number, place: number) => number,
): string[] {
  const found = features.filter((_, place) => {
    let row = 1;
    while (row < rows && at(row, place) === at(0, place)) row += 1;
    return row === rows;
  });
  const [first] = found;
  if (rows < MANY || first === undefined) return [];
  const what =
    found.length === 1
      ? `${columns.describe(first)} holds one value in all rows`
      : `${found.length} columns, the first of them ${columns.describe(first)}, hold one value each in all rows`;
  const way = `--drop ${columns.arguments(found)} leaves ${found.length === 1 ? 'it' : 'them'} out`;
  return [`${what}, from which nothing is learned; ${way}`];
}

/** @param cells of the last row, those of features aside */
export function ofTotal(cells: readonly string[], where: string): string[] {
  const found = cells.map((cell) => cell.trim()).find((cell) => TOTAL.test(cell));
  if (found === undefined) return [];
  return [
    `${where} says ${quote(found)} and is taken for a row of data; remove it if it sums up the others`,
  ];
}

/** @param line the first one */
export function ofComments(count: number, line: number): string[] {
  if (count === 0) return [];
  const what =
    count === 1 ? `line ${line} begins` : `${count} lines, the first of them ${line}, begin`;
  return [
    `${what} with # and ${count === 1 ? 'is' : 'are'} taken for ${count === 1 ? 'a comment' : 'comments'}`,
  ];
}

/** What a column of classes holds that may be none. */
export function ofClasses(where: string, classes: readonly string[], rows: number): string[] {
  const unknown = classes.filter((name) => isUnknown(name) && !/^(none|missing)$/i.test(name));
  const remarks = unknown.map((name) => `${where}: ${quote(name)} is taken for a class`);
  if (classes.length > Math.max(20, rows / 2)) {
    remarks.push(
      `${where} holds ${classes.length} classes in ${rows} rows; if it is a quantity or a number of rows, it is no column of classes`,
    );
  }
  return remarks;
}
