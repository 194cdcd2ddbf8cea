// Rows within rows: each short row is folded by one invocation, and what comes of it is folded over
// the rows of a block at once. Mixture densities and importance weights are such folds: a sum over
// the features, a log-sum-exp over components or samples.
import { sameShape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { AdapterClass } from './adapter.ts';
import { targetOf } from './effects.ts';
import type { Emitter } from './emit.ts';
import { blockFolds, folds, quadFolds } from './folds.ts';
import {
  blockCount,
  type Group,
  hasTrailingAxes,
  isEarly,
  type Level,
  rowCount,
  sideShape,
} from './group.ts';
import type { IndexSpace } from './index-space.ts';
import { powerOfTwo } from './invocations.ts';
import { Scope } from './scope.ts';

/** A row is written out quad by quad: no more than this many. */
const NESTED_QUADS = 16;

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

/** Whether a nested group may also compute what `shared` does, once a block. */
export function canShare(nested: Group, shared: Group, adapter: AdapterClass): boolean {
  const { lanes } = nestedInvocations(nested, adapter);
  return (
    nested.over.length > 0 &&
    shared.over.length === 0 &&
    shared.kind === 'rows' &&
    shared.splits === 1 &&
    shared.axes.join() === nested.axes.join() &&
    sameShape(shared.shape, sideShape(nested)) &&
    [...shared.levels.keys()].every(
      (node) => !targetOf(node) && ['elementwise', 'reduce'].includes(node.op.kind),
    ) &&
    // Every lane does it for itself.
    (lanes === 1 || rowCount(nested) >= 8 * lanes * blockCount(nested))
  );
}

/** The lines that fold the rows of a block, each of them written out. */
export function nestedBody(emitter: Emitter, space: IndexSpace, adapter: AdapterClass): string[] {
  const writer = new NestedWriter(emitter, space);
  writer.before(adapter.isSoftware ? HELD.software : HELD.hardware);
  writer.rows();
  return writer.after();
}

class NestedWriter {
  private readonly emitter: Emitter;
  private readonly space: IndexSpace;
  private readonly group: Group;
  private readonly order: readonly Tensor[];
  private readonly quads: readonly number[];
  private readonly perBlock: number;
  private readonly block = new Scope();
  /** What all rows of a block read or compute, quad by quad. */
  private readonly held: readonly Scope[];

  constructor(emitter: Emitter, space: IndexSpace) {
    this.emitter = emitter;
    this.space = space;
    this.group = emitter.group;
    this.order = emitter.order;
    this.quads = Array.from({ length: space.quads }, (_, quad) => quad);
    this.held = this.quads.map(() => this.block.beside());
    this.perBlock = rowCount(this.group) / blockCount(this.group);
  }

  private is(node: Tensor, level: Level): boolean {
    return this.group.levels.get(node) === level;
  }

  /** Numbered within the kernel, so that equal kernels are equal text and compiled once. */
  private accumulator(node: Tensor): string {
    return `fold${this.order.indexOf(node)}`;
  }

  /** The folds of what rows fold to. */
  private outerFolds(): Tensor[] {
    return this.order.filter(
      (node) => node.op.kind === 'reduce' && this.is(node, 'block') && !isEarly(node, this.group),
    );
  }

  /** Folds a row whose quads are all written out; its value is known to `scope` afterwards. */
  private foldRow(node: Tensor, scope: Scope, quads: readonly Scope[]): void {
    const { emitter, space } = this;
    const fold = folds[node.op.name] as (typeof folds)[string];
    const acc = this.accumulator(node);
    scope.lines.push(fold.start(acc));
    for (const quad of this.quads) {
      const value = emitter.atQuad(quad, () => emitter.operand(node, 0, quads[quad] as Scope));
      const isWhole = 4 * (quad + 1) <= space.width;
      const inside = isWhole
        ? value
        : `within(${value}, ${4 * quad}u, ${space.width}u, ${fold.neutral})`;
      scope.lines.push(fold.add(acc, inside));
    }
    const joined = (quadFolds[node.op.name] as (acc: string) => string)(acc);
    scope.set(`n${node.id}`, emitter.name(scope, `vec4f(${joined})`));
  }

  /** @param room quads that may wait in registers while rows are walked through */
  before(room: number): void {
    const { emitter, block, held, quads } = this;
    block.lines.push(`let end = select(0u, ${this.perBlock}u, live);`, ...this.space.unravel(0));
    for (const node of this.order) {
      if (!this.is(node, 'block') || !isEarly(node, this.group)) continue;
      if (node.op.kind === 'reduce') this.foldRow(node, block, held);
      else emitter.value(node, block);
    }
    const stores = quads.flatMap((quad) =>
      emitter.atQuad(quad, () => emitter.stores(held[quad] as Scope, 'side', () => true)),
    );
    if (stores.length > 0) {
      block.lines.push('if (live && lane == 0u) {', ...stores.map((line) => `  ${line}`), '}');
    }
    for (const { node, input } of emitter.steadyReads('row')) emitter.operand(node, input, block);
    let left = room;
    for (const { node, input } of emitter.steadyReads('full')) {
      if (left < quads.length) break;
      left -= quads.length;
      for (const quad of quads) {
        emitter.atQuad(quad, () => emitter.operand(node, input, held[quad] as Scope));
      }
    }
    // Shared values that only rows need are not to be computed again for each.
    for (const node of this.order) {
      if (!this.is(node, 'side')) continue;
      for (const quad of quads) {
        emitter.atQuad(quad, () => emitter.value(node, held[quad] as Scope));
      }
    }
  }

  rows(): void {
    const { emitter, block } = this;
    const row = new Scope(block);
    const own = this.held.map((scope) => row.beside(scope));
    const outer = this.outerFolds();
    for (const node of outer) {
      const { start } = blockFolds[node.op.name] as (typeof blockFolds)[string];
      block.lines.push(start(this.accumulator(node)));
    }
    row.lines.push(`let item = row * ${this.perBlock}u + mid;`, ...this.space.unravel(1));
    for (const node of this.order) {
      if (outer.includes(node)) {
        const { add } = blockFolds[node.op.name] as (typeof blockFolds)[string];
        row.lines.push(add(this.accumulator(node), `${emitter.operand(node, 0, row)}.x`));
      } else if (this.is(node, 'row')) {
        if (node.op.kind === 'reduce') this.foldRow(node, row, own);
        else emitter.value(node, row);
      }
    }
    row.lines.push(...emitter.stores(row, 'row', () => true));
    for (const quad of this.quads) {
      const scope = own[quad] as Scope;
      row.lines.push(...emitter.atQuad(quad, () => emitter.stores(scope, 'full', () => true)));
    }
    block.lines.push(
      'for (var mid = lane; mid < end; mid += LANES) {',
      ...row.lines.map((line) => `  ${line}`),
      '}',
    );
    for (const node of outer) {
      const { finish, whole } = blockFolds[node.op.name] as (typeof blockFolds)[string];
      const value = `vec4f(${finish}(${whole(this.accumulator(node))}, place))`;
      block.set(`n${node.id}`, emitter.name(block, value));
    }
  }

  after(): string[] {
    const { lines } = this.block;
    const last = new Scope(this.block);
    const stores = this.emitter.stores(last, 'block', () => true);
    lines.push(
      'fold_barrier();',
      'if (live && lane == 0u) {',
      ...[...last.lines, ...stores].map((line) => `  ${line}`),
      '}',
    );
    return lines;
  }
}
