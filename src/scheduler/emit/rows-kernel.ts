// The kernel of a rows group: passes over each row, and what follows from their folds.
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { libFoldLine, rows as rowsShader } from '../../kernels/shaders.gen.ts';
import { importLine, specialize } from '../../kernels/specialize.ts';
import { askSubgroupSize } from '../../kernels/subgroup-size.ts';
import { outerAxes } from '../fuse/group.ts';
import { type Access, accessOf } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { Emitter } from './emitter.ts';
import { type Fold, folds } from './folds.ts';
import type { Footprint } from './footprint.ts';
import { type KernelChoice, rowInvocations } from './invocations.ts';
import { grid, importLines, indent, libraryConstants, type Made, plain } from './kernel-parts.ts';
import { nestedBody } from './nested-rows.ts';
import { nestedInvocations } from './nested-shapes.ts';
import { foldLibrary, type RowShape } from './row-folds.ts';
import { Scope } from './scope.ts';
import { storeLines } from './stores.ts';

/** @param density operations on each element */
export function rowsKernel(footprint: Footprint, adapter: AdapterClass, density: number): Made {
  const { group } = footprint;
  const outer = outerAxes(group);
  const { over } = group;
  const extents = (of: readonly number[]) => of.map((axis) => group.shape[axis] as number);
  const emitter = new Emitter(footprint, [
    { extents: extents(outer), axes: outer, counter: 'row', prefix: 'r' },
    ...(over.length > 0
      ? [{ extents: extents(over), axes: over, counter: 'mid', prefix: 'k' }]
      : []),
    { extents: extents(group.axes), axes: group.axes, counter: 'at', prefix: 'c' },
  ]);
  const { space } = emitter;
  const { shape, across, byQuads, choice, body } =
    over.length > 0 ? nestedRows(emitter, density, adapter) : plainRows(emitter, density, adapter);
  const { workgroup, lanes } = shape;
  const folding = foldLibrary(shape, across, adapter);
  const rows = sizeOf(extents(outer));
  const { dispatch, gridX } = grid(Math.ceil((rows * group.splits * lanes) / workgroup));
  const folds = [folding.library, ...(byQuads ? [libFoldLine] : [])];
  const rowsCode = specialize(rowsShader, {
    constants: {
      ...libraryConstants(emitter, adapter),
      ...folding.constants,
      ...(byQuads && { LINE: space.quads }),
      ROWS: rows,
      SPLITS: group.splits,
      LANES: lanes,
      ACROSS: String(across),
      WORKGROUP: workgroup,
      GRID_X: gridX,
      QUADS: space.quads,
    },
    imports: [...folds, ...emitter.imports],
    hooks: {
      folds: folds.map(importLine).join('\n'),
      bindings: [...importLines(emitter), emitter.bindings.declarations].join('\n'),
      process: `fn process(row: u32, split: u32, lane: u32, place: u32, live: bool) {\n${indent(body)}\n}`,
    },
  });
  const { subgroupSize, asksSubgroupSize } = adapter;
  const asks = folding.exchanges && asksSubgroupSize && subgroupSize !== undefined;
  const code = asks ? askSubgroupSize(rowsCode, subgroupSize) : rowsCode;
  const variant = [
    folding.label,
    ...(group.splits > 1 ? [`${group.splits} splits`] : []),
    ...(over.length > 0 ? [byQuads ? 'nested by quads' : 'nested'] : []),
  ].join(', ');
  const bindings = plain(emitter.bindings);
  return { shader: 'rows', variant, choice, code, bindings, dispatch };
}

/** What the two kinds of rows differ in. */
interface RowsPlan {
  readonly shape: RowShape;
  readonly across: boolean;
  readonly byQuads: boolean;
  readonly choice: KernelChoice;
  readonly body: string[];
}

function nestedRows(emitter: Emitter, density: number, adapter: AdapterClass): RowsPlan {
  const { invocations, choice } = nestedInvocations(
    emitter.group,
    emitter.space.quads,
    density,
    adapter,
  );
  const body = nestedBody(emitter, invocations, adapter);
  return { shape: invocations, across: false, byQuads: invocations.byQuads, choice, body };
}

function plainRows(emitter: Emitter, density: number, adapter: AdapterClass): RowsPlan {
  const { invocations, choice } = rowInvocations(
    emitter.group,
    emitter.space.quads,
    density,
    adapter,
  );
  const { across, ...shape } = invocations;
  return { shape, across, byQuads: false, choice, body: rowsBody(emitter) };
}

/** The passes over a row: a fold can only be used in a pass after the one that completes it. */
function rowsBody(emitter: Emitter): string[] {
  const { group, order, space } = emitter;
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
    const stores = storeLines(emitter, loop, 'full', (node) => passOf.get(node) === pass);
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
  const stores = storeLines(emitter, inner, 'row', () => true);
  return [...inner.lines, ...stores];
}
