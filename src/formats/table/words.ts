// Columns of words as features: a number for each word while rows are read, a category in the end.
import { LatentGpuError } from '../../errors.ts';
import { listed, quote } from '../message.ts';
import { byName, keyOf } from './classes.ts';
import type { Columns } from './columns.ts';
import type { Row } from './first-row.ts';
import { isMissing, isQuantity, isTime } from './number.ts';
import type { TableOptions } from './options.ts';

/** More words than these tell rows apart, and describe nothing. */
const MOST = 256;
/** Of few rows all words may differ. */
const FEW = 20;

/** What stands for a value that is missing, or is a word: no support, no garage. */
const NONE = /^(none|nil|missing)$/i;

/** What is left of a word that is written otherwise, as `Yes`, `yes` and `yes.`. */
const plain = (word: string) =>
  word
    .toLowerCase()
    .replace(/[\s_]+/g, ' ')
    .replace(/\.$/, '');

/** A column of words, as a table has it. */
export interface Words {
  readonly column: number;
  /** In the order of their numbers. */
  readonly levels: readonly string[];
}

/** What stands in a column whose words are known, or are becoming so. */
class WordColumn {
  private readonly codes = new Map<string, number>();
  private readonly keys = new Map<string, number>();
  /** Whether a model knows all words that there are. */
  readonly isClosed: boolean;

  constructor(known: readonly string[] | undefined) {
    this.isClosed = known !== undefined;
    for (const [code, word] of (known ?? []).entries()) this.keys.set(keyOf(word), code);
  }

  get levels(): string[] {
    return [...this.keys.keys()];
  }

  /** Of trimmed text; undefined for a word that is not known, or one too many. */
  code(cell: string): number | undefined {
    const known = this.codes.get(cell);
    if (known !== undefined) return known;
    const key = keyOf(cell);
    const found = this.keys.get(key) ?? this.added(key);
    if (found !== undefined) this.codes.set(cell, found);
    return found;
  }

  private added(key: string): number | undefined {
    if (this.isClosed || this.keys.size === MOST) return undefined;
    this.keys.set(key, this.keys.size);
    return this.keys.size - 1;
  }
}

export class WordColumns {
  /** By column. */
  private readonly words: ReadonlyMap<number, WordColumn>;
  private readonly columns: Columns;
  private readonly asked: ReadonlySet<number>;
  /** By column, what was taken for missing and may be a word. */
  private readonly missed = new Map<number, { readonly cell: string; readonly count: number }>();

  /**
   * @param features columns that are to be numbers or categories
   * @param sample the first rows
   * @param wordy columns of which most of these are texts
   * @throws LatentGpuError `bad-input` for a column that was asked for and is not there
   */
  constructor(
    columns: Columns,
    features: readonly number[],
    sample: readonly Row[],
    wordy: readonly number[],
    options: TableOptions,
  ) {
    const { categories, categorical, hints, takesWords, isSeries } = options;
    this.columns = columns;
    const known = knownIn(features, options);
    this.asked = new Set(
      categorical
        ? columns.find(categorical, '--categorical', true)
        : columns.find(hints?.categorical ?? [], '--categorical', false),
    );
    const numeric = [...this.asked].find((column) => !known.has(column));
    if (categories && categorical && numeric !== undefined) {
      throw new LatentGpuError(
        'bad-input',
        `--categorical: ${columns.describe(numeric)} holds numbers to the model; leave it out`,
      );
    }
    const isOfWords = (column: number) => {
      if (categories) return known.has(column);
      if (!takesWords || isSeries) return false;
      return this.asked.has(column) || (wordy.includes(column) && isOfWordsAlone(sample, column));
    };
    this.words = new Map(
      features.filter(isOfWords).map((column) => [column, new WordColumn(known.get(column))]),
    );
  }

  get size(): number {
    return this.words.size;
  }

  has(column: number): boolean {
    return this.words.has(column);
  }

  /** Whether a cell that may stand for a missing value is a word: to the model, or because somebody said so. */
  hasNone(cell: string, column: number): boolean {
    const words = this.words.get(column) as WordColumn;
    if (!NONE.test(cell)) return false;
    return words.isClosed ? words.code(cell) !== undefined : this.asked.has(column);
  }

  /** A cell was taken for a missing value. */
  miss(cell: string, column: number): void {
    if (!NONE.test(cell) || this.words.get(column)?.isClosed) return;
    const { count, cell: first } = this.missed.get(column) ?? { count: 0, cell };
    this.missed.set(column, { cell: first, count: count + 1 });
  }

  /** How such a cell is made a word, for a message. */
  wayOfNone(cell: string, column: number): string {
    if (!NONE.test(cell) || this.words.get(column)?.isClosed) return '';
    return `, or take it for a word with --categorical ${this.columns.argument(column)}`;
  }

  /**
   * The number of a word.
   *
   * @param where of the cell, for messages
   * @throws LatentGpuError `bad-format`, or `bad-data` for a word that the model does not know
   */
  code(cell: string, column: number, where: () => string): number {
    const words = this.words.get(column) as WordColumn;
    const found = words.code(cell);
    if (found !== undefined) return found;
    const { columns } = this;
    if (words.isClosed) {
      const { levels } = words;
      throw new LatentGpuError(
        'bad-data',
        `${where()} holds ${quote(cell)}, which the data that the model learned from do not have (${listed(levels)}); correct it, or remove the row`,
      );
    }
    throw new LatentGpuError(
      'bad-format',
      `${where()} holds ${quote(cell)}, and so more than ${MOST} different words, too many for categories; ${this.asked.has(column) ? 'take it out of --categorical, or ' : ''}leave the column out with --drop ${columns.argument(column)}`,
    );
  }

