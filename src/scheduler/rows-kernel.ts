// The kernel of a rows group: passes over each row, and what follows from their folds.

import { sizeOf } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { specialize } from '../kernels/specialize.ts';
import { type Access, accessOf } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { type Emitter, Scope } from './emit.ts';
import { type Fold, folds } from './folds.ts';
import { type Group, hasTrailingAxes, outerAxes, rowCount } from './group.ts';
import { IndexSpace } from './index-space.ts';
import {
  grid,
  importLines,
  indent,
  libraryConstants,
  type Made,
  plain,
  powerOfTwo,
} from './kernel-parts.ts';
import { nestedBody, nestedInvocations } from './nested-rows.ts';
import { chooseFolds, foldLibrary, type RowInvocations } from './row-folds.ts';

function rowInvocations(
  group: Group,
  quads: number,
  adapter: AdapterClass,
): Omit<RowInvocations, 'folds'> {
  const units = rowCount(group) * group.splits;
  const across = !hasTrailingAxes(group);
  if (adapter.isSoftware) {
    // Few, for each costs as much as a short row; but so many that every core gets its share.
    const workgroup = Math.min(64, Math.max(4, powerOfTwo(units / 32)));
    return { workgroup, lanes: 1, across };
  }
  const perUnit = Math.ceil(quads / group.splits);
  if (!across) {
    const lanes = Math.min(units >= 16384 ? 32 : 256, powerOfTwo(perUnit / 2));
    return { workgroup: Math.max(64, lanes), lanes, across };
  }
  // Thirty-two rows side by side fill whole lines of a cache; lanes make up for too few of them.
  const together = Math.min(32, powerOfTwo(units));
  const lanes = units >= 32768 ? 1 : Math.min(256 / together, powerOfTwo(perUnit));
  return { workgroup: Math.max(64, together * lanes), lanes, across };
}

export function rowsKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const { group } = emitter;
  const axes = group.shape.map((_, axis) => axis);
  const outer = outerAxes(group);
  const over = axes.filter((axis) => group.over.includes(axis));
  const extents = (of: readonly number[]) => of.map((axis) => group.shape[axis] as number);
  const space = new IndexSpace(
    [
      { extents: extents(outer), axes: outer, counter: 'row', prefix: 'r' },
      ...(over.length > 0
        ? [{ extents: extents(over), axes: over, counter: 'mid', prefix: 'k' }]
        : []),
      { extents: extents(group.axes), axes: group.axes, counter: 'at', prefix: 'c' },
    ],
    emitter.domainStrides(),
  );
  const declarations = emitter.bind(space, 0);
  const nested = over.length > 0;
  const body = nested ? nestedBody(emitter, space, adapter) : rowsBody(emitter, space);

  const shape = nested
    ? nestedInvocations(group, adapter)
    : rowInvocations(group, space.quads, adapter);
  const { workgroup, lanes, across } = shape;
  const folding = foldLibrary({ ...shape, folds: chooseFolds(shape, adapter) }, adapter);
  const rows = sizeOf(extents(outer));
  const { dispatch, gridX } = grid(Math.ceil((rows * group.splits * lanes) / workgroup));
  const code = specialize('rows', {
    constants: {
      ...libraryConstants(emitter, adapter),
      ...folding.constants,
      ROWS: rows,
      SPLITS: group.splits,
      LANES: lanes,
      ACROSS: String(across),
      WORKGROUP: workgroup,
      GRID_X: gridX,
      QUADS: space.quads,
    },
    hooks: {
      folds: `// @import ${folding.library}`,
      bindings: [...importLines(emitter), declarations].join('\n'),
      process: `fn process(row: u32, split: u32, lane: u32, place: u32, live: bool) {\n${indent(body)}\n}`,
    },
  });
  const variant = [
    folding.label,
    ...(group.splits > 1 ? [`${group.splits} splits`] : []),
    ...(nested ? ['nested'] : []),
  ].join(', ');
  return { shader: 'rows', variant, code, bindings: plain(emitter.bindings), dispatch };
}

/** The passes over a row: a fold can only be used in a pass after the one that completes it. */
function rowsBody(emitter: Emitter, space: IndexSpace): string[] {
  const { group, order } = emitter;
  const available = new Map<Tensor, number>();
  const passOf = new Map<Tensor, number>();
  for (const node of order) {
    let pass = 0;
    for (const input of node.inputs) {
      const base = (accessOf(input) as Access).base;
      pass = Math.max(pass, available.get(base) ?? 0);
    }
    passOf.set(node, pass);
    available.set(node, node.op.kind === 'reduce' ? pass + 1 : pass);
  }
  const last = Math.max(...available.values());
  const rows = new Scope();
  const { lines } = rows;
  lines.push(`let end = select(0u, ${space.quads}u, live);`, ...space.unravel(0));
  for (let pass = 0; pass <= last; pass++) {
    const here = order.filter((node) => passOf.get(node) === pass);
    for (const node of here) {
      const isRow = group.levels.get(node) === 'row' && node.op.kind === 'elementwise';
      if (isRow) emitter.value(node, rows);
    }
    const reductions = here.filter((node) => node.op.kind === 'reduce');
    const loop = new Scope(rows);
    const updates: string[] = [];
    const ends: string[] = [];
    for (const node of reductions) {
      const fold = folds[node.op.name] as Fold;
      // Numbered within the kernel, so that equal kernels are equal text and compiled once.
      const number = order.indexOf(node);
      const acc = `fold${number}`;
      lines.push(fold.start(acc));
      const value = emitter.operand(node, 0, loop);
      const inside =
        space.width % 4 === 0
          ? value
          : `within(${value}, column, ${space.width}u, ${fold.neutral})`;
      updates.push(fold.add(acc, inside));
      ends.push(`let row${number} = vec4f(${fold.finish}(${acc}, place));`);
      rows.set(`n${node.id}`, `row${number}`);
    }
    const stores = emitter.stores(loop, 'full', (node) => passOf.get(node) === pass);
    if (updates.length + stores.length === 0) continue;
    // Parts of a row take turns, so that they walk through it side by side.
    const [first, step] =
      group.splits === 1 ? ['lane', 'LANES'] : ['split * LANES + lane', 'SPLITS * LANES'];
    lines.push(
      `for (var at = ${first}; at < end; at += ${step}) {`,
      ...[...space.unravel(1), ...loop.lines, ...updates, ...stores].map((line) => `  ${line}`),
      '}',
      ...ends,
    );
  }
  const stores = rowStores(emitter, rows);
  if (stores.length > 0) {
    if (group.splits > 1) lines.push('let part = row * SPLITS + split;');
    lines.push(
      'fold_barrier();',
      'if (live && lane == 0u) {',
      ...stores.map((line) => `  ${line}`),
      '}',
    );
  }
  return lines;
}

function rowStores(emitter: Emitter, rows: Scope): string[] {
  const inner = new Scope(rows);
  const stores = emitter.stores(inner, 'row', () => true);
  return [...inner.lines, ...stores];
}
