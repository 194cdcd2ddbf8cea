// Numeric tables as text. The splitting into cells is papaparse's; what is here decides what a table
// of numbers is, and says where a file is none.
import Papa from 'papaparse';
import { LatentGpuError } from '../errors.ts';
import { quote } from './message.ts';

export interface CsvTable {
  /** Of the header, if there is one. */
  readonly names: readonly string[] | undefined;
  readonly rows: number;
  readonly columns: number;
  /** Row major `[rows, columns]`. */
  readonly values: Float32Array;
  /** One class index a row, in the order of the classes' names, where a column of labels was asked for. */
  readonly labels: Uint32Array | undefined;
  readonly classes: readonly string[];
}

/** A column that holds classes, of any text, in place of numbers. */
export interface LabelColumn {
  /** Its name in the header. */
  readonly name: string;
  /** Whether a table without it is read, too. */
  readonly isOptional?: boolean;
}

/** Text is split into cells in pieces of about this many bytes, whatever the file's size. */
const PIECE = 2 ** 22;
/** No string is longer in any engine. */
const LONGEST_PIECE = 2 ** 28;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const NOT_FINITE = /^[+-]?(nan|inf|infinity|na|n\/a|null|none)$/i;

/**
 * Reads a table of numbers: comma, semicolon or tab between the cells, which may be quoted; with a
 * header (a first row of names) or without. Blank lines are passed over.
 *
 * @param bytes the file, UTF-8
 * @param name what to call the file in errors
 * @param labels a column that is no feature
 * @throws LatentGpuError `bad-format` naming line and column of the first cell that is empty or no finite
 *   number, or the first row with more or fewer cells than the first; `bad-input` if there is no such
 *   column of labels
 */
export function readCsv(bytes: Uint8Array, name = 'CSV file', labels?: LabelColumn): CsvTable {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw bad('is UTF-16 text; save it as UTF-8');
  }
  const table = new Table(bytes.length, bad, labels);
  const decoder = new TextDecoder('utf-8');
  let delimiter: string | undefined;
  for (let start = 0; start < bytes.length; ) {
    const end = pieceEnd(bytes, start);
    if (end - start > LONGEST_PIECE) throw bad('a quote is never closed, or a line never ends');
    const text = decoder.decode(bytes.subarray(start, end)).replace(/\r\n?/g, '\n');
    delimiter ??= delimiterOf(text);
    const last = end === bytes.length;
    const { data, errors } = Papa.parse<string[]>(last ? text : text.slice(0, -1), {
      delimiter,
      newline: '\n',
    });
    const [broken] = errors;
    if (broken) {
      const line = table.line + (broken.row ?? 0) + 1;
      throw bad(`line ${line}: ${broken.message.toLowerCase()}`);
    }
    for (const cells of data) table.add(cells);
    start = end;
  }
  return table.finish();
}

/** Where the piece that begins at `start` ends: after a line, outside of quotes. */
function pieceEnd(bytes: Uint8Array, start: number): number {
  if (bytes.length - start <= PIECE) return bytes.length;
  let isQuoted = false;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) isQuoted = !isQuoted;
    else if (byte === 0x0a && !isQuoted && at - start >= PIECE) return at + 1;
  }
  return bytes.length;
}

/** A tab or a semicolon in the first line tells: numbers may have a comma. */
function delimiterOf(text: string): string {
  const line = text.replace(/^\s*\n/, '').split('\n', 1)[0] ?? '';
  const plain = line.replace(/"[^"]*"/g, '');
  return ['\t', ';'].find((mark) => plain.includes(mark)) ?? ',';
}

/** Rows as they come, checked, in an array that grows with them. */
class Table {
  /** Lines seen so far (a line break within quotes does not count). */
  line = 0;
  private names: string[] | undefined;
  /** Cells of a row, and the one among them that is a label. */
  private width = 0;
  private label = -1;
  private readonly texts: string[] = [];
  private rows = 0;
  private values = new Float32Array(1024);
  /** The first blank line that no row has followed yet. */
  private blank = 0;
  private readonly most: number;
  private readonly bad: (why: string) => LatentGpuError;
  private readonly wanted: LabelColumn | undefined;

  /** @param size of the file in bytes: a number and what separates it take two of them */
  constructor(size: number, bad: (why: string) => LatentGpuError, wanted: LabelColumn | undefined) {
    this.most = Math.ceil((size + 1) / 2);
    this.bad = bad;
    this.wanted = wanted;
  }

  /** Numbers of a row. */
  private get columns(): number {
    return this.label < 0 ? this.width : this.width - 1;
  }