  /**
   * The categories with their words in order, and what the numbers given so far become.
   *
   * @param name of the file, for messages
   * @throws LatentGpuError `bad-format` for a column of names, or without a word
   */
  settle(rows: number, name: string): { readonly of: Words; readonly order: readonly number[] }[] {
    const { columns } = this;
    this.refuseNames(rows, name);
    return [...this.words].map(([column, words]) => {
      const { levels, isClosed } = words;
      if (isClosed) return { of: { column, levels }, order: levels.map((_, code) => code) };
      if (levels.length === 0) {
        const why = `${name}: ${columns.describe(column)} holds no word in any row`;
        const way = `leave it out with --drop ${columns.argument(column)}`;
        throw new LatentGpuError('bad-format', `${why}; ${way}`);
      }
      const sorted = [...levels].sort(byName);
      return { of: { column, levels: sorted }, order: levels.map((word) => sorted.indexOf(word)) };
    });
  }

  /** @throws LatentGpuError `bad-format` naming all columns whose words tell rows apart, in one line */
  private refuseNames(rows: number, name: string): void {
    const { columns } = this;
    const named = [...this.words].filter(
      ([column, { levels, isClosed }]) =>
        !isClosed && !this.asked.has(column) && levels.length > Math.max(FEW, rows / 2),
    );
    const [first, ...others] = named;
    if (!first) return;
    const [isOne, many] = [others.length === 0, named.map(([, { levels }]) => levels.length)];
    const what = isOne
      ? `${columns.describe(first[0])} holds ${many} different words in ${rows} rows, as names do`
      : `columns ${named.map(([column]) => quote(columns.nameOf(column))).join(', ')} hold ${many.join(', ')} different words in ${rows} rows, as names do`;
    const names = columns.arguments(named.map(([column]) => column));
    throw new LatentGpuError(
      'bad-format',
      `${name}: ${what}; leave ${isOne ? 'it' : 'them'} out with --drop ${names}, or take them for categories with --categorical ${names}`,
    );
  }

  /** What in them may not be meant. @param rows of the table */
  private doubts(all: readonly Words[], rows: number): string[] {
    const { columns } = this;
    const missed = [...this.missed].map(
      ([column, { cell, count }]) =>
        `${columns.describe(column)} holds ${quote(cell)} in ${count} of ${rows} rows, which is taken for a missing value; --categorical ${columns.argument(column)} takes it for a word`,
    );
    const alike = all.flatMap(({ column, levels }) => {
      if (this.words.get(column)?.isClosed) return [];
      const seen = new Map<string, string>();
      for (const word of levels) {
        const other = seen.get(plain(word));
        if (other === undefined) seen.set(plain(word), word);
        else
          return `${columns.describe(column)} holds ${quote(other)} and ${quote(word)}, which are taken for two words; write them alike if they are one`;
      }
      return [];
    });
    return [...missed, ...alike];
  }

  /** What is to be said of them. @param rows of the table */
  remarks(all: readonly Words[], rows: number): string[] {
    return [...this.taken(all), ...this.doubts(all, rows)];
  }

  private taken(all: readonly Words[]): string[] {
    const { columns } = this;
    const news = all.filter(
      ({ column }) => !this.words.get(column)?.isClosed && !this.asked.has(column),
    );
    if (news.length === 0) return [];
    const [first, ...others] = news.map(({ column, levels }, i) => {
      const count = i === 0 ? `${levels.length} words` : levels.length;
      return `${quote(columns.nameOf(column))} (${count})`;
    });
    const names = columns.arguments(news.map(({ column }) => column));
    return others.length === 0
      ? [
          `column ${first} is taken for a category; --drop ${names} leaves it out, --label-column ${names} sets it apart as classes`,
        ]
      : [
          `columns ${[first, ...others].join(', ')} are taken for categories; --drop ${names} leaves them out, --label-column sets one apart as classes`,
        ];
  }
}

/**
 * Levels of the categories of a table with which this one goes. By place, too, as one of the two may have no headings:
 * columns come in the other's order.
 */
function knownIn(
  features: readonly number[],
  { categories = [], expected, mayLack }: TableOptions,
): ReadonlyMap<number, readonly string[]> {
  const isWhole = expected?.length === features.length;
  const names = isWhole ? expected : expected?.filter((name) => name !== mayLack);
  let before = 0;
  return new Map(
    categories.flatMap(({ column, at, levels }) => {
      const found = features[names ? names.indexOf(column) : at - before];
      before += levels.length - 1;
      return found === undefined ? [] : [[found, levels]];
    }),
  );
}

/** Whether a column has neither numbers nor times, as far as it has been seen. */
function isOfWordsAlone(sample: readonly Row[], column: number): boolean {
  const cells = sample.map(({ cells }) => cells[column] as string);
  return !cells.some((cell) => !isMissing(cell) && (isQuantity(cell) || isTime(cell)));
}
