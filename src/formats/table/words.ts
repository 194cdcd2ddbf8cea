// Columns of words as features: a number for each word while rows are read, a category in the end.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';
import { byName, keyOf } from './classes.ts';
import type { Columns } from './columns.ts';
import { type Row, wordyOf } from './first-row.ts';
import { isMissing, isQuantity, isTime } from './number.ts';
import type { TableOptions } from './options.ts';

/** More words than these tell rows apart, and describe nothing. */
const MOST = 256;
/** Of few rows all words may differ. */
const FEW = 20;

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

  /**
   * @param features columns that are to be numbers or categories
   * @param sample the first rows
   * @throws LatentGpuError `bad-input` for a column that was asked for and is not there
   */
  constructor(
    columns: Columns,
    features: readonly number[],
    sample: readonly Row[],
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
      return this.asked.has(column) || holdsWords(sample, column);
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
      const some = `${levels.slice(0, 6).map(quote).join(', ')}${levels.length > 6 ? ', …' : ''}`;
      throw new LatentGpuError(
        'bad-data',
        `${where()} holds ${quote(cell)}, which the data that the model learned from do not have (${some}); correct it, or remove the row`,
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
    return [...this.words].map(([column, words]) => {
      const { levels, isClosed } = words;
      const { columns } = this;
      const bad = (why: string, otherwise = '') =>
        new LatentGpuError(
          'bad-format',
          `${name}: ${columns.describe(column)} ${why}; leave it out with --drop ${columns.argument(column)}${otherwise}`,
        );
      if (isClosed) return { of: { column, levels }, order: levels.map((_, code) => code) };
      if (levels.length === 0) throw bad('holds no word in any row');
      if (!this.asked.has(column) && levels.length > Math.max(FEW, rows / 2)) {
        throw bad(
          `holds ${levels.length} different words in ${rows} rows, as names do`,
          `, or take them for categories with --categorical ${columns.argument(column)}`,
        );
      }
      const sorted = [...levels].sort(byName);
      return { of: { column, levels: sorted }, order: levels.map((word) => sorted.indexOf(word)) };
    });
  }

  /** What is to be said of them. */
  remarks(all: readonly Words[]): string[] {
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

/** Whether a column has words, and neither numbers nor times, as far as it has been seen. */
function holdsWords(sample: readonly Row[], column: number): boolean {
  if (wordyOf(sample, [column]).length === 0) return false;
  const cells = sample.map(({ cells }) => cells[column] as string);
  return !cells.some((cell) => !isMissing(cell) && (isQuantity(cell) || isTime(cell)));
}
