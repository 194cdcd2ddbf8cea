// Columns whose cells are lists of numbers of one length, as embeddings and images are kept: each is as many columns.
import type { LatentGpuError } from '../../errors.ts';
import { Columns } from './columns.ts';
import type { Cell } from './number.ts';
import type { TableOptions } from './options.ts';

/** Lengths of a list and of the lists in it. */
export type Extents = readonly number[];

/** Columns as they are stored, and what is found in the first rows of each: undefined where nothing is. */
export interface StoredColumns {
  readonly names: readonly string[] | undefined;
  readonly first: readonly unknown[];
}

/** More than memory holds a row of. */
const MOST = 2 ** 24;

/** The extents of a list of numbers, or of lists of them that are of one length; undefined of all else. */
export function extentsOf(value: unknown): Extents | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const [first] = value as unknown[];
  if (!Array.isArray(first)) return value.every(isPart) ? [value.length] : undefined;
  const inner = extentsOf(first)?.join();
  const isEven = inner !== undefined && value.every((each) => extentsOf(each)?.join() === inner);
  return isEven ? [value.length, ...inner.split(',').map(Number)] : undefined;
}

const isPart = (value: unknown) =>
  value === null || value === undefined || ['number', 'bigint', 'boolean'].includes(typeof value);

const sizeOf = (extents: Extents) => extents.reduce((product, length) => product * length, 1);

/**
 * Which of the columns are wanted for all that is known before their lists are counted.
 *
 * @throws LatentGpuError `bad-input` for a name that several columns have
 */
export function mayBeWanted(
  names: readonly string[] | undefined,
  width: number,
  file: string,
  { drop, columns, hints = {}, expected, known = [] }: TableOptions,
): (column: number) => boolean {
  const stored = new Columns(names, width, file);
  const gone = new Set(stored.find(drop ?? (expected ? [] : (hints.drop ?? [])), '--drop', false));
  const asked = columns ?? (expected ? [] : (hints.columns ?? []));
  const chosen = new Set(stored.find(asked, '--columns', false));
  return (column) => {
    const name = names?.[column];
    if (gone.has(column) || (expected && name !== undefined && known.includes(name))) return false;
    return (
      asked.length === 0 ||
      chosen.has(column) ||
      asked.some((text) => name !== undefined && text.startsWith(`${name}.`))
    );
  };
}

/** A table's columns once each number of a list has its own. */
export class Lists {
  /** Headings, `vector.0` for the first number of a list. */
  readonly headings: readonly string[] | undefined;
  readonly width: number;
  /** Of each column, the number from 0 of the one in which it is stored. */
  readonly stored: readonly number[];
  private readonly names: readonly string[] | undefined;
  private readonly extents: readonly (Extents | undefined)[];
  /** Of each stored column the first of its own. */
  private readonly starts: readonly number[];

  constructor({ names, first }: StoredColumns) {
    this.names = names;
    this.extents = first.map((value) => {
      const extents = extentsOf(value);
      return extents && sizeOf(extents) <= MOST ? extents : undefined;
    });
    const [starts, stored]: [number[], number[]] = [[], []];
    const headings: string[] = [];
    this.extents.forEach((extents, column) => {
      starts.push(stored.length);
      const name = names?.[column] ?? '';
      if (!extents) headings.push(name);
      else for (const place of placesOf(extents)) headings.push(`${name}.${place}`);
      while (stored.length < headings.length) stored.push(column);
    });
    this.starts = starts;
    this.stored = stored;
    this.headings = names && headings;
    this.width = stored.length;
  }

  /** @param headings those of the columns, perhaps written as somebody asks for them */
  columns(headings: readonly string[] | undefined, file: string): Columns {
    const { names, stored } = this;
    return new Columns(headings, this.width, file, { names, numbers: stored });
  }

  /** Whether the cells of a stored column are lists of numbers. */
  isOfLists(column: number): boolean {
    return this.extents[column] !== undefined;
  }

  /**
   * Puts what a stored column has in a row where its numbers go.
   *
   * @param where the row, for messages
   * @throws LatentGpuError as `bad` makes it, for a list of another length than the first
   */
  fill(
    cells: Cell[],
    column: number,
    value: unknown,
    toCell: (value: unknown) => Cell,
    bad: (why: string) => LatentGpuError,
  ): void {
    const extents = this.extents[column];
    const start = this.starts[column] as number;
    if (!extents) {
      cells[start] = toCell(value);
      return;
    }
    const size = sizeOf(extents);
    if (value === null || value === undefined) {
      cells.fill('', start, start + size);
      return;
    }
    let at = start;
    const isAlike = (part: unknown, depth: number): boolean => {
      if (depth === extents.length) {
        cells[at++] = toCell(part);
        return isPart(part);
      }
      if (!Array.isArray(part) || part.length !== extents[depth]) return false;
      return part.every((each) => isAlike(each, depth + 1));
    };
    if (isAlike(value, 0)) return;
    const found = extentsOf(value);
    throw bad(
      `holds ${found ? `a list of [${found}]` : 'what is no such list'}, and the first row one of [${extents}] numbers; bring the lists to one length, or leave the column out with --drop ${new Columns(this.names, this.extents.length, '').argument(column)}`,
    );
  }

  /** Extents of what are images, where these are all that is taken, in their order. */
  imageOf(features: readonly number[]): Extents | undefined {
    const column = this.stored[features[0] as number] as number;
    const extents = this.extents[column];
    if (!extents || extents.length < 2 || features.length !== sizeOf(extents)) return undefined;
    const start = this.starts[column] as number;
    return features.every((feature, i) => feature === start + i) ? extents : undefined;
  }
}

function placesOf([length = 0, ...inner]: Extents): string[] {
  const own = Array.from({ length }, (_, i) => String(i));
  if (inner.length === 0) return own;
  const places = placesOf(inner);
  return own.flatMap((i) => places.map((place) => `${i}.${place}`));
}
