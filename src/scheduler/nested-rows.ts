// Rows within rows: each short row is folded by one invocation, and what comes of it is folded over
// the rows of a block at once. Mixture densities and importance weights are such folds: a sum over
// the features, a log-sum-exp over components or samples.
import { sameShape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { AdapterClass } from './adapter.ts';
import { targetOf } from './effects.ts';
import { type Emitter, Scope } from './emit.ts';
import { blockFolds, folds, quadFolds } from './folds.ts';
import { blockCount, type Group, hasTrailingAxes, rowCount } from './group.ts';
import type { IndexSpace } from './index-space.ts';
import { powerOfTwo } from './kernel-parts.ts';

/** A row is written out quad by quad: no more than this many. */
export const NESTED_QUADS = 16;

/** Values of a block that wait in registers while its rows are walked through, in quads. */
const HELD = { software: 64, hardware: 16 };

/** Blocks that keep the machine busy, since one invocation or a few walk through each. */
const BLOCKS = { software: 64, hardware: 512 };

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
  const kept = inner.shape.filter((_, axis) => !inner.axes.includes(axis));
  return (
    plain &&
    along.length === 1 &&
    width <= 4 * NESTED_QUADS &&
    sameShape(kept, outer.shape) &&
    rowCount(outer) < rowCount(inner) &&
    rowCount(outer) >= (adapter.isSoftware ? BLOCKS.software : BLOCKS.hardware) &&
    [...inner.levels.values()].includes('row')
  );
}

/** Invocations of a workgroup, and how many of them share a block. */
export function nestedInvocations(group: Group, adapter: AdapterClass) {
  const blocks = blockCount(group);
  if (adapter.isSoftware) {
    const workgroup = Math.min(64, Math.max(4, powerOfTwo(blocks / 32)));
    return { workgroup, lanes: 1, across: false };
  }
  const lanes = Math.min(blocks >= 16384 ? 32 : 64, powerOfTwo(rowCount(group) / blocks));
  return { workgroup: Math.max(64, lanes), lanes, across: false };
}

/** The lines that fold the rows of a block, each of them written out. */
export function nestedBody(emitter: Emitter, space: IndexSpace, adapter: AdapterClass): string[] {
  const { group, order } = emitter;
  const level = (node: Tensor) => group.levels.get(node);
  const rows = rowCount(group) / blockCount(group);
  const block = new Scope();
  const { lines } = block;
  lines.push(`let end = select(0u, ${rows}u, live);`, ...space.unravel(0));
  const quads = Array.from({ length: space.quads }, (_, quad) => quad);

  // What all rows of a block read is read once.
  const held = quads.map(() => block.beside());
  let room = adapter.isSoftware ? HELD.software : HELD.hardware;
  for (const { node, input } of emitter.steadyReads('row')) emitter.operand(node, input, block);
  for (const { node, input } of emitter.steadyReads('full')) {
    if (room < quads.length) break;
    room -= quads.length;
    for (const quad of quads) {
      emitter.atQuad(quad, () => emitter.operand(node, input, held[quad] as Scope));
    }
  }

  const row = new Scope(block);
  const own = held.map((scope) => row.beside(scope));
  const outer = order.filter((node) => node.op.kind === 'reduce' && level(node) === 'block');
  for (const node of outer) {
    lines.push((blockFolds[node.op.name] as (typeof blockFolds)[string]).start(accumulator(node)));
  }
  function accumulator(node: Tensor): string {
    // Numbered within the kernel, so that equal kernels are equal text and compiled once.
    return `fold${order.indexOf(node)}`;
  }
  row.lines.push(`let item = row * ${rows}u + mid;`, ...space.unravel(1));
  for (const node of order) {
    if (node.op.kind !== 'reduce') {
      if (level(node) === 'row') emitter.value(node, row);
      continue;
    }
    const acc = accumulator(node);
    if (level(node) === 'block') {
      const fold = blockFolds[node.op.name] as (typeof blockFolds)[string];
      row.lines.push(fold.add(acc, `${emitter.operand(node, 0, row)}.x`));
      continue;
    }
    const fold = folds[node.op.name] as (typeof folds)[string];
    row.lines.push(fold.start(acc));
    for (const quad of quads) {
      const value = emitter.atQuad(quad, () => emitter.operand(node, 0, own[quad] as Scope));
      const isWhole = 4 * (quad + 1) <= space.width;
      const inside = isWhole
        ? value
        : `within(${value}, ${4 * quad}u, ${space.width}u, ${fold.neutral})`;
      row.lines.push(fold.add(acc, inside));
    }
    const joined = (quadFolds[node.op.name] as (acc: string) => string)(acc);
    row.set(`n${node.id}`, emitter.name(row, `vec4f(${joined})`));
  }
  row.lines.push(...emitter.stores(row, 'row', () => true));
  for (const quad of quads) {
    const scope = own[quad] as Scope;
    row.lines.push(...emitter.atQuad(quad, () => emitter.stores(scope, 'full', () => true)));
  }
  lines.push(
    'for (var mid = lane; mid < end; mid += LANES) {',
    ...row.lines.map((line) => `  ${line}`),
    '}',
  );

  for (const node of outer) {
    const { finish, whole } = blockFolds[node.op.name] as (typeof blockFolds)[string];
    const acc = accumulator(node);
    block.set(`n${node.id}`, emitter.name(block, `vec4f(${finish}(${whole(acc)}, place))`));
  }
  const last = new Scope(block);
  const stores = emitter.stores(last, 'block', () => true);
  lines.push(
    'fold_barrier();',
    'if (live && lane == 0u) {',
    ...[...last.lines, ...stores].map((line) => `  ${line}`),
    '}',
  );
  return lines;
}
