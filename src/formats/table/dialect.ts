// How a table's text is cut into cells: what stands between them, and which lines are none of it.
import Papa from 'papaparse';
import type { LatentGpuError } from '../../errors.ts';
import { isCount, isRule, isUnderline } from './drawn.ts';
import { isMissing, isNumber } from './number.ts';
import { type Thousands, thousandsOf } from './quantity.ts';

/** Stands for any run of blanks and tabs. */
export const BLANKS = ' ';

export interface Dialect {
  readonly delimiter: string;
  /** What Excel is told by a first line `sep=;`, which is no row. */
  readonly hasDirective: boolean;
  /** Whether lines that begin with `%`, `!`, `;` or `//` are comments, as they may be between blanks. */
  readonly hasOtherComments: boolean;
  /** What stands between thousands, where a number tells it. */
  readonly thousands: Thousands | undefined;
  /** Whether the first row's cells are all quoted, and no number of the second: so writers quote names. */
  readonly quotesFirst: boolean;
}

/** Lines that are looked at. */
const SAMPLE = 100;
/** Excel saves it again as a row, filled up with separators. */
const DIRECTIVE = /^\s*"?sep=([^\w"])"?[,;\s]*$/i;
/** Whether it is a number as some country writes it, or stands where one would. */
const isValue = (cell: string) => isNumber(cell) || isMissing(cell);
/** What a spreadsheet leaves in a cell that it could not compute, in English and German. */
const SHEET_ERROR =
  /(n\/a|nv|na(?="?\s*($|[,;|\s]\s*"?([-+.\d]|na\b)))|name\?|null!|num!|zahl!|ref!|bezug!|value!|wert!|div\/0!|spill!|calc!)"?\s*($|[,;|\s])/
    .source;
const COMMENT = new RegExp(`^[ \\t]*#(?!${SHEET_ERROR})`, 'i');
const COMMENT_AT_END = new RegExp(` #(?!${SHEET_ERROR})`, 'i');

/** Of MATLAB, Touchstone, Lisp and C. */
const OTHER_COMMENT = /^[ \t]*(%|!|;|\/\/)/;
/** A whole number whose thousands stand apart. */
const GROUPED_BY_BLANKS = /^[+-]?\d{1,3}(\s\d{3})+([.,]\d+)?$/;

/** Whether a line says something about the table and is no row of it. */
export const isComment = (line: string, dialect?: Dialect) =>
  COMMENT.test(line) || (dialect?.hasOtherComments === true && OTHER_COMMENT.test(line));

/** With a `q` for what is quoted, and a nought for a number that is. */
const withoutQuoted = (line: string) =>
  line.replace(/"[^"]*"/g, (cell) => (isValue(cell.slice(1, -1)) ? '0' : 'q'));
/** Without tabs behind commas, which are there to be seen. */
const withoutPadding = (line: string) =>
  /[^,;\t]\t/.test(line) ? line : line.replace(/([,;])\t+/g, '$1');

/**
 * @param text the beginning of a table, lines ended by `\n`
 */
export function dialectOf(text: string): Dialect {
  const lines: string[] = [];
  let from = 0;
  while (from <= text.length && lines.length < SAMPLE) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    const isDrawn = isRule(line) || isUnderline(line) || isCount(line);
    if (line.trim() !== '' && !isDrawn && !isComment(line)) lines.push(line);
    if (end < 0) break;
    from = end + 1;
  }
  const directive = DIRECTIVE.exec(lines[0] ?? '')?.[1];
  if (directive !== undefined) lines.shift();
  const plain = lines.map((line) => withoutPadding(withoutQuoted(line)));
  const others = plain.filter((line) => !OTHER_COMMENT.test(line));
  const hasOtherComments =
    directive === undefined &&
    others.length > 0 &&
    others.length < plain.length &&
    delimiterOf(others) === BLANKS;
  const delimiter = directive ?? (hasOtherComments ? BLANKS : delimiterOf(plain));
  const [first = '', ...below] = lines;
  const isQuoted = /^[q0\s]+$/.test((plain[0] ?? '').replaceAll(delimiter, ' '));
  const quotesNumbers = below.some((line) =>
    line.match(/"[^"]*"/g)?.some((cell) => isNumber(cell.slice(1, -1))),
  );
  const quotesFirst = first.includes('"') && isQuoted && below.length > 0 && !quotesNumbers;
  const thousands = thousandsIn(text, delimiter);
  return {
    delimiter,
    hasDirective: directive !== undefined,
    hasOtherComments,
    quotesFirst,
    thousands,
  };
}

