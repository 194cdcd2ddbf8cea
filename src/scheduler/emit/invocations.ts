// How many invocations share the work of a kernel that is not a product: the variants of maps and
// rows, their names, and which of them is chosen.
import { sizeOf } from '../../graph/shape.ts';
import { mostInvocations } from '../../kernels/matmul.ts';
import { densityClass, extentClass } from '../../kernels/tuned.ts';
import { type Group, hasTrailingAxes, rowCount } from '../fuse/group.ts';
import { type AdapterClass, workgroupsOn } from '../lower/adapter.ts';
import { canExchange, type RowShape, withFolds } from './row-folds.ts';

/** What a kernel could be instead: the same results up to rounding, at another speed. */
export interface KernelChoice {
  /** The class of kernels that are expected to have the same fastest variant. */
  readonly key: string;
  readonly variant: string;
  /** Names of what is worth measuring, the chosen one first. */
  readonly variants: readonly string[];
}

export interface MapInvocations {
  readonly workgroup: number;
  /** Quads that an invocation handles. */
  readonly items: number;
}

export interface Chosen<T> {
  readonly invocations: T;
  readonly choice: KernelChoice;
}

/** The power of two at or above x. */
export const powerOfTwo = (x: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, x)));

const isPowerOfTwo = (x: number): boolean => x >= 1 && powerOfTwo(x) === x;

const mapName = ({ workgroup, items }: MapInvocations): string => `map-${workgroup}x${items}`;

function mapNamed(name: string, adapter: AdapterClass): MapInvocations | undefined {
  const [workgroup = 0, items = 0] = numbers(/^map-(\d+)x(\d+)$/, name);
  return workgroup >= 1 && workgroup <= mostInvocations(adapter) && items >= 1
    ? { workgroup, items }
    : undefined;
}

/** `64x128-subgroups`: lanes, invocations, and how lanes meet where that is not by memory. */
export const shapeName = ({ workgroup, lanes, subgroups }: RowShape): string =>
  `${lanes}x${workgroup}${subgroups ? '-subgroups' : ''}`;

/** The shape of such a name, if it is one for this adapter. */
export function shapeNamed(name: string, adapter: AdapterClass): RowShape | undefined {
  const [lanes = 0, workgroup = 0] = numbers(/^(\d+)x(\d+)(?:-subgroups)?$/, name);
  const subgroups = name.endsWith('-subgroups');
  const isValid =
    isPowerOfTwo(lanes) &&
    isPowerOfTwo(workgroup) &&
    lanes <= workgroup &&
    workgroup <= mostInvocations(adapter) &&
    (!subgroups || canExchange({ workgroup, lanes }, adapter));
  return isValid ? { lanes, workgroup, subgroups } : undefined;
}

const ROWS = 'rows-';

const numbers = (pattern: RegExp, name: string): number[] =>
  (pattern.exec(name) ?? []).slice(1).map(Number);

/** The variant that a table names, if it means anything here, else the default. */
export function choose<T>(
  key: string,
  adapter: AdapterClass,
  all: readonly T[],
  nameOf: (invocations: T) => string,
  named: (name: string, adapter: AdapterClass) => T | undefined,
): Chosen<T> {
  const { tuned } = adapter;
  const told =
    tuned && Object.hasOwn(tuned, key) ? named(tuned[key] as string, adapter) : undefined;
  const invocations = told ?? (all[0] as T);
  const variant = nameOf(invocations);
  const variants = [...new Set([variant, ...all.map(nameOf)])];
  return { invocations, choice: { key, variant, variants } };
}

/** @param operations on each element */
export function mapInvocations(
  quads: number,
  operations: number,
  adapter: AdapterClass,
): Chosen<MapInvocations> {
  const key = `map ${extentClass(quads)} quads, ${densityClass(operations)} operations`;
  return choose(key, adapter, mapsOf(quads, operations, adapter), mapName, mapNamed);
}

/** The default first. */
function mapsOf(quads: number, operations: number, adapter: AdapterClass): MapInvocations[] {
  if (!adapter.isSoftware) {
    return workgroupsOn(adapter).flatMap((workgroup) =>
      [1, 2, 4].map((items) => ({ workgroup, items })).filter(({ items }) => items < quads + 1),
    );
  }
  // Four invocations run in step. To enter them costs as much as a few quads do, so they are few;
  // with no others in the workgroup they walk through memory without leaps. (Measured on SwiftShader,
  // two cores: four times as many groups take a tenth longer.)
  const workgroup = 4;
  // A power of two of them leaves no core of two, four or eight without its share.
  const work = quads * Math.max(1, operations / 32);
  const groups = Math.min(64, powerOfTwo(work / 512));
  const cut = (count: number) => ({ workgroup, items: Math.ceil(quads / (workgroup * count)) });
  return [groups, groups / 2, 2 * groups, 4 * groups].filter((count) => count >= 1).map(cut);
}

