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

/** Whether a whole number is a day written as 20200131, or a month as 202001. */
function isDay(value: number): boolean {
  const [year, month, day] = [Math.floor(value / 1e4), Math.floor(value / 100) % 100, value % 100];
  return isYear(year) && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
const isMonth = (value: number) =>
  isYear(Math.floor(value / 100)) && value % 100 >= 1 && value % 100 <= 12;
const isYear = (value: number) => value >= 1900 && value <= 2100;

/** Dates that are written as whole numbers. @param at of a row and the place of a feature */
export function ofDates(
  columns: Columns,
  features: readonly number[],
  rows: number,
  at: (row: number, place: number) => number,
): string[] {
  return features.flatMap((column, place) => {
    const all = (is: (value: number) => boolean) => {
      let row = 0;
      while (row < rows && Number.isInteger(at(row, place)) && is(at(row, place))) row += 1;
      return row === rows;
    };
    const isOf = (rows >= 3 && all(isDay)) || (rows >= MANY && all(isMonth));
    if (!isOf) return [];
    return `${columns.describe(column)} holds dates as whole numbers (${at(0, place)}), whose differences mean little; --drop ${columns.argument(column)} leaves it out`;
  });
}

/** What is often put where a value is missing. */
const FILLS = new Set(
  [99, 999, 9999, 99999, 999999, 999.25, 9999.25].flatMap((value) => [-value, value]),
);
/** netCDF, GDAL and others take the largest numbers that there are. */
const isFill = (value: number) => FILLS.has(value) || Math.abs(value) >= 1e20;

/** Numbers far from all others that often stand for what is missing. @param at of a row and the place of a feature */
export function ofFills(
  columns: Columns,
  features: readonly number[],
  rows: number,
  at: (row: number, place: number) => number,
): string[] {
  /** The least and the largest of what is seen, one value left out. */
  const endsOf = (place: number, but?: number) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < rows; row++) {
      const value = at(row, place);
      if (value === but) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high] as const;
  };
  const isApart = (end: number, place: number) => {
    const [low, high] = endsOf(place, end);
    return high > low && Math.min(Math.abs(end - low), Math.abs(end - high)) > 2 * (high - low);
  };
  return features.flatMap((column, place) => {
    const found = endsOf(place).find((end) => isFill(end) && isApart(end, place));
    if (found === undefined) return [];
    let count = 0;
    for (let row = 0; row < rows; row++) if (at(row, place) === found) count += 1;
    return `${columns.describe(column)} holds ${found} in ${count} of ${rows} rows, far from all other values; if it stands for what is missing, leave these cells empty`;
  });
}

/**
 * A last row that is the sum of all others.
 *
 * @param numbers places of the features that are no words
 * @param at of a row and the place of a feature
 */
export function ofSum(
  numbers: readonly number[],
  rows: number,
  at: (row: number, place: number) => number,
  where: string,
): string[] {
  if (numbers.length === 0 || rows < 4 || (numbers.length < 2 && rows < MANY)) return [];
  const isSum = numbers.every((place) => {
    let [sum, size] = [0, 0];
    for (let row = 0; row < rows - 1; row++) {
      sum += at(row, place);
      size += Math.abs(at(row, place));
    }
    return size > 0 && Math.abs(sum - at(rows - 1, place)) <= 1e-9 * size;
  });
  if (!isSum) return [];
  return [`${where} holds the sum of all rows above it; remove it if it is none of the data`];
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
