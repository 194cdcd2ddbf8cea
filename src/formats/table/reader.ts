// Rows of a table of text as they come: what is a row, and what the first ones say of the columns.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';
import { alike, wantedNames } from './alike.ts';
import { Columns } from './columns.ts';
import type { CsvTable } from './csv-table.ts';
import { BLANKS, cellsOf, type Dialect, isComment } from './dialect.ts';
import { isCount, isRule, isUnderline } from './drawn.ts';
import { headingsAgain, type Row, readFirstRow, SAMPLE, startOf } from './first-row.ts';
import { layoutOf } from './layout.ts';
import type { LabelColumn, TableOptions } from './options.ts';
import { ofComments } from './remarks.ts';
import { TableRows } from './rows.ts';

interface Source {
  /** Of the file in bytes: a number and what separates it take two of them. */
  readonly size: number;
  readonly dialect: Dialect;
  readonly name: string;
  readonly labels: LabelColumn | undefined;
  readonly options: TableOptions;
}

/** What is known once the first rows have been seen. */
interface Known {
  /** Cells of a row. */
  readonly width: number;
  readonly rows: TableRows;
}

/** Of few rows it has to be asked more. */
const MAY_BE_DRAWN = /^\s*($|[-+|=:]*[-=]+[-+|=:]*\s*|:|\(\d|\d+ row)/;

export class TableReader {
  private readonly source: Source;
  /** Lines seen so far. */
  private line = 0;
  /** Rows until it is known what the first one is. */
  private waiting: Row[] = [];
  private known: Known | undefined;
  private comment: string[] | undefined;
  /** The first line without a cell that no row has followed yet. */
  private blank = 0;
  /** Whether it has separators, as a row of a spreadsheet. */
  private isBlankRow = false;
  /** What is wrong with blank lines among the first rows, if these make a table at all. */
  private fault: LatentGpuError | undefined;
  /** Comments between the rows that have as many cells as these. */
  private comments = { count: 0, line: 0 };
  private readonly remarks: string[] = [];

  constructor(source: Source) {
    this.source = source;
    if (source.dialect.hasDirective) this.line = -1;
  }

  private bad(why: string): LatentGpuError {
    return new LatentGpuError('bad-format', `${this.source.name}: ${why}`);
  }

  /** @param text whole lines, without the last line break */
  addPiece(text: string): void {
    const { dialect } = this.source;
    const rows = cellsOf(text, dialect, (line, why) =>
      this.bad(`line ${Math.max(this.line, 0) + line + 1}: ${why}`),
    );
    for (const cells of rows) this.add(cells);
  }

  private add(cells: readonly string[]): void {
    this.line += 1;
    if (this.line === 0) {
      this.line = 1;
      return;
    }
    const first = cells[0] as string;
    if (this.isDrawn(cells)) return;
    const start = first.includes('#') ? cells.slice(0, 2).join(',') : first;
    if (isComment(start, this.source.dialect) && !this.isNumberSign(cells)) {
      const width = this.known?.width ?? this.waiting[0]?.cells.length;
      if (cells.length === width && width > 1 && this.source.dialect.delimiter !== BLANKS) {
        const { count, line } = this.comments;
        this.comments = { count: count + 1, line: line || this.line };
      }
      if (!this.known)
        this.comment = [first.trim().slice(1), ...cells.slice(1)].map((cell) => cell.trim());
      return;
    }
    if (first.trim() === '' && cells.every((cell) => cell.trim() === '')) {
      // A row of separators alone weighs more than a line without anything.
      if (!this.blank || (cells.length > 1 && !this.isBlankRow)) this.blank = this.line;
      this.isBlankRow ||= cells.length > 1;
      return;
    }
    if (this.known) {
      this.addRow(cells, this.known);
      return;
    }
    const row = { line: this.line, cells: cells.map((cell) => cell.trim()) };
    this.waiting.push(row);
    this.line += linesIn(cells);
    if (this.waiting.length === 1) {
      this.blank = 0;
      this.isBlankRow = false;
    } else if (this.blank) this.fault ??= this.blankFault(row);
    if (this.waiting.length === SAMPLE) this.settle();
  }

  /** Whether a line is there for people to see where rows begin and end. */
  private isDrawn(cells: readonly string[]): boolean {
    if (!MAY_BE_DRAWN.test(cells[0] as string)) return false;
    const line = cells.join(this.source.dialect.delimiter);
    const isBelow = !this.known && this.waiting.length === 1;
    return isRule(line) || isCount(line) || (isBelow && isUnderline(line));
  }

  /** Whether these are headings of which the first is `#`, for the numbers of the rows. */
  private isNumberSign(cells: readonly string[]): boolean {
    const isFirst = !this.known && this.waiting.length === 0;
    const { delimiter } = this.source.dialect;
    return isFirst && delimiter !== BLANKS && cells[0] === '#' && cells.length > 1;
  }

  /** Blank lines part rows; in a column, or between separators, they are values that are missing. */
  private blankFault({ cells }: Row): LatentGpuError | undefined {
    const { blank } = this;
    const isColumn =
      cells.length === 1 && (this.known?.width ?? this.waiting[0]?.cells.length) === 1;
    const isFault = blank > 0 && (this.isBlankRow || isColumn);
    this.blank = 0;
    this.isBlankRow = false;
    return isFault ? this.bad(`line ${blank} is empty; fill it in, or remove it`) : undefined;
  }

  /** A spreadsheet's title has a line of as many cells, of which one is filled, and an empty line below it. */
  private titleFault({ line, cells }: Row): LatentGpuError | undefined {
    const [, next] = this.waiting;
    const isTitle = cells.length > 2 && cells.filter((cell) => cell !== '').length === 1;
    if (!isTitle || !next || next.cells.includes('')) return undefined;
    return this.bad(
      `line ${line} holds one cell (${quote(cells.join(''))}); remove the lines above the table, which seems to begin in line ${next.line}`,
    );
  }

  private settle(): Known {
    const { options, labels, name, dialect } = this.source;
    const [written] = this.waiting;
    if (!written) throw this.bad('is empty');
    const names = wantedNames(options, labels);
    const first = { ...written, cells: alike(written.cells, names) };
    this.waiting[0] = first;
    const start = startOf(this.waiting);
    const isBelow = start !== undefined && start !== this.waiting[1];
    if (isBelow) throw this.ragged(start, first.cells.length, false, start);
    const { headings, isRow, remark } = readFirstRow(
      this.waiting,
      dialect.delimiter === BLANKS ? undefined : this.comment && alike(this.comment, names),
      dialect,
      options,
      labels,
      name,
    );
    if (remark) this.remarks.push(remark);
    const width = headings?.length ?? first.cells.length;
    const columns = new Columns(headings, width, name);
    const rows = isRow ? this.waiting.slice(1) : this.waiting;
    const ragged = rows.find(({ cells }) => cells.length !== width);
    if (ragged) throw this.ragged(ragged, width, headings !== undefined, start);
    if (this.fault) throw this.titleFault(first) ?? this.fault;
    const isOpen = width > 1 && rows.every(({ cells }) => cells[width - 1] === '');
    const layout = layoutOf(columns, options, labels, isOpen);
    const { delimiter, thousands } = dialect;
    const source = { ...this.source, delimiter, thousands, unit: 'line' as const };
    const known = { width, rows: new TableRows(source, columns, layout, rows) };
    const again = headingsAgain(first, this.waiting.slice(1), known.rows.numeric);
    if (again) throw this.bad(again);
    this.known = known;
    const { line, blank } = this;
    this.blank = 0;
    for (const row of rows) {
      this.line = row.line;
      this.addRow(row.cells, known);
    }
    this.line = line;
    this.blank = blank;
    this.waiting = [];
    return known;
  }

  /** @param start the row with which the table seems to begin, if there are others above it */
  private ragged(
    { cells: { length: cells }, line }: Row,
    width: number,
    isNamed: boolean,
    start?: Row,
  ): LatentGpuError {
    const first = isNamed ? 'the header' : 'the first row';
    const hint = this.raggedHint(cells, width, start);
    return this.bad(
      `line ${line} has ${cells} ${cells === 1 ? 'column' : 'columns'} and ${first} ${width}${hint}`,
    );
  }

  private raggedHint(cells: number, width: number, start: Row | undefined): string {
    const [first, second] = this.waiting;
    if (start && (width === 1 || start !== second))
      return `; remove the lines above the table, which seems to begin in line ${start.line}`;
    if (width === 1) return '; remove the lines above the table';
    if (cells === 2 * width && this.source.dialect.delimiter === ',')
      return '; if commas are decimal marks, part the cells by semicolons';
    if (start) return `; remove line ${first?.line} if it is none of the table`;
    if (cells === 1) return '; remove it if it is a remark and no row';
    return cells < width
      ? '; fill it up, or remove it if it is no row of the table'
      : `; quote a cell that holds ${nameOf(this.source.dialect.delimiter)}, or remove the row`;
  }

  private addRow(cells: readonly string[], { rows, width }: Known): void {
    const row = { line: this.line, cells };
    const fault = this.blank ? this.blankFault(row) : undefined;
    if (fault) throw fault;
    if (cells.length !== width) throw this.ragged(row, width, rows.columns.headings !== undefined);
    rows.add(cells, this.line);
    if (!rows.isNumeric) this.line += linesIn(cells);
  }

  finish(): CsvTable {
    const { rows } = this.known ?? this.settle();
    return rows.finish({
      first: this.remarks,
      comments: ofComments(this.comments.count, this.comments.line),
    });
  }
}

const nameOf = (delimiter: string) =>
  ({ ',': 'a comma', ';': 'a semicolon', '\t': 'a tab', [BLANKS]: 'a blank' })[delimiter] ??
  quote(delimiter);

/** Line breaks within the cells of a row. */
function linesIn(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) count += 1;
  }
  return count;
}
