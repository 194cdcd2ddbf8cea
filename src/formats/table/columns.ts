// Where columns of a table are, in the words of a person.
import { LatentGpuError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { listed, quote } from '../message.ts';
import type { LabelColumn } from './options.ts';

/** For a command line. */
const shellQuoted = (text: string) =>
  /^[\w.:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

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
  numberOf(column: number): number {
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

  private theirNames(wanted: string): string {
    const { headings, width } = this;
    if (!headings) return `it has no headings, and ${width} columns, by number from 1`;
    const guess = nearest(wanted, headings);
    return `did you mean ${quote(guess)}? Its columns are ${listed(headings)}`;
  }

  mistake(why: string): LatentGpuError {
    return new LatentGpuError('bad-input', `${this.file} ${why}`);
  }

  private problem(why: string): LatentGpuError {
    return new LatentGpuError('bad-input', `${this.file}: ${why}`);
  }

  mismatch(why: string): LatentGpuError {
    return new LatentGpuError('shape-mismatch', `${this.file} ${why}`);
  }
}
