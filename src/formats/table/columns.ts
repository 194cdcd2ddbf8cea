// Which columns of a table are features, which one holds classes, and which are left out.
import { LatentGpuError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { listed, quote } from '../message.ts';
import type { LabelColumn, TableChoice, TableOptions } from './options.ts';

/** Columns by their numbers, from 0. */
export interface Layout {
  /** Of the features, in their order. */
  readonly features: readonly number[];
  /** -1: none. */
  readonly label: number;
  /** Without a heading, so that they may number the rows. */
  readonly unnamed: readonly number[];
  /** Left out because somebody said so. */
  readonly dropped: readonly number[];
  /** Whether the features are not in the order of the table, because a model wants another. */
  readonly isReordered: boolean;
  /** What is to be said of it. */
  readonly remark?: string;
}

/** What pandas, readr and others call a column that has no name. */
const UNNAMED = /^(|unnamed: \d+(\.\d+)?|\.\.\.\d+|__index_level_\d+__)$/i;

/** For a command line. */
const shellQuoted = (text: string) =>
  /^[\w.:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** What is left of a heading that is written otherwise: its letters and digits. */
const essence = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();

/** How to go on where a heading differs from a wanted one in case or marks alone. */
function meant(wanted: readonly string[], names: readonly string[]): string {
  const others = new Map(names.map((name) => [essence(name), name]));
  for (const name of wanted) {
    const other = others.get(essence(name));
    if (other === undefined || essence(name) === '') continue;
    const more = wanted.length > 1 ? ', and likewise the others' : '';
    return `; if ${quote(other)} is ${quote(name)}, rename it so in the table${more}`;
  }
  return '';
}

/** Columns of which several are stored as one, a list. */
export interface StoredAs {
  /** Headings of those that are stored. */
  readonly names: readonly string[] | undefined;
  /** By column, the number of the one in which it is stored, from 0. */
  readonly numbers: readonly number[];
}

/** Where columns are, in the words of a person. */
export class Columns {
  readonly headings: readonly string[] | undefined;
  readonly width: number;
  private readonly file: string;
  private readonly stored: StoredAs | undefined;

  constructor(
    headings: readonly string[] | undefined,
    width: number,
    file: string,
    stored?: StoredAs,
  ) {
    this.headings = headings;
    this.width = width;
    this.file = file;
    this.stored = stored;
  }

  /** What people count, from 1. */
  private numberOf(column: number): number {
    return (this.stored?.numbers[column] ?? column) + 1;
  }

  /** Columns by such numbers, or of a list by its heading. */
  private storedIn(from: number, to: number): number[] {
    const all = Array.from({ length: this.width }, (_, j) => j);
    return all.filter((j) => this.numberOf(j) >= from && this.numberOf(j) <= to);
  }

  /** What to call a column on a command line: its heading if that is enough, else its number. */
  nameOf(column: number): string {
    const heading = this.headings?.[column] ?? '';
    const isEnough =
      heading !== '' && this.headings?.indexOf(heading) === this.headings?.lastIndexOf(heading);
    return isEnough ? heading : String(this.numberOf(column));
  }

  /**
   * @returns the columns that a text names: a heading, a number from 1, a range `2-5`, or several of
   *   these between commas; undefined if there is none
   */
  private found(text: string): number[] | undefined {
    const { headings, width } = this;
    const at = headings?.indexOf(text) ?? -1;
    if (at >= 0) {
      if (headings?.lastIndexOf(text) === at) return [at];
      throw this.mistake(`has several columns ${quote(text)}; name it by its number, from 1`);
    }
    const list = this.stored?.names?.indexOf(text) ?? -1;
    if (list >= 0) return this.storedIn(list + 1, list + 1);
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
    if (from !== undefined) {
      const [first, last] = [Number(from), Number(to)];
      if (first < 1 || last > this.numberOf(width - 1) || last < first) return undefined;
      return this.storedIn(first, last);
    }
    if (!text.includes(',')) return undefined;
    const parts = text.split(',').map((part) => this.found(part.trim()));
    return parts.includes(undefined) ? undefined : (parts as number[][]).flat();
  }

  /** @param isStrict whether a column that is not there is a mistake */
  find(texts: readonly string[], option: string, isStrict: boolean): number[] {
    return texts.flatMap((text) => {
      const found = this.found(text);
      if (found) return found;
      if (!isStrict) return [];
      throw this.mistake(`has no column ${quote(text)} (${option}); ${this.theirNames(text)}`);
    });
  }

  label(wanted: LabelColumn | undefined): number {
    if (!wanted) return -1;
    const [found, ...more] = this.found(wanted.name) ?? [];
    if (found !== undefined && more.length === 0 && this.width > 1) return found;
    if (wanted.isOptional && found === undefined) return -1;
    const { headings } = this;
    const why =
      found !== undefined && more.length === 0
        ? 'which is the only one'
        : headings
          ? `whose columns are ${listed(headings)}`
          : `which has no header; name it by its number, 1 to ${this.width}`;
    const isMeant = (name: string) => name.toLowerCase() === wanted.name.trim().toLowerCase();
    const meant = headings?.find(isMeant);
    const hint =
      meant === undefined || found !== undefined ? '' : `; did you mean ${quote(meant)}?`;
    throw this.problem(`no column of labels ${quote(wanted.name)} in this table, ${why}${hint}`);
  }

  /** The same as an argument of a command line, in one line. */
  argument(column: number): string {
    const name = this.nameOf(column);
    // What begins with a dash would be an option.
    return /\p{Cc}|^-/u.test(name) ? String(this.numberOf(column)) : shellQuoted(name);
  }

  /** Several of them: by number where these are too many to be named. */
  arguments(columns: readonly number[]): string {
    if (columns.length <= 12) return columns.map((column) => this.argument(column)).join(' ');
    const numbers = [...new Set(columns.map((column) => this.numberOf(column)))];
    const starts = numbers.filter((number, i) => numbers[i - 1] !== number - 1);
    const ends = numbers.filter((number, i) => numbers[i + 1] !== number + 1);
    return starts.map((start, i) => (start === ends[i] ? start : `${start}-${ends[i]}`)).join(' ');
  }

  /** Where a column is, in words. */
  describe(column: number): string {
    const heading = this.headings?.[column];
    return `column ${this.numberOf(column)}${heading ? ` (${quote(heading)})` : ''}`;
  }

  /**
   * @param isOpen whether no row seen so far has anything in the last column, which has no heading
   * @throws LatentGpuError `bad-input` for columns that are not there, `shape-mismatch` if not as expected
   */
  layout(options: TableOptions, labels: LabelColumn | undefined, isOpen: boolean): Layout {
    const { headings, width } = this;
    const { expected, hints = {} } = options;
    const isSaid = options.drop !== undefined || options.columns !== undefined;
    const isTold = (expected && headings) || isSaid || this.lacksDropped(options, labels, isOpen);
    // Of a table with the model's headings, those tell what to take; what is said of this one stands for all of it.
    const more = isTold ? {} : hints;
    const drop = options.drop
      ? this.find(options.drop, '--drop', true)
      : this.find(more.drop ?? [], '--drop', false);
    const asked = options.columns
      ? this.find(options.columns, '--columns', true)
      : this.find(more.columns ?? [], '--columns', false);
    let label = this.label(labels);
    // Of a table that goes with another, classes may be left out.
    if (labels?.isOptional && options.drop && drop.includes(label)) label = -1;
    const all = asked.length > 0 ? [...new Set(asked)] : Array.from({ length: width }, (_, j) => j);
    const kept = all.filter((j) => !drop.includes(j));
    const isUnnamed = (j: number) =>
      asked.length === 0 &&
      (headings ? UNNAMED.test(headings[j] as string) : isOpen && j === width - 1);
    const filled = kept.filter((j) => headings || !isUnnamed(j)).length;
    const wanted = expected?.length ?? options.takes;
    if (!headings && labels?.isOptional && filled === wanted) label = -1;
    const chosen = kept.filter((j) => j !== label);
    const classes = label < 0 ? labels?.name : undefined;
    const ordered =
      expected && headings ? this.ordered(chosen, expected, options, classes) : undefined;
    const features = ordered ?? chosen.filter((j) => !isUnnamed(j));
    const unnamed = chosen.filter((j) => isUnnamed(j) && !features.includes(j));
    const used = new Set([...features, ...unnamed, label]);
    const dropped = Array.from({ length: width }, (_, j) => j).filter((j) => !used.has(j));
    if (features.length + unnamed.length === 0)
      throw this.mistake('has no column left of those taken');
    const isReordered = ordered?.some((j, i) => j < (ordered[i - 1] ?? -1)) ?? false;
    const remark = headings ? undefined : this.remarkOfHints(more, hints, options);
    return { features, label, unnamed, dropped, isReordered, ...(remark && { remark }) };
  }

  /**
   * Whether a table without headings has as many columns as are to be taken, and none of those that were left out of
   * the table with which it goes.
   *
   * @throws LatentGpuError `bad-input` where it may be either
   */
  private lacksDropped(
    { takes, mayBeOneLess, hints, drop, columns }: TableOptions,
    labels: LabelColumn | undefined,
    isOpen: boolean,
  ): boolean {
    const left = hints?.drop ?? hints?.columns;
    if (this.headings || takes === undefined || !left || drop || columns) return false;
    const all = this.width - Number(isOpen);
    const label = this.label(labels);
    const isWhole =
      all - Number(label >= 0) === takes || (labels?.isOptional === true && all === takes);
    const out = new Set([...this.find(hints?.drop ?? [], '--drop', false), label]);
    const taken = this.find(hints?.columns ?? [], '--columns', false);
    const kept = Array.from({ length: all }, (_, j) => j).filter(
      (j) => !out.has(j) && (taken.length === 0 || taken.includes(j)),
    ).length;
    const isLeft = kept === takes || (mayBeOneLess === true && kept === takes - 1);
    if (!isWhole || !isLeft || kept === all - Number(label >= 0)) return isWhole;
    throw this.mistake(
      `has ${all} columns without headings: they may be all that the model takes, or have one that was left out in training and lack another; say which with --columns 1-${all} or --drop ${left.join(' ')}`,
    );
  }

  /** What becomes of what was said of columns of another table. @param used what is made of it */
  private remarkOfHints(
    used: TableChoice,
    { drop, columns: some }: TableChoice,
    { drop: own, columns }: TableOptions,
  ): string | undefined {
    if (own || columns || (!drop && !some)) return undefined;
    const said = [
      ...(some ? [`--columns ${some.join(' ')}`] : []),
      ...(drop ? [`--drop ${drop.join(' ')}`] : []),
    ].join(' ');
    if (used.drop || used.columns) return `it has no headings; as in training: ${said}`;
    return `it has no headings, and ${this.width} columns, as many as the model takes: ${said} of its training is left aside`;
  }

  /** @param classes what the column of classes is called, if it has not been found */
  private ordered(
    chosen: readonly number[],
    all: readonly string[],
    { known = [], mayLack }: TableOptions,
    classes: string | undefined,
  ): number[] {
    const headings = this.headings as readonly string[];
    const names = this.namesTo(all, chosen);
    // There may be a million of them.
    const there = new Set(names);
    const expected = all.filter((name) => name !== mayLack || there.has(name));
    const familiar = new Set([...expected, ...known]);
    const foreign = names.filter((name) => !familiar.has(name) && !UNNAMED.test(name));
    const lacks = expected.filter((name) => !there.has(name));
    const takes = `the model takes ${listed(expected)}`;
    if (lacks.length > 0) {
      const its = names.length > 0 ? `; its columns are ${listed(names)}` : '';
      throw this.mismatch(
        `has no column ${listed(lacks)}, and ${takes}${its}${meant(lacks, names)}`,
      );
    }
    if (foreign.length > 0) {
      const out = this.arguments(foreign.map((name) => headings.indexOf(name)));
      throw this.mismatch(
        `has ${foreign.length === 1 ? 'a column' : 'columns'} ${listed(foreign)}, which the model does not know (${takes}); leave out what is too much with --drop ${out}${meant(classes === undefined ? [] : [classes], foreign)}`,
      );
    }
    const wanted = new Set(expected);
    const own = names.flatMap((name, i) =>
      wanted.has(name) ? [{ name, at: chosen[i] as number }] : [],
    );
    const places = new Map(own.map(({ name, at }) => [name, at]));
    if (places.size === own.length) return expected.map((name) => places.get(name) as number);
    const seen = new Set<string>();
    const twice = own.find(({ name }) => seen.size === seen.add(name).size)?.name as string;
    if (expected.indexOf(twice) === expected.lastIndexOf(twice)) {
      const numbers = chosen.filter((_, i) => names[i] === twice).map((j) => j + 1);
      throw this.mismatch(
        `has ${numbers.length} columns ${quote(twice)}, ${numbers.join(', ')}, and the model takes one; leave out what is too much, as with --drop ${numbers.at(-1)}`,
      );
    }
    // Headings that repeat tell their columns apart by their order alone.
    const kept = own.map(({ at }) => at);
    if (own.map(({ name }) => name).join('\0') === expected.join('\0')) return kept;
    throw this.mismatch(`has headings that repeat, in another order than the model's: ${takes}`);
  }

  /** What a model calls columns: their headings, or a column of words that has none of its own its number. */
  private namesTo(expected: readonly string[], columns: readonly number[]): string[] {
    const headings = this.headings as readonly string[];
    const own = new Set(headings);
    const wanted = new Set(expected.filter((name) => !own.has(name)));
    const times = new Map<string, number>([['', 2]]);
    for (const heading of headings) times.set(heading, 1 + (times.get(heading) ?? 0));
    return columns.map((j) => {
      const [heading, number] = [headings[j] as string, String(this.numberOf(j))];
      return (times.get(heading) ?? 0) > 1 && wanted.has(number) ? number : heading;
    });
  }

  private theirNames(wanted: string): string {
    const { headings, width } = this;
    if (!headings) return `it has no headings, and ${width} columns, by number from 1`;
    const guess = nearest(wanted, headings);
    return `did you mean ${quote(guess)}? Its columns are ${listed(headings)}`;
  }

  private mistake(why: string): LatentGpuError {
    return new LatentGpuError('bad-input', `${this.file} ${why}`);
  }

  private problem(why: string): LatentGpuError {
    return new LatentGpuError('bad-input', `${this.file}: ${why}`);
  }

  private mismatch(why: string): LatentGpuError {
    return new LatentGpuError('shape-mismatch', `${this.file} ${why}`);
  }
}