/** The first number of the lines that are looked at whose marks between thousands are beyond doubt. */
function thousandsIn(text: string, delimiter: string): Thousands | undefined {
  if (delimiter === BLANKS) return undefined;
  for (const [i, line] of text.split('\n', SAMPLE).entries()) {
    const cells = delimiter === ',' ? (line.match(/"[^"]*"/g) ?? []) : line.split(delimiter);
    for (const written of cells) {
      const cell = written
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .trim();
      const mark = thousandsOf(cell);
      if (mark) return { mark, line: i + 1, cell };
    }
  }
  return undefined;
}

const countOf = (line: string, mark: string) => line.split(mark).length - 1;

/** Whether every line has as many of a mark, and at least one. */
const isRegular = (lines: readonly string[], mark: string) =>
  new Set(lines.map((line) => countOf(line, mark))).size === 1 && lines[0]?.includes(mark) === true;

/** A tab or a semicolon tells at once: numbers may have a comma. */
function delimiterOf(lines: readonly string[]): string {
  const [first = '', ...others] = lines;
  const body = others.length > 0 ? others : lines;
  // Lists within the cells of a table with commas are none.
  const isMark = (mark: string) => isRegular(lines, mark) || !isRegular(lines, ',');
  const everywhere = [';', '\t', '|'].find((mark) => lines.every((line) => line.includes(mark)));
  const atFirst = ['\t', ';'].find(
    (mark) => first.includes(mark) && body.some((line) => line.includes(mark)),
  );
  const mark = [everywhere, atFirst].find((found) => found !== undefined && isMark(found));
  if (mark !== undefined && mark !== '\t') return mark;
  const words = body.map((line) => line.trim().split(/\s+/));
  const isEven = words.every(({ length }) => length === words[0]?.length);
  const isNumeric = (cells: readonly string[]) => cells.every(isValue);
  if (mark === '\t') {
    const cells = body.map((line) => line.split('\t').map((cell) => cell.trim()));
    const isRagged = cells.some((row) => row.length !== cells[0]?.length);
    // An empty cell may be a value that is missing, a column of them is none.
    const isPadded =
      cells.some((row) => row.includes('')) &&
      cells.every((row) => row.every((cell, j) => cell !== '' || cells.every((o) => o[j] === '')));
    const isMixed = cells.some((row) =>
      row.some(
        (cell) => /\s/.test(cell) && isNumeric(cell.split(/\s+/)) && !GROUPED_BY_BLANKS.test(cell),
      ),
    );
    const isBlank = (isRagged || isPadded) && isEven && words.every(isNumeric);
    return isMixed || isBlank ? BLANKS : '\t';
  }
  if (isColumnOfCommas(first, others)) return ';';
  const hasCommas = body.some((line) => line.includes(','));
  const hasBlanks = words.every(({ length }) => length > 1);
  if (!hasBlanks) return isMostlyBlanks(words) ? BLANKS : ',';
  if (hasCommas) {
    const head = first.trim().split(/\s+/);
    // Headings with as many commas have them between the columns.
    if (isRegular(lines, ',') && !isNumeric(head)) return ',';
    // Decimal commas, and blanks between the numbers; over those of the rows there may be no heading.
    const isSeparator =
      [head, ...words].some((row) => row.some((cell) => /^,|,$/.test(cell))) ||
      words.some(({ length }) => length < 2) ||
      (head.length < 2 && first.includes(','));
    return !isSeparator && isEven && words.every(isNumeric) ? BLANKS : ',';
  }
  const numbers = words.flat().filter(isValue).length;
  return 2 * numbers >= words.flat().length ? BLANKS : ',';
}

/** Whether most lines are as many numbers between blanks: others may stand above and below. */
function isMostlyBlanks(words: readonly (readonly string[])[]): boolean {
  const widths = words.map(({ length }) => length).sort((a, b) => a - b);
  const width = widths[widths.length >> 1] as number;
  const rows = words.filter(({ length }) => length === width);
  const cells = rows.flat();
  const numbers = cells.filter(isValue).length;
  const isMost = width > 1 && 2 * rows.length > words.length && 2 * numbers >= cells.length;
  return isMost && !cells.some((cell) => cell.includes(','));
}

/** Whether one heading stands over numbers with decimal commas, and not over R's numbers of the rows. */
function isColumnOfCommas(first: string, others: readonly string[]): boolean {
  const cells = others.map((line) => line.trim());
  const hasOne = !first.includes(',') && cells.some((cell) => cell.includes(','));
  if (!hasOne || !cells.every(isNumber)) return false;
  const [from] = cells as [string];
  return !cells.every(
    (cell, i) => cell.includes(',') && Number.parseInt(cell, 10) === Number.parseInt(from, 10) + i,
  );
}

/**
 * The cells of every line of a piece of text, blanks around them included.
 *
 * @throws LatentGpuError as `bad` makes it, told the line of the piece (from 0) and what is wrong
 */
export function cellsOf(
  text: string,
  { delimiter }: Dialect,
  bad: (line: number, why: string) => LatentGpuError,
): string[][] {
  if (delimiter === BLANKS) return text.split('\n').map(blankCells);
  // Quotes in a comment are none.
  const isCommented = text.startsWith('#') || text.includes('\n#');
  const ended = /[ \t]#/.test(text)
    ? text.replace(/^.*[ \t]#.*$/gm, (line) => withoutEnd(line, delimiter))
    : text;
  const plain = isCommented
    ? ended.replace(/^#.*$/gm, (line) => (isComment(line) ? line.replaceAll('"', '') : line))
    : ended;
  // papaparse takes a quote for one only where a cell begins.
  const padded = new RegExp(`(^|\\${delimiter}|\\n)[ \\t]+"`, 'g');
  const isPadded = delimiter !== '\t' && (plain.includes(' "') || plain.includes('\t"'));
  const { data, errors } = Papa.parse<string[]>(isPadded ? plain.replace(padded, '$1"') : plain, {
    delimiter,
    newline: '\n',
  });
  const [broken] = errors;
  if (broken) {
    const how = broken.code === 'MissingQuotes' ? 'close it' : 'write a quote within a cell twice';
    throw bad(broken.row ?? 0, `${broken.message.toLowerCase()}; ${how}, or remove it`);
  }
  return data;
}

/** A line that is one quoted cell. */
const WRAPPED = /^"(?:[^"]|"")*"$/;

/**
 * Whether every line is one cell that holds a row: what a spreadsheet saves that opened the table with another
 * separator than its own.
 *
 * @param text the beginning of a table, lines ended by `\n`
 */
export function isWrapped(text: string): boolean {
  const lines = text.split('\n', SAMPLE).filter((line) => line.trim() !== '');
  const [first = ''] = lines;
  return (
    lines.length > 1 &&
    /\p{L}/u.test(first) &&
    lines.every((line) => WRAPPED.test(line)) &&
    [',', ';', '\t'].some((mark) => isRegular(lines, mark))
  );
}

/** The rows in the only cells of lines. */
export const unwrapped = (text: string): string =>
  text.replace(/^"((?:[^"]|"")*)"$/gm, (_, row: string) => row.replaceAll('""', '"'));

/** A line without the comment behind its last number. */
function withoutEnd(line: string, delimiter: string): string {
  const row = line.slice(0, line.indexOf(' #') < 0 ? line.indexOf('\t#') : line.indexOf(' #'));
  const last = row.split(delimiter).at(-1) as string;
  return !row.includes('"') && isNumber(last.trim()) ? row : line;
}

function blankCells(line: string): string[] {
  const end = line.search(COMMENT_AT_END);
  const row = (end < 0 || isComment(line) ? line : line.slice(0, end)).trim();
  if (!row.includes('"')) return row.split(/\s+/);
  const cells = row.match(/"(?:[^"]|"")*"|[^\s"]+/g) ?? [''];
  return cells.map((cell) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
}
