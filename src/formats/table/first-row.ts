// What a table's first rows tell: whether the first of them names the columns.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';
import { BLANKS, type Dialect } from './dialect.ts';
import { counts, isWhole, judgeFirstRow } from './heading.ts';
import { isMissing, isNumber, isQuantity } from './number.ts';
import type { LabelColumn, TableOptions } from './options.ts';

export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface FirstRow {
  readonly headings: readonly string[] | undefined;
  /** Whether the first row is one of the headings, and not of the data. */
  readonly isRow: boolean;
  readonly remark?: string;
}

/**
 * @param rows the first ones, trimmed, at least one
 * @param comment cells of a comment right above them
 * @param labels a column that was asked for
 * @throws LatentGpuError `bad-input` where it must be said what the first row is
 */
export function readFirstRow(
  rows: readonly Row[],
  comment: readonly string[] | undefined,
  dialect: Dialect,
  { header, expected, hints, drop = [], columns = [] }: TableOptions,
  labels: LabelColumn | undefined,
  file: string,
): FirstRow {
  const [{ line, cells }, ...others] = rows as [Row, ...Row[]];
  // Stata's quotes.
  const isQuoted = cells.every((cell) => /^'.+'$/.test(cell));
  const first = isQuoted ? cells.map((cell) => cell.slice(1, -1)) : cells;
  const below = others.map(({ cells }) => cells);
  // Rows that end in a separator, and a header that does not.
  if (header !== 'no' && endEmpty(first, below)) return { headings: [...first, ''], isRow: true };
  // The other way round.
  const isLonger = first.length > 2 && first.at(-1) === '' && !first.some(isNumber);
  if (
    header !== 'no' &&
    isLonger &&
    below[0] &&
    below.every((row) => row.length === first.length - 1)
  )
    return { headings: first.slice(0, -1), isRow: true };
  // R's write.table gives the names of the rows no heading.
  const isShort = header !== 'no' && lacksFirst(first, below, dialect);
  if (isShort) return { headings: ['', ...first], isRow: true };
  if (header === 'yes') return { headings: first, isRow: true };
  const none = { headings: commented(comment, first.length), isRow: false };
  if (header === 'no') return { ...none, headings: undefined };
  const there = new Set(first);
  if (expected?.every((name) => there.has(name))) return { headings: first, isRow: true };
  const asked = [...(labels ? [labels.name] : []), ...drop, ...columns];
  if (asked.some((name) => isNamed(name, first, below))) return { headings: first, isRow: true };
  const judged = dialect.quotesFirst ? 'heading' : judgeFirstRow(first, below);
  const found =
    judged !== 'doubt' || !hints?.header ? judged : hints.header === 'yes' ? 'heading' : 'data';
  const shown = `${first.slice(0, 4).map(inLine).join(', ')}${first.length > 4 ? ', …' : ''}`;
  if (found === 'doubt') {
    throw new LatentGpuError(
      'bad-input',
      `${file}: line ${line} (${shown}) may name the columns or be data; say which with --header yes or --header no`,
    );
  }
  if (found === 'data') return none;
  const remark = `line ${line} (${shown}) is taken for headings; --header no takes it for data`;
  const isOfNumbers = first.every((cell) => cell === '' || isNumber(cell));
  return { headings: first, isRow: true, ...(isOfNumbers && { remark }) };
}

/** Whether somebody asked for a column by a text that the first row has, and no row below it. */
function isNamed(
  name: string,
  first: readonly string[],
  below: readonly (readonly string[])[],
): boolean {
  const at = /^[\d\s,-]*$/.test(name) || isNumber(name) ? -1 : first.indexOf(name);
  return at >= 0 && below.every((row) => row[at] !== name);
}

/** A cell as it is, unless it would break a line or fill it. */
const inLine = (cell: string) => (/\p{Cc}/u.test(cell) || cell.length > 60 ? quote(cell) : cell);

function endEmpty(first: readonly string[], below: readonly (readonly string[])[]): boolean {
  const [second] = below;
  if (second?.length !== first.length + 1 || first.some(isNumber)) return false;
  return below.every((row) => row.length === second.length && row.at(-1) === '');
}

/** Whether every row has one cell more than the first, at its beginning: the row's name or number. */
function lacksFirst(
  first: readonly string[],
  below: readonly (readonly string[])[],
  { delimiter }: Dialect,
): boolean {
  const isWider = below.length > 0 && below.every(({ length }) => length === first.length + 1);
  if (!isWider || first.some((cell) => cell === '')) return false;
  const names = below.map((row) => row[0] as string);
  const isDistinct = new Set(names).size === names.length;
  if (!isDistinct || names.includes('')) return false;
  if (names.every((name) => !isNumber(name))) return true;
  return delimiter === BLANKS ? names.every(isWhole) : names.length > 1 && counts(names);
}

/** Headings in a comment, as `#id,a,b`: single words, one a column. */
function commented(
  cells: readonly string[] | undefined,
  width: number,
): readonly string[] | undefined {
  const fits = cells?.length === width && width > 1 && new Set(cells).size === width;
  return fits && cells.every((cell) => /^\S+$/.test(cell) && !isNumber(cell)) ? cells : undefined;
}

/**
 * Lines below the headings with words where all others have numbers: units, or further levels of headings.
 *
 * @param columns those that are to hold numbers
 * @returns what is to be said of them
 */
export function headingsAgain(
  first: Row,
  rows: readonly Row[],
  columns: readonly number[],
): string | undefined {
  const isNumeric = ({ cells }: Row) =>
    columns.every((j) => isQuantity(cells[j] ?? '') || isMissing(cells[j] ?? ''));
  const count = rows.findIndex(({ cells }) => columns.some((j) => isQuantity(cells[j] ?? '')));
  const block = rows.slice(0, Math.max(0, count));
  const hasWords = block.some(({ cells }) => columns.some((j) => !isMissing(cells[j] ?? '')));
  const [from, to] = [block[0], block.at(-1)];
  if (!from || !to || !hasWords || !rows.slice(count).every(isNumeric)) return undefined;
  const below = 'no numbers, and the lines below do: if';
  if (from !== to) {
    return `lines ${from.line} to ${to.line} hold ${below} they are further lines of headings, remove them`;
  }
  const empty = first.cells.filter((cell) => cell === '').length;
  return 2 * empty > first.cells.length
    ? `line ${from.line} holds ${below} its words are the headings, remove line ${first.line} above it`
    : `line ${from.line} holds ${below} it is a second line of headings, remove it`;
}

/** The first row as wide as most are, if others stand above it. */
export function startOf(rows: readonly Row[]): Row | undefined {
  // Some rows end in a separator, and others do not.
  const widthOf = ({ cells }: Row) => cells.length - Number(cells.at(-1) === '');
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(widthOf(row), (counts.get(widthOf(row)) ?? 0) + 1);
  const [[width, count] = [0, 0]] = [...counts].sort(([, a], [, b]) => b - a);
  const at = rows.findIndex((row) => widthOf(row) === width);
  return at > 0 && width > 1 && 2 * count >= rows.length ? rows[at] : undefined;
}

/** Rows that are looked at before it is said what the columns hold. */
export const SAMPLE = 100;

/** Columns of which most cells are words. */
export const wordyOf = (rows: readonly Row[], columns: readonly number[]): number[] =>
  columns.filter((j) => {
    const cells = rows.map((row) => row.cells[j] as string).filter((cell) => !isMissing(cell));
    return 2 * cells.filter((cell) => !isQuantity(cell)).length > cells.length;
  });
