// Which columns of a table are features, which one holds classes, and which are left out.
import { listed, quote } from '../message.ts';
import type { Columns } from './columns.ts';
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

/**
 * @param isOpen whether no row seen so far has anything in the last column, which has no heading
 * @throws LatentGpuError `bad-input` for columns that are not there, `shape-mismatch` if not as expected
 */
export function layoutOf(
  table: Columns,
  options: TableOptions,
  labels: LabelColumn | undefined,
  isOpen: boolean,
): Layout {
  const { headings, width } = table;
  const { expected, hints = {} } = options;
  const isSaid = options.drop !== undefined || options.columns !== undefined;
  const isTold = (expected && headings) || isSaid || lacksDropped(table, options, labels, isOpen);
  // Of a table with the model's headings, those tell what to take; what is said of this one stands for all of it.
  const more = isTold ? {} : hints;
  const drop = options.drop
    ? table.find(options.drop, '--drop', true)
    : table.find(more.drop ?? [], '--drop', false);
  const asked = options.columns
    ? table.find(options.columns, '--columns', true)
    : table.find(more.columns ?? [], '--columns', false);
  let label = table.label(labels);
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
  const inOrder =
    expected && headings ? ordered(table, chosen, expected, options, classes) : undefined;
  const features = inOrder ?? chosen.filter((j) => !isUnnamed(j));
  const unnamed = chosen.filter((j) => isUnnamed(j) && !features.includes(j));
  const used = new Set([...features, ...unnamed, label]);
  const dropped = Array.from({ length: width }, (_, j) => j).filter((j) => !used.has(j));
  if (features.length + unnamed.length === 0)
    throw table.mistake('has no column left of those taken');
  const isReordered = inOrder?.some((j, i) => j < (inOrder[i - 1] ?? -1)) ?? false;
  const remark = headings ? undefined : remarkOfHints(table, more, hints, options);
  return { features, label, unnamed, dropped, isReordered, ...(remark && { remark }) };
}

/**
 * Whether a table without headings has as many columns as are to be taken, and none of those that were left out of
 * the table with which it goes.
 *
 * @throws LatentGpuError `bad-input` where it may be either
 */
function lacksDropped(
  table: Columns,
  { takes, mayBeOneLess, hints, drop, columns }: TableOptions,
  labels: LabelColumn | undefined,
  isOpen: boolean,
): boolean {
  const left = hints?.drop ?? hints?.columns;
  if (table.headings || takes === undefined || !left || drop || columns) return false;
  const all = table.width - Number(isOpen);
  const label = table.label(labels);
  const isWhole =
    all - Number(label >= 0) === takes || (labels?.isOptional === true && all === takes);
  const out = new Set([...table.find(hints?.drop ?? [], '--drop', false), label]);
  const taken = table.find(hints?.columns ?? [], '--columns', false);
  const kept = Array.from({ length: all }, (_, j) => j).filter(
    (j) => !out.has(j) && (taken.length === 0 || taken.includes(j)),
  ).length;
  const isLeft = kept === takes || (mayBeOneLess === true && kept === takes - 1);
  if (!isWhole || !isLeft || kept === all - Number(label >= 0)) return isWhole;
  throw table.mistake(
    `has ${all} columns without headings: they may be all that the model takes, or have one that was left out in training and lack another; say which with --columns 1-${all} or --drop ${left.join(' ')}`,
  );
}

/** What becomes of what was said of columns of another table. @param used what is made of it */
function remarkOfHints(
  table: Columns,
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
  return `it has no headings, and ${table.width} columns, as many as the model takes: ${said} of its training is left aside`;
}

/** @param classes what the column of classes is called, if it has not been found */
function ordered(
  table: Columns,
  chosen: readonly number[],
  all: readonly string[],
  { known = [], mayLack }: TableOptions,
  classes: string | undefined,
): number[] {
  const headings = table.headings as readonly string[];
  const names = namesTo(table, all, chosen);
  // There may be a million of them.
  const there = new Set(names);
  const expected = all.filter((name) => name !== mayLack || there.has(name));
  const familiar = new Set([...expected, ...known]);
  const foreign = names.filter((name) => !familiar.has(name) && !UNNAMED.test(name));
  const lacks = expected.filter((name) => !there.has(name));
  const takes = `the model takes ${listed(expected)}`;
  if (lacks.length > 0) {
    const its = names.length > 0 ? `; its columns are ${listed(names)}` : '';
    throw table.mismatch(
      `has no column ${listed(lacks)}, and ${takes}${its}${meant(lacks, names)}`,
    );
  }
  if (foreign.length > 0) {
    const out = table.arguments(foreign.map((name) => headings.indexOf(name)));
    throw table.mismatch(
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
    throw table.mismatch(
      `has ${numbers.length} columns ${quote(twice)}, ${numbers.join(', ')}, and the model takes one; leave out what is too much, as with --drop ${numbers.at(-1)}`,
    );
  }
  // Headings that repeat tell their columns apart by their order alone.
  const kept = own.map(({ at }) => at);
  if (own.map(({ name }) => name).join('\0') === expected.join('\0')) return kept;
  throw table.mismatch(`has headings that repeat, in another order than the model's: ${takes}`);
}

/** What a model calls columns: their headings, or a column of words that has none of its own its number. */
function namesTo(
  table: Columns,
  expected: readonly string[],
  columns: readonly number[],
): string[] {
  const headings = table.headings as readonly string[];
  const own = new Set(headings);
  const wanted = new Set(expected.filter((name) => !own.has(name)));
  const times = new Map<string, number>([['', 2]]);
  for (const heading of headings) times.set(heading, 1 + (times.get(heading) ?? 0));
  return columns.map((j) => {
    const [heading, number] = [headings[j] as string, String(table.numberOf(j))];
    return (times.get(heading) ?? 0) > 1 && wanted.has(number) ? number : heading;
  });
}