  add(raw: readonly string[]): void {
    this.line += 1;
    const cells = raw.map((cell) => cell.trim());
    if (cells.length === 1 && cells[0] === '') {
      this.blank ||= this.line;
      return;
    }
    if (this.width === 0) {
      this.width = cells.length;
      if (isHeader(cells)) this.names = cells;
      this.label = this.findLabel();
      if (this.names) return;
    }
    const { width, line } = this;
    if (this.blank && width === 1 && this.rows > 0) throw this.bad(`line ${this.blank} is empty`);
    this.blank = 0;
    if (cells.length !== width) {
      const first = this.names ? 'the header' : 'the first row';
      throw this.bad(
        `line ${line} has ${cells.length} ${cells.length === 1 ? 'column' : 'columns'} and ${first} ${width}`,
      );
    }
    let at = this.rows * this.columns;
    if (at + width > this.values.length) this.grow(at + width);
    cells.forEach((cell, column) => {
      if (column === this.label) this.texts.push(this.text(cell, column));
      else this.values[at++] = this.number(cell, column);
    });
    this.rows += 1;
  }

  private findLabel(): number {
    const { wanted, names, width } = this;
    if (!wanted) return -1;
    const found = names?.indexOf(wanted.name) ?? -1;
    if (found >= 0 && width > 1) return found;
    if (wanted.isOptional && found < 0) return -1;
    const why =
      found >= 0
        ? 'which is the only one'
        : names
          ? `whose columns are ${names.slice(0, 8).map(quote).join(', ')}${width > 8 ? ', …' : ''}`
          : 'which has no header';
    const problem = this.bad(`no column of labels ${quote(wanted.name)} in this table, ${why}`);
    throw new LatentGpuError('bad-input', problem.message);
  }

  private grow(need: number): void {
    const length = Math.min(Math.max(need, this.most), Math.max(need, 2 * this.values.length));
    const grown = new Float32Array(length);
    grown.set(this.values);
    this.values = grown;
  }

  private number(cell: string, column: number): number {
    const value = Number(cell);
    // `Number` alone also takes "", "0x10" and "Infinity".
    if (NUMBER.test(cell) && Number.isFinite(Math.fround(value))) return value;
    throw this.bad(`${this.place(column)} ${fault(cell)}`);
  }

  private text(cell: string, column: number): string {
    if (cell !== '') return cell;
    throw this.bad(`${this.place(column)} is empty; every row needs a label`);
  }

  private place(column: number): string {
    const heading = this.names?.[column];
    return `line ${this.line}, column ${column + 1}${heading ? ` (${quote(heading)})` : ''}`;
  }

  finish(): CsvTable {
    const { names, rows, columns } = this;
    if (this.width === 0) throw this.bad('is empty');
    if (rows === 0) throw this.bad('has a header and no rows of numbers');
    const values = this.values.subarray(0, rows * columns);
    if (
      names?.[0] === '' &&
      this.label !== 0 &&
      values.every((value, i) => i % columns > 0 || value === i / columns)
    ) {
      throw this.bad(
        'its first column has no name and counts the rows: an index, not data; save it without, as to_csv(index=False) does',
      );
    }
    const { compare } = new Intl.Collator('en', { numeric: true });
    const classes = [...new Set(this.texts)].sort((a, b) => compare(a, b) || (a < b ? -1 : 1));
    const indices = new Map(classes.map((text, index) => [text, index]));
    const labels = Uint32Array.from(this.texts, (text) => indices.get(text) as number);
    const features = names?.filter((_, column) => column !== this.label);
    return {
      names: features,
      rows,
      columns,
      values,
      labels: this.label < 0 ? undefined : labels,
      classes,
    };
  }
}

/**
 * Names, not numbers; or names of which some are whole numbers, as years are, after a first that is
 * none. A first row of numbers with a fault in it is no header.
 */
function isHeader(cells: readonly string[]): boolean {
  const isNumber = cells.map((cell) => NUMBER.test(cell));
  const words = cells.filter((cell, i) => !isNumber[i] && cell !== '' && !NOT_FINITE.test(cell));
  if (!isNumber.includes(true)) return words.length > 0;
  const others = cells.every((cell, i) => !isNumber[i] || /^\d+$/.test(cell));
  return !isNumber[0] && others && (words.length > 0 || (cells[0] === '' && cells.length > 1));
}

function fault(cell: string): string {
  if (cell === '') return 'is empty; fill it in, or remove the row or the column';
  if (NOT_FINITE.test(cell)) {
    return `holds ${quote(cell)}; fill it in, or remove the row or the column`;
  }
  if (NUMBER.test(cell)) return `holds ${quote(cell)}, which does not fit float32`;
  const isDecimal = /^[+-]?\d+,\d+$/.test(cell);
  const hint = isDecimal
    ? 'write decimals with a point'
    : 'name a column of classes with --label-column';
  return `holds ${quote(cell)}, which is no number; ${hint}`;
}
