// The numbers of a table's rows, in an array that grows with them.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';
import type { Columns } from './columns.ts';
import { type Cell, grouped, isMissing, isTime, isUnknown, NumberReader, PLAIN } from './number.ts';
import type { TableOptions } from './options.ts';
import type { Thousands } from './quantity.ts';
import type { UnnamedColumns } from './unnamed.ts';
import type { WordColumns, Words } from './words.ts';

const MOST_FLOAT32 = 3.4028235677973366e38;

interface Table {
  /** At least twice as many as there are numbers: of text in bytes. */
  readonly size: number;
  readonly name: string;
  readonly delimiter: string;
  /** What a row's number counts. */
  readonly unit: string;
  readonly options: TableOptions;
  readonly columns: Columns;
  /** What stands between thousands, where that is known. */
  readonly thousands?: Thousands | undefined;
  /** Those of which the first rows hold texts. */
  readonly wordy: readonly number[];
  /** Whether cells of the first rows are empty. */
  readonly hasMissing: boolean;
  /** Those that are categories. */
  readonly words: WordColumns;
}

export class RowValues {
  /** Columns whose numbers are kept, in the order of the table. */
  features: readonly number[];
  count = 0;
  private readonly table: Table;
  private readonly numbers: NumberReader;
  private values = new Float64Array(1024);

  constructor(table: Table, features: readonly number[]) {
    this.table = table;
    this.features = features;
    this.numbers = new NumberReader(table.delimiter, table.unit, table.thousands);
  }

  private bad(why: string): LatentGpuError {
    return new LatentGpuError('bad-format', `${this.table.name}: ${why}`);
  }

  /** @throws LatentGpuError `bad-format` for a cell that is no number */
  add(cells: readonly Cell[], line: number): void {
    const { features } = this;
    let at = this.count * features.length;
    if (at + features.length > this.values.length) this.grow(at + features.length);
    for (let i = 0; i < features.length; i++) {
      const column = features[i] as number;
      this.values[at++] = this.number(cells[column] as Cell, column, line);
    }
    this.count += 1;
  }

  private grow(need: number): void {
    const most = Math.ceil((this.table.size + 1) / 2);
    const length = Math.min(Math.max(need, most), Math.max(need, 2 * this.values.length));
    const grown = new Float64Array(length);
    grown.set(this.values);
    this.values = grown;
  }

  private number(stored: Cell, column: number, line: number): number {
    if (this.table.words.has(column)) return this.word(String(stored).trim(), column, line);
    if (typeof stored === 'number' && Math.abs(stored) < MOST_FLOAT32) return stored;
    if (typeof stored === 'bigint') return this.whole(stored, column, line);
    const raw = String(stored);
    // `Number` alone also takes "", "0x10" and "Infinity".
    const cell = PLAIN.test(raw) ? raw : raw.trim();
    if (this.table.options.takesMissing && isUnknown(cell)) return Number.NaN;
    const value = this.numbers.read(cell, line, column);
    if (Math.abs(value as number) > Number.MAX_SAFE_INTEGER && /^[+-]?\d+$/.test(cell)) {
      // As JavaScript writes float64.
      if (String(value) !== cell) return this.whole(BigInt(cell), column, line);
    }
    if (typeof value === 'string') {
      const remedy = value.endsWith('; ') ? this.remedy(cell, column) : '';
      throw this.bad(`${this.place(column, line)} ${value}${remedy}`);
    }
    if (Math.abs(value) < MOST_FLOAT32) return value;
    const way = this.isModels(column)
      ? 'correct it, or remove the row'
      : `write the column in larger units, or leave it out with --drop ${this.table.columns.argument(column)}`;
    throw this.bad(
      `${this.place(column, line)} holds ${JSON.stringify(cell)}, which does not fit float32; ${way}`,
    );
  }

  private word(cell: string, column: number, line: number): number {
    const { options, words, name } = this.table;
    if (isUnknown(cell) && !words.hasNone(cell, column)) {
      if (options.takesMissing) {
        words.miss(cell, column);
        return Number.NaN;
      }
      throw this.bad(
        `${this.place(column, line)} is ${cell === '' ? 'empty' : quote(cell)}; ${this.remedy(cell, column)}${words.wayOfNone(cell, column)}`,
      );
    }
    return words.code(cell, column, () => `${name}: ${this.place(column, line)}`);
  }

  /** The columns of words, whose numbers are put in order. @throws as {@link WordColumns.settle} */
  settleWords(): readonly Words[] {
    const { words, name } = this.table;
    return words.settle(this.count, name).map(({ of, order }) => {
      const place = this.features.indexOf(of.column);
      for (let row = 0; row < this.count; row++) {
        const at = row * this.features.length + place;
        this.values[at] = order[this.values[at] as number] ?? Number.NaN;
      }
      return of;
    });
  }

  /** Whether a model that is there already takes the column, so that it cannot be left out. */
  private isModels(column: number): boolean {
    const { options, columns } = this.table;
    return (
      options.expected !== undefined &&
      columns.headings !== undefined &&
      options.expected.includes(columns.headings[column] as string)
    );
  }

