// What a table's first rows tell: whether the first of them names the columns.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';
import type { Dialect } from './dialect.ts';
import { BLANKS } from './dialect.ts';
import { judgeFirstRow } from './heading.ts';
import { isMissing, isNumber } from './number.ts';
import type { TableOptions } from './options.ts';

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
 * @throws LatentGpuError `bad-input` where it must be said what the first row is
 */
export function readFirstRow(
  rows: readonly Row[],
  comment: readonly string[] | undefined,
  dialect: Dialect,
  { header, expected, hints }: TableOptions,
  file: string,
): FirstRow {
  const [{ line, cells: first }, ...others] = rows as [Row, ...Row[]];
  const below = others.map(({ cells }) => cells);
  // Rows that end in a separator, and a header that does not.
  if (header !== 'no' && endEmpty(first, below)) return { headings: [...first, ''], isRow: true };
  // R's write.table gives the names of the rows no heading.
  const isShort = header !== 'no' && lacksFirst(first, below, dialect);
  if (isShort) return { headings: ['', ...first], isRow: true };
  if (header === 'yes') return { headings: first, isRow: true };
  const none = { headings: commented(comment, first.length), isRow: false };
  if (header === 'no') return { ...none, headings: undefined };
  if (expected?.every((name) => first.includes(name))) return { headings: first, isRow: true };
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
  return { headings: first, isRow: true, ...(first.every(isNumber) && { remark }) };
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
  const counts = names.every((name, i) => Number(name) === Number(names[0]) + i);
  return (
    names.every((name) => /^\d+$/.test(name)) &&
    (delimiter === BLANKS || (counts && names.length > 1))
  );
}

/** Headings in a comment, as `#id,a,b`: single words, one a column. */
function commented(
  cells: readonly string[] | undefined,
  width: number,
): readonly string[] | undefined {
  const fits = cells?.length === width && width > 1 && new Set(cells).size === width;
  return fits && cells.every((cell) => /^\S+$/.test(cell) && !isNumber(cell)) ? cells : undefined;
}

/** Whether a row has words alone where every other one has numbers: units, or the levels of headings. */
export function isHeadingAgain({ cells }: Row, below: readonly Row[]): boolean {
  const isWord = (cell: string) => cell !== '' && !isNumber(cell) && !isMissing(cell);
  const [next] = below;
  return (
    next !== undefined && cells.every(isWord) && below.every((row) => row.cells.every(isNumber))
  );
}
