// How the invocations of a kernel of rows within rows share its blocks, and which way is chosen.
import { mostInvocations } from '../../kernels/matmul.ts';
import { densityClass, extentClass } from '../../kernels/tuned.ts';
import { blockCount, type Group, rowCount } from '../fuse/group.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import {
  type Chosen,
  choose,
  powerOfTwo,
  shapeName,
  shapeNamed,
  softwareShapes,
  withExchanges,
} from './invocations.ts';
import type { RowShape } from './row-folds.ts';

/**
 * `lanes` invocations share a block. Each takes every so many rows, whole; or, by quads, keeps to one
 * quad of the rows, so that neighbours read what lies side by side, and meets the others of its row.
 */
export interface NestedShape extends RowShape {
  readonly byQuads: boolean;
}

/** Rows of a block that its invocations take at once. @param quads of a row */
export const rowsTogether = ({ lanes, byQuads }: NestedShape, quads: number): number =>
  byQuads ? Math.floor(lanes / quads) : lanes;

const [WHOLE, BY_QUADS] = ['nested-', 'nested-quads-'];

const nameOf = (shape: NestedShape): string =>
  `${shape.byQuads ? BY_QUADS : WHOLE}${shapeName(shape)}`;

function named(name: string, quads: number, adapter: AdapterClass): NestedShape | undefined {
  const byQuads = name.startsWith(BY_QUADS);
  const prefix = byQuads ? BY_QUADS : WHOLE;
  const shape = name.startsWith(prefix) && shapeNamed(name.slice(prefix.length), adapter);
  return shape && !(byQuads && shape.lanes < quads) ? { ...shape, byQuads } : undefined;
}

/**
 * What is worth measuring, the default first.
 *
 * On a GPU by quads: what a step reads is one piece of memory, and what all rows share is computed
 * for one quad by each invocation, not for all of them. Rows of one quad are taken whole.
 *
 * @param quads of a row
 */
function nestedShapes(
  group: Group,
  quads: number,
  adapter: AdapterClass,
): readonly [NestedShape, ...NestedShape[]] {
  const blocks = blockCount(group);
  const perBlock = rowCount(group) / blocks;
  const whole = { byQuads: false };
  if (adapter.isSoftware) {
    const shapes = softwareShapes(blocks).map((shape) => ({ ...shape, ...whole }));
    return shapes as [NestedShape, ...NestedShape[]];
  }
  const most = blocks >= 16384 ? 32 : 64;
  const shape = (lanes: number, byQuads: boolean, workgroup = 64) => ({
    lanes,
    workgroup: Math.max(workgroup, lanes),
    byQuads,
  });
  const rows = Math.min(most, powerOfTwo(perBlock));
  const wholes = [rows, rows / 2, rows / 4].filter((lanes) => lanes >= 1);
  const alone = wholes.at(-1) === 1 ? [] : [1];
  const byRows = [...wholes, ...alone].map((lanes) => shape(lanes, false));
  if (quads === 1) {
    const shapes = withExchanges([...byRows, shape(rows, false, 128)], adapter);
    return shapes as [NestedShape, ...NestedShape[]];
  }
  const places = powerOfTwo(perBlock * quads);
  const lanes = Math.max(powerOfTwo(quads), Math.min(most, places));
  const byQuads = [
    shape(lanes, true),
    shape(lanes, true, 128),
    ...(lanes / 2 >= quads ? [shape(lanes / 2, true)] : []),
    ...(lanes < Math.min(places, mostInvocations(adapter)) ? [shape(2 * lanes, true)] : []),
  ];
  const shapes = withExchanges([...byQuads, ...byRows], adapter);
  return shapes as [NestedShape, ...NestedShape[]];
}

/** @param quads of a row. @param operations on each element */
export function nestedInvocations(
  group: Group,
  quads: number,
  operations: number,
  adapter: AdapterClass,
): Chosen<NestedShape> {
  const blocks = blockCount(group);
  const key =
    `rows in rows ${extentClass(blocks)}×${extentClass(rowCount(group) / blocks)}×` +
    `${extentClass(quads)} quads, ${densityClass(operations)} operations`;
  const shapes = nestedShapes(group, quads, adapter);
  return choose(key, adapter, shapes, nameOf, (name) => named(name, quads, adapter));
}