  private whole(stored: bigint, column: number, line: number): number {
    const value = Number(stored);
    if (Number.isSafeInteger(value) || BigInt(value) === stored) return value;
    throw this.bad(
      `${this.place(column, line)} holds ${stored}, a whole number beyond 2^53 that float64 does not hold; leave the column out with --drop ${this.table.columns.argument(column)}`,
    );
  }

  private remedy(cell: string, column: number): string {
    const { columns, options, words } = this.table;
    const wordy = this.table.wordy.filter((other) => !words.has(other));
    const name = columns.argument(column);
    const { isSeries, isOther, bothRemedy = '' } = options;
    const hasWords = words.size > 0 || wordy.length > 0;
    const remedyOf = (own = '', isOfBoth: boolean) => (isOfBoth ? bothRemedy : own);
    const missingRemedy = options.takesMissing ? '' : remedyOf(options.missingRemedy, hasWords);
    const wordsRemedy = options.takesWords
      ? ''
      : remedyOf(options.wordsRemedy, this.table.hasMissing);
    if (columns.headings?.[column] === cell) return 'it is the heading again: remove the row';
    // What takes missing values has taken those that are beyond doubt.
    const takes = options.takesMissing ? 'empty the cell if its value is missing' : undefined;
    const correct = `${takes ?? (isMissing(cell) ? 'fill it in' : 'correct it')}, or remove the row`;
    if (this.isModels(column)) return `${correct}${isUnknown(cell) ? missingRemedy : ''}`;
    if (isMissing(cell))
      return `${correct}, or leave the column out with --drop ${name}${isUnknown(cell) ? missingRemedy : ''}`;
    const isOne = wordy.length < 2 || !wordy.includes(column);
    const drop = isOne
      ? `it out with --drop ${name}`
      : `out all that hold text with --drop ${columns.arguments(wordy)}`;
    if (isSeries || isOther || isTime(cell))
      return `leave ${isOne ? `the column out with --drop ${name}` : drop}`;
    const take = options.takesWords
      ? `take its values for categories with --categorical ${name}`
      : '';
    if (!wordy.includes(column))
      return `${correct}, or leave the column out with --drop ${name}${take && `, or ${take}`}`;
    return `${take && `${take}, `}name a column of classes with --label-column ${name}, or leave ${drop}${wordsRemedy}`;
  }

  place(column: number, line: number): string {
    return `${this.table.unit} ${line}, ${this.table.columns.describe(column)}`;
  }

  at(row: number, feature: number): number {
    return this.values[row * this.features.length + feature] as number;
  }

  /** Row after row, [count, features]. */
  all(): Float64Array {
    return this.values.subarray(0, this.count * this.features.length);
  }

  /**
   * Numbers such as 1,234 alone do not tell what their commas are.
   *
   * @returns what is to be said of them, if anything
   * @throws LatentGpuError `bad-format` where the column has whole numbers without a comma, too
   */
  remarkOfCommas(): string | undefined {
    const doubt = this.numbers.doubt();
    if (!doubt) return undefined;
    const place = this.place(doubt.column, doubt.line);
    const { cell, mark } = doubt;
    if (doubt.isMixed) throw this.bad(`${place} ${grouped(cell, mark)}`);
    const name = mark === ',' ? 'comma' : 'point';
    return `${place} holds ${JSON.stringify(cell)}, whose ${name} is read as a decimal mark, and so are all others; if they stand between thousands, write the numbers without them`;
  }

  /** What was taken off numbers before they were read. */
  remarksOfUnits(): string[] {
    const { thousands } = this.table;
    const named = this.features.flatMap((column) => {
      const { unit, cell, line } = this.numbers.units[column] ?? { unit: '' };
      if (!unit) return [];
      return `${this.place(column, line as number)} holds ${JSON.stringify(cell)}, which is read without its ${JSON.stringify(unit)}`;
    });
    if (!thousands) return named;
    const name = thousands.mark === ',' ? 'commas' : 'points';
    return [
      `${this.table.unit} ${thousands.line} holds ${JSON.stringify(thousands.cell)}, so that ${name} are taken for marks between thousands`,
      ...named,
    ];
  }

  /** Columns that are written as codes are. */
  remarksOfCodes(): string[] {
    return this.features.flatMap((column) => {
      const found = this.numbers.padded.get(column);
      if (!found) return [];
      const { columns, options } = this.table;
      const name = columns.argument(column);
      const takes = options.takesWords && !options.expected && !options.isSeries;
      const take = takes ? `--categorical ${name} takes it for categories, ` : '';
      return `${this.place(column, found.line)} holds ${JSON.stringify(found.cell)}, with a zero in front as codes, dates and times have it, and is read as a number; ${take}--drop ${name} leaves it out`;
    });
  }

  /** Takes columns without a heading among the features, in the order of the table. */
  widen(unnamed: UnnamedColumns, kept: readonly number[]): void {
    const features = [...this.features, ...kept].sort((a, b) => a - b);
    const wide = new Float64Array(this.count * features.length);
    features.forEach((column, to) => {
      const from = this.features.indexOf(column);
      for (let row = 0; row < this.count; row++) {
        wide[row * features.length + to] =
          from >= 0
            ? this.at(row, from)
            : this.number(unnamed.cellOf(row, column), column, unnamed.lineOf(row));
      }
    });
    this.values = wide;
    this.features = features;
  }
}
