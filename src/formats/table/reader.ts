// Rows of a table as they come: what is a row, what the first ones say of the columns, what is to be remarked.
import { LatentGpuError } from '../../errors.ts';
import { alike, wantedNames } from './alike.ts';
import { classIndices } from './classes.ts';
import { Columns, type Layout } from './columns.ts';
import type { CsvTable } from './csv-table.ts';
import { BLANKS, cellsOf, type Dialect, isComment } from './dialect.ts';
import { headingsAgain, type Row, readFirstRow, startOf, wordyOf } from './first-row.ts';
import { isUnknown } from './number.ts';
import type { LabelColumn, TableOptions } from './options.ts';
import * as remarks from './remarks.ts';
import { RowValues } from './row-values.ts';
import { UnnamedColumns } from './unnamed.ts';

/** Rows that are looked at before it is said what the first one is. */
const SAMPLE = 100;

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
  readonly columns: Columns;
  readonly layout: Layout;
  /** Cells of a row. */
  readonly width: number;
  readonly values: RowValues;
}

export class TableReader {
  private readonly source: Source;
  /** Lines seen so far. */
  private line = 0;
  /** Rows until it is known what the first one is. */
  private waiting: Row[] = [];
  private known: Known | undefined;
  private comment: string[] | undefined;
  private readonly texts: string[] = [];
  private unnamed = new UnnamedColumns([]);
  /** The first line without a cell that no row has followed yet. */
  private blank = 0;
  /** Whether it has separators, as a row of a spreadsheet. */
  private isBlankRow = false;
  /** What is wrong with blank lines among the first rows, if these make a table at all. */
  private fault: LatentGpuError | undefined;
  /** Comments between the rows that have as many cells as these. */
  private comments = { count: 0, line: 0 };
  private last: Row = { line: 0, cells: [] };
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
    if (isComment(first) && !this.isNumberSign(cells)) {
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
    if (this.fault) throw this.fault;
    const isOpen = width > 1 && rows.every(({ cells }) => cells[width - 1] === '');
    const layout = columns.layout(options, labels, isOpen);
    const { features } = layout;
    const again = headingsAgain(first, this.waiting.slice(1), features);
    if (again) throw this.bad(again);
    const { size } = this.source;
    const wordy = wordyOf(rows, features);
    const table = { ...{ size, name, options, columns, wordy }, delimiter: dialect.delimiter };
    const known = { columns, layout, width, values: new RowValues(table, features) };
    this.known = known;
    this.unnamed = new UnnamedColumns(layout.unnamed);
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
    return cells === 1 ? '; remove it if it is a remark and no row' : '';
  }

  private addRow(cells: readonly string[], known: Known): void {
    const { layout, width, columns, values } = known;
    const row = { line: this.line, cells };
    const fault = this.blank ? this.blankFault(row) : undefined;
    if (fault) throw fault;
    if (cells.length !== width) throw this.ragged(row, width, columns.headings !== undefined);
    values.add(cells, this.line);
    if (layout.label >= 0) this.texts.push(this.text(cells[layout.label] as string, known));
    this.unnamed.add(cells, this.line);
    if (width === values.features.length) return;
    this.last = { line: this.line, cells };
    this.line += linesIn(cells);
  }

  private text(raw: string, { layout, values }: Known): string {
    const cell = raw.trim();
    if (this.source.labels?.mayLack && isUnknown(cell)) return '';
    if (cell !== '') return cell;
    const { columns } = this.known as Known;
    const other = this.source.labels?.isOptional
      ? `, or leave the column out with --drop ${columns.argument(layout.label)}`
      : '';
    throw this.bad(
      `${values.place(layout.label, this.line)} is empty; every row needs a label: fill it in, or remove the row${other}`,
    );
  }

  finish(): CsvTable {
    const known = this.known ?? this.settle();
    const { columns, layout, values } = known;
    if (values.count === 0) {
      const said = remarks.ofComments(this.comments.count, this.comments.line);
      throw this.bad(['has a header and no rows of numbers', ...said].join('; '));
    }
    const gone = this.settleUnnamed(known);
    const { features } = values;
    if (features.length === 0) throw this.bad('has no column of numbers');
    const { name } = this.source;
    const count = features.length;
    const { expected, classes: numbered } = this.source.options;
    const commas = values.remarkOfCommas();
    const at = (row: number, place: number) => values.at(row, place);
    const { line, cells } = this.last;
    const taken = new Set(features);
    this.remarks.push(
      ...(commas ? [commas] : []),
      ...remarks.ofRowNumbers(columns, features, values.count, at),
      ...(expected ? [] : remarks.ofConstants(columns, features, values.count, at)),
      ...remarks.ofComments(this.comments.count, this.comments.line),
      ...remarks.ofTotal(
        cells.filter((_, j) => !taken.has(j)),
        line,
      ),
    );
    if (layout.isReordered) this.remarks.push("its columns are put in the model's order");
    if (expected && !columns.headings && expected.length === count && expected.length > 1) {
      this.remarks.push(`it has no headings, and its columns are taken in the model's order`);
    }
    const { labels, classes } = classIndices(this.texts, numbered);
    if (layout.label >= 0)
      this.remarks.push(
        ...remarks.ofClasses(columns.describe(layout.label), classes, values.count),
      );
    return {
      names: columns.headings && features.map((column) => columns.headings?.[column] as string),
      rows: values.count,
      columns: count,
      values: values.all(),
      labels: layout.label < 0 ? undefined : labels,
      classes: layout.label < 0 ? [] : classes,
      labelColumn: layout.label < 0 ? undefined : columns.nameOf(layout.label),
      dropped: layout.dropped.map((column) => columns.nameOf(column)),
      leftOut: [...gone, ...layout.dropped].map(
        (column) => columns.headings?.[column] ?? String(column + 1),
      ),
      remarks: this.remarks.map((remark) => `${name}: ${remark}`),
    };
  }

  /**
   * Columns without a heading: numbers of the rows are left out, others are features.
   *
   * @returns those that are left out
   */
  private settleUnnamed({ columns, values }: Known): readonly number[] {
    const { kept, gone, remarks: said } = this.unnamed.settle(columns, (why) => this.bad(why));
    this.remarks.push(...said);
    const [first] = kept;
    if (first === undefined) return gone;
    if (this.source.options.expected) {
      throw new LatentGpuError(
        'shape-mismatch',
        `${this.source.name} has a column without a heading (${first + 1}), which the model does not know; leave it out with --drop ${first + 1}`,
      );
    }
    values.widen(this.unnamed, kept);
    return gone;
  }
}

/** Line breaks within the cells of a row. */
function linesIn(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) count += 1;
  }
  return count;
}