/** @param quads of a row. @param operations on each element */
export function rowInvocations(
  group: Group,
  quads: number,
  operations: number,
  adapter: AdapterClass,
): Chosen<RowShape & { across: boolean }> {
  const rows = rowCount(group);
  const across = !hasTrailingAxes(group);
  const cut = group.splits > 1 ? ` in ${extentClass(group.splits)} parts` : '';
  const key =
    `rows ${across ? 'across' : 'along'} ${extentClass(rows)}×${extentClass(quads)} quads${cut}, ` +
    `${densityClass(operations)} operations`;
  const units = rows * group.splits;
  const perUnit = Math.ceil(quads / group.splits);
  const { invocations, choice } = choose(
    key,
    adapter,
    rowsOf(units, perUnit, across, adapter),
    (shape) => `${ROWS}${shapeName(shape)}`,
    (name) => (name.startsWith(ROWS) ? shapeNamed(name.slice(ROWS.length), adapter) : undefined),
  );
  return { invocations: { ...invocations, across }, choice };
}

/** Workgroups that software adapters may like. @param units what invocations have to themselves */
export function softwareShapes(units: number): RowShape[] {
  // Few, for each costs as much as a short row; but so many that every core gets its share.
  const workgroup = Math.min(64, Math.max(4, powerOfTwo(units / 32)));
  const others = [4, 16, 64].filter((count) => count !== workgroup && count < 4 * units);
  return [workgroup, ...others].map((count) => ({ workgroup: count, lanes: 1, subgroups: false }));
}

/** The default first. @param units rows, or parts of them. @param quads of a unit */
function rowsOf(units: number, quads: number, across: boolean, adapter: AdapterClass): RowShape[] {
  if (adapter.isSoftware) return softwareShapes(units);
  const most = mostInvocations(adapter);
  const first = gpuRows(units, quads, across, most);
  const others: { workgroup: number; lanes: number }[] = [];
  for (const factor of [1 / 4, 1 / 2, 1, 2, 4]) {
    const lanes = first.lanes * factor;
    if (!isPowerOfTwo(lanes) || lanes > Math.min(most, powerOfTwo(quads))) continue;
    for (const workgroup of factor === 1 ? workgroupsOn(adapter) : [Math.max(64, lanes)]) {
      if (workgroup >= lanes) others.push({ workgroup, lanes });
    }
  }
  return withExchanges([first, ...others], adapter);
}

/** Shapes as the adapter class has them fold; those near the first by exchanging registers, too. */
export function withExchanges<T extends Omit<RowShape, 'subgroups'>>(
  shapes: readonly T[],
  adapter: AdapterClass,
): (T & RowShape)[] {
  const [first] = shapes as readonly [T, ...T[]];
  const isNear = ({ lanes, workgroup }: T) =>
    2 * lanes >= first.lanes &&
    lanes <= 2 * first.lanes &&
    (workgroup === first.workgroup || workgroup === lanes);
  const exchanging = shapes
    .filter((shape) => isNear(shape) && canExchange(shape, adapter))
    .map((shape) => ({ ...shape, subgroups: true }));
  return [...shapes.map((shape) => withFolds(shape, adapter)), ...exchanging];
}

function gpuRows(
  units: number,
  quads: number,
  across: boolean,
  most: number,
): { workgroup: number; lanes: number } {
  if (!across) {
    const lanes = Math.min(units >= 16384 ? 32 : most, powerOfTwo(quads / 2));
    return { workgroup: Math.max(64, lanes), lanes };
  }
  // Thirty-two rows side by side fill whole lines of a cache; lanes make up for too few of them.
  const together = Math.min(32, powerOfTwo(units));
  const lanes = units >= 32768 ? 1 : Math.min(most / together, powerOfTwo(quads));
  return { workgroup: Math.max(64, together * lanes), lanes };
}

/** Operations on each element of a group's domain. */
export function operationsPerElement(group: Group, operations: number): number {
  return operations / Math.max(1, sizeOf(group.shape));
}
