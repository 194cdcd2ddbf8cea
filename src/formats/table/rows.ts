// Rows of a table whose columns are known: their numbers and classes, and what is to be said of them in the end.
import { LatentGpuError } from '../../errors.ts';
import { classIndices } from './classes.ts';
import type { Columns } from './columns.ts';
import type { CsvTable } from './csv-table.ts';
import { type Row, wordyOf } from './first-row.ts';
import type { Layout } from './layout.ts';
import { type Cell, isUnknown } from './number.ts';
import type { LabelColumn, TableOptions } from './options.ts';
import type { Thousands } from './quantity.ts';
import * as remarks from './remarks.ts';
import { RowValues } from './row-values.ts';
import { UnnamedColumns } from './unnamed.ts';
import { WordColumns } from './words.ts';

export interface RowsOf {
  /** At least twice as many as there are numbers. */
  readonly size: number;
  readonly name: string;
  /** What stands between cells of text. */
  readonly delimiter: string;
  /** What a row's number counts. */
  readonly unit: 'line' | 'row';
  readonly labels: LabelColumn | undefined;
  readonly options: TableOptions;
  /** What stands between thousands, where that is known. */
  readonly thousands?: Thousands | undefined;
  /** Whether its columns are pixels, of which nothing is said one by one. */
  readonly isOfImages?: boolean;
}

/** What is remarked before and after what the numbers tell. */
export interface Said {
  readonly first: readonly string[];
  readonly comments: readonly string[];
}

export class TableRows {
  readonly columns: Columns;
  /** Features of which the first rows do not mostly hold texts. */
  readonly numeric: readonly number[];
  private readonly source: RowsOf;
  private readonly layout: Layout;
  private readonly values: RowValues;
  private readonly words: WordColumns;
  private readonly unnamed: UnnamedColumns;
  private readonly texts: string[] = [];
  private last: { readonly line: number; readonly cells: readonly Cell[] } = { line: 0, cells: [] };

  /** @param sample the first rows, trimmed */
  constructor(source: RowsOf, columns: Columns, layout: Layout, sample: readonly Row[]) {
    const { features } = layout;
    this.source = source;
    this.columns = columns;
    this.layout = layout;
    const wordy = wordyOf(sample, features);
    this.numeric = features.filter((column) => !wordy.includes(column));
    this.words = new WordColumns(columns, features, sample, wordy, source.options);
    const hasMissing = sample.some(({ cells }) =>
      features.some((column) => isUnknown(cells[column] as string)),
    );
    this.values = new RowValues(
      { ...source, columns, wordy, hasMissing, words: this.words },
      features,
    );
    this.unnamed = new UnnamedColumns(layout.unnamed);
  }

  private bad(why: string): LatentGpuError {
    return new LatentGpuError('bad-format', `${this.source.name}: ${why}`);
  }

  /** Whether every column is one of numbers. */
  get isNumeric(): boolean {
    return this.columns.width === this.values.features.length && this.words.size === 0;
  }

  /**
   * @param cells of a whole row
   * @param line where it is, for messages
   * @throws LatentGpuError `bad-format` for a cell that is no number, or a class that is missing
   */
  add(cells: readonly Cell[], line: number): void {
    const { layout, values } = this;
    values.add(cells, line);
    if (layout.label >= 0) this.texts.push(this.text(cells[layout.label] as Cell, line));
    this.unnamed.add(cells, line);
    this.last = { line, cells };
  }

  private text(raw: Cell, line: number): string {
    const cell = String(raw).trim();
    if (this.source.labels?.mayLack && isUnknown(cell)) return '';
    if (cell !== '') return cell;
    const { label } = this.layout;
    const other = this.source.labels?.isOptional
      ? `, or leave the column out with --drop ${this.columns.argument(label)}`
      : '';
    throw this.bad(
      `${this.values.place(label, line)} is empty; every row needs a label: fill it in, or remove the row${other}`,
    );
  }

  /** @throws LatentGpuError `bad-format` for a table without rows or numbers, `bad-input` where more must be said */
  finish({ first, comments }: Said): CsvTable {
    const { columns, layout, values } = this;
    const { name, options } = this.source;
    if (values.count === 0) {
      throw this.bad(['has a header and no rows of numbers', ...comments].join('; '));
    }
    const said = [...first];
    const gone = this.settleUnnamed(said);
    const { features } = values;
    const count = features.length;
    if (count === 0) throw this.bad('has no column of numbers');
    const { expected, classes: numbered } = options;
    const commas = values.remarkOfCommas();
    const words = values.settleWords();
    const anyAt = (row: number, place: number) => values.at(row, place);
    // Of words nothing is said that is of numbers.
    const at = (row: number, place: number) =>
      this.words.has(features[place] as number) ? Number.NaN : values.at(row, place);
    const numbers = features.flatMap((column, place) => (this.words.has(column) ? [] : [place]));
    const { line, cells } = this.last;
    const taken = new Set(features.filter((column) => !this.words.has(column)));
    const others = cells.filter((_, j) => !taken.has(j)).map(String);
    const seen = [columns, features, values.count, at] as const;
    const ofColumns = this.source.isOfImages
      ? []
      : [
          ...(expected ? [] : remarks.ofDates(...seen)),
          ...remarks.ofFills(...seen),
          ...remarks.ofRowNumbers(...seen),
          ...(expected ? [] : remarks.ofConstants(columns, features, values.count, anyAt)),
        ];
    said.push(
      ...this.words.remarks(words, values.count),
      ...(commas ? [commas] : []),
      ...values.remarksOfUnits(),
      ...values.remarksOfCodes(),
      ...ofColumns,
      ...comments,
      ...remarks.ofTotal(others, `${this.source.unit} ${line}`),
      ...remarks.ofSum(numbers, values.count, at, `${this.source.unit} ${line}`),
    );
    if (layout.remark) said.push(layout.remark);
    if (layout.isReordered) said.push("its columns are put in the model's order");
    if (expected && !columns.headings && expected.length === count && expected.length > 1) {
      said.push(`it has no headings, and its columns are taken in the model's order`);
    }
    const { labels, classes } = classIndices(this.texts, numbered);
    const isLabelled = layout.label >= 0;
    if (isLabelled)
      said.push(...remarks.ofClasses(columns.describe(layout.label), classes, values.count));
    return {
      names: columns.headings && features.map((column) => columns.headings?.[column] as string),
      rows: values.count,
      columns: count,
      values: values.all(),
      words: words.map(({ column, levels }) => {
        const place = features.indexOf(column);
        // Without headings columns are counted among the features, as everywhere behind this.
        const name = columns.headings ? columns.nameOf(column) : String(place + 1);
        return { place, column: name, levels };
      }),
      labels: isLabelled ? labels : undefined,
      classes: isLabelled ? classes : [],
      labelColumn: isLabelled ? columns.nameOf(layout.label) : undefined,
      dropped: layout.dropped.map((column) => columns.nameOf(column)),
      leftOut: [...gone, ...layout.dropped].map(
        (column) => columns.headings?.[column] ?? String(column + 1),
      ),
      remarks: said.map((remark) => `${name}: ${remark}`),
    };
  }

  /**
   * Columns without a heading: numbers of the rows are left out, others are features.
   *
   * @returns those that are left out
   */
  private settleUnnamed(said: string[]): readonly number[] {
    const { columns, values } = this;
    const { kept, gone, remarks } = this.unnamed.settle(columns, (why) => this.bad(why));
    said.push(...remarks);
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
