// A group of nodes that one kernel computes.
import { contiguousStrides, type Shape, sameShape, sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import { type Access, accessOf, isVirtual } from '../lower/access.ts';
import { shareBuffer, targetOf } from '../lower/effects.ts';

/**
 * map: one element at a time. rows: elements along some axes folded, or values shared by a row
 * computed once. matmul: a product, and what is done to each element of its result. layers: such
 * products one after the other, each the left operand of the next. own: one node with a shader of its
 * own.
 */
export type GroupKind = 'map' | 'rows' | 'matmul' | 'layers' | 'own';

/**
 * Whether a node has a value for every element of the group's domain, one for every row, one for
 * every block of rows, one for every place in the rows of a block (`side`: what all its rows share),
 * or one for all: a number that each invocation computes for itself because that is cheaper than a
 * kernel.
 */
export type Level = 'full' | 'row' | 'block' | 'side' | 'one';

export interface Group {
  readonly id: number;
  readonly kind: GroupKind;
  /** The domain: extents the kernel runs over. */
  readonly shape: Shape;
  /** rows: the axes along which a row extends. */
  readonly axes: readonly number[];
  /** rows: the axes along which the values of rows are folded again, into one a block. */
  readonly over: readonly number[];
  /** rows: parts into which each row's fold is cut; each leaves a partial result. */
  readonly splits: number;
  readonly levels: Map<Tensor, Level>;
  /** matmul: the node that holds the sums of the left operand over the inner extent. */
  columnSum: Tensor | undefined;
  /** layers: what computes the first left operand, if anything does, and the products in order. */
  readonly chain: readonly Group[];
}

let nextGroup = 0;

export function newGroup(
  kind: GroupKind,
  shape: Shape,
  axes: readonly number[] = [],
  splits = 1,
  chain: readonly Group[] = [],
): Group {
  const levels = new Map(chain.flatMap((link) => [...link.levels]));
  const shared = { id: nextGroup++, kind, shape, axes, over: [], splits };
  return { ...shared, levels, columnSum: undefined, chain };
}

/** A group whose rows are those of `inner` and whose blocks are the rows of `outer`. */
export function nest(inner: Group, outer: Group): Group {
  const raised = (level: Level): Level =>
    level === 'full' ? 'row' : level === 'row' ? 'block' : level;
  const levels = new Map(inner.levels);
  for (const [node, level] of outer.levels) levels.set(node, raised(level));
  return { ...inner, id: nextGroup++, over: outer.axes, levels };
}

/** A group of rows within rows that also computes what the rows of a block share. */
export function withShared(nested: Group, shared: Group): Group {
  const lowered = (level: Level): Level =>
    level === 'full' ? 'side' : level === 'row' ? 'block' : level;
  const levels = new Map(nested.levels);
  for (const [node, level] of shared.levels) levels.set(node, lowered(level));
  return { ...nested, id: nextGroup++, levels };
}

/** The shape of what the rows of a block share. */
export function sideShape({ shape, over }: Group): number[] {
  return shape.map((extent, axis) => (over.includes(axis) ? 1 : extent));
}

/** Whether a block's value is known before its rows are walked through. */
export function isEarly(node: Tensor, group: Group): boolean {
  return node.inputs.every((input) => {
    const base = (accessOf(input) as Access).base;
    const level = group.levels.get(base);
    if (level === 'row' || level === 'full') return false;
    return level !== 'block' || isEarly(base, group);
  });
}

/** How many rows a group has: the extent of its kept axes. */
export function rowCount(group: Group): number {
  return sizeOf(group.shape.filter((_, axis) => !group.axes.includes(axis)));
}

/** The axes of a rows group along which nothing is folded. */
export function outerAxes({ shape, axes, over }: Group): number[] {
  return shape
    .map((_, axis) => axis)
    .filter((axis) => !axes.includes(axis) && !over.includes(axis));
}

/** How many blocks of rows a group has; each row is its own block where rows are not folded again. */
export function blockCount(group: Group): number {
  return sizeOf(outerAxes(group).map((axis) => group.shape[axis] as number));
}

/** Whether the axes of a rows group are the last ones, so that rows lie end to end. */
export function hasTrailingAxes(group: Group): boolean {
  const first = group.shape.length - group.axes.length;
  return group.axes.every((axis, i) => axis === first + i);
}

/** The level a node would have in a group, or undefined if its shape does not fit. */
export function levelIn(node: Tensor, group: Group): Level | undefined {
  if (sameShape(node.shape, group.shape)) return 'full';
  if (group.kind === 'map' && node.size === 1 && sizeOf(group.shape) === 1) return 'full';
  const takesRows = group.kind === 'rows' && group.splits === 1;
  if (takesRows && node.size === rowCount(group)) return 'row';
  return node.size === 1 && node.op.kind === 'elementwise' ? 'one' : undefined;
}

/** The access of `input` as read by a consumer of the given shape: strides for each of its axes. */
export function accessIn(input: Tensor, shape: Shape): Access {
  const access = accessOf(input) as Access;
  const lead = shape.length - access.shape.length;
  const strides = shape.map((_, axis) =>
    axis < lead ? 0 : (access.strides[axis - lead] as number),
  );
  return { base: access.base, shape, offset: access.offset, strides };
}

/** The shape over which a node reads one of its inputs. */
export function readShape(node: Tensor, input: Tensor, group: Group): Shape {
  if (node.op.kind === 'noise') return []; // its seed and step, not element by element
  if (['gather', 'matmul', 'kernel'].includes(node.op.kind)) return input.shape;
  if (node.op.kind !== 'reduce') return node.shape;
  return group.levels.get(node) === 'block' ? input.shape : group.shape;
}

/** Strides over the domain of a value that each row has one of, rows counted in order. */
function rowStrides(group: Group): number[] {
  const kept = group.shape.map((extent, axis) => (group.axes.includes(axis) ? 1 : extent));
  return contiguousStrides(kept);
}

function holdsBase(group: Group, x: Tensor): boolean {
  return group.levels.has((accessOf(x) as Access).base);
}

/** Whether the quads of a group run along the axis along which noise is numbered. */
function runsAlongNoise(group: Group): boolean {
  if (sizeOf(group.shape) === 1 || group.kind === 'map') return true;
  if (group.kind === 'matmul') return group.shape.at(-1) !== 1;
  return hasTrailingAxes(group) && rowCount(group) < sizeOf(group.shape);
}

/** Whether the quads of a group lie within single rows of a gathered matrix. */
function runsAlongGather(group: Group): boolean {
  const axes = group.axes.join();
  return group.kind === 'rows' && (axes === '1' || (axes === '0,1' && group.shape[1] !== 1));
}

/** Whether an effect writes other elements than those at which it is computed. */
function writesElsewhere({ op }: Tensor): boolean {
  return op.kind === 'store' || op.kind === 'scatter';
}

function sameStrides(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((stride, i) => stride === b[i]);
}

/** Strides over the domain of what the rows of a block share. */
function sideStrides(group: Group): number[] {
  return contiguousStrides(sideShape(group));
}

/** Strides over the rows of a value that each block has one of. */
function blockStrides(group: Group): number[] {
  const side = sideShape(group);
  return contiguousStrides(side.filter((_, axis) => !group.axes.includes(axis)));
}

/** The level at which a node needs a value of another level. */
function takenBy(node: Tensor, level: Level, from: Level): Level {
  if (node.op.kind !== 'reduce') return level;
  if (level === 'row') return 'full';
  return from === 'side' ? 'side' : 'row';
}

/**
 * Whether one kernel can compute the group: every value taken from another node of the group is
 * needed at the very index at which it is made, and no effect disturbs what the group still reads.
 */
export function isComputable(group: Group): boolean {
  const targets = [...group.levels.keys()].map(targetOf).filter((x) => x !== undefined);
  const expectedRow = rowStrides(group);
  for (const [node, level] of group.levels) {
    if (node === group.columnSum) continue;
    if (node.op.kind === 'noise' && !(level === 'full' && runsAlongNoise(group))) return false;
    if (node.op.kind === 'gather' && !(level === 'full' && runsAlongGather(group))) return false;
    if (level === 'full' && group.kind === 'rows' && targetOf(node)) return false;
    if (level !== 'full' && node.op.kind === 'scatter') return false;
    for (const input of node.inputs) {
      const reads = readShape(node, input, group);
      const access = accessIn(input, reads);
      const base = access.base;
      if (isVariable(base)) {
        for (const target of targets) {
          if (!shareBuffer(target, base)) continue;
          const own = contiguousStrides(reads);
          const identical =
            base === target &&
            access.offset === 0 &&
            node.op.kind !== 'matmul' &&
            node.op.kind !== 'reduce' &&
            base.size === node.size &&
            sameStrides(access.strides, own) &&
            ![...group.levels.keys()].some((n) => writesElsewhere(n) && targetOf(n) === base);
          if (!identical) return false;
        }
        continue;
      }
      // A concatenation is read after its parts have been written.
      if (base.op.kind === 'concat' && base.inputs.some((part) => holdsBase(group, part))) {
        return false;
      }
      const from = group.levels.get(base);
      if (from === undefined || isVirtual(base)) continue;
      if (base === group.columnSum || access.offset !== 0) return false;
      // A product's operands are whole matrices.
      if (node.op.kind === 'matmul') return false;
      if (node.op.kind === 'gather' && input === node.inputs[0]) return false;
      if (from === 'one') continue;
      if (level === 'one') return false;
      const takes = takenBy(node, level, from);
      if (node.op.kind === 'gather') {
        // The index of a gathered row is a value of that row.
        if (from !== 'row' || group.axes.join() !== '1') return false;
      } else if (takes === 'full' && from === 'full') {
        if (base.size !== sizeOf(reads) || !sameStrides(access.strides, contiguousStrides(reads))) {
          return false;
        }
      } else if (takes === 'full') {
        const expected = { row: expectedRow, side: sideStrides(group), block: [], full: [] }[from];
        if (!sameStrides(access.strides, expected)) return false;
      } else if (takes === 'row' && from === 'block') {
        if (!isEarly(base, group) || !sameStrides(access.strides, blockStrides(group)))
          return false;
      } else if (
        from !== takes ||
        base.size !== sizeOf(reads) ||
        !sameStrides(access.strides, contiguousStrides(reads))
      ) {
        return false;
      }
    }
  }
  return true;
}
