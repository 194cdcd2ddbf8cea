// Which rows are computed within the rows that they make up, see emit/nested-rows.ts.
import { sameShape } from '../../graph/shape.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import { type Group, hasTrailingAxes, rowCount, sideShape } from './group.ts';

/** A row is written out quad by quad: no more than this many. */
const NESTED_QUADS = 16;

/** Blocks that keep the machine busy, since one invocation or a few walk through each. */
const BLOCKS = { software: 64, hardware: 512 };

/** Quads of a block that are so few that a GPU is done with them before another kernel has begun. */
const QUICK_QUADS = 512;

/** Whether the rows of `inner` may be written out inside those of `outer`. */
export function canNest(inner: Group, outer: Group, adapter: AdapterClass): boolean {
  if (inner === outer || inner.kind !== 'rows' || outer.kind !== 'rows') return false;
  const plain = [inner, outer].every(
    (group) =>
      group.splits === 1 &&
      group.over.length === 0 &&
      hasTrailingAxes(group) &&
      ![...group.levels.keys()].some((node) => targetOf(node) || node.op.kind === 'gather'),
  );
  const along = inner.axes.filter((axis) => inner.shape[axis] !== 1);
  const width = inner.shape[along[0] ?? 0] as number;
  const [blocks, rows] = [rowCount(outer), rowCount(inner)];
  const isQuick = !adapter.isSoftware && (rows / blocks) * Math.ceil(width / 4) <= QUICK_QUADS;
  const kept = inner.shape.filter((_, axis) => !inner.axes.includes(axis));
  return (
    plain &&
    along.length === 1 &&
    width <= 4 * NESTED_QUADS &&
    sameShape(kept, outer.shape) &&
    blocks < rows &&
    (isQuick || blocks >= (adapter.isSoftware ? BLOCKS.software : BLOCKS.hardware)) &&
    [...inner.levels.values()].includes('row')
  );
}

/**
 * Whether a nested group may also compute what `shared` does, once a block. On a GPU whoever needs it
 * computes it: that is at most twice as often as there are rows, and spares a kernel and its memory.
 */
export function canShare(nested: Group, shared: Group): boolean {
  return (
    nested.over.length > 0 &&
    shared.over.length === 0 &&
    shared.kind === 'rows' &&
    shared.splits === 1 &&
    shared.axes.join() === nested.axes.join() &&
    sameShape(shared.shape, sideShape(nested)) &&
    [...shared.levels.keys()].every(
      (node) => !targetOf(node) && ['elementwise', 'reduce'].includes(node.op.kind),
    )
  );
}
