// From a group of nodes to a kernel: its skeleton, its composed body, its bindings and its grid.

import { sizeOf } from '../graph/shape.ts';
import type { Op, Tensor } from '../graph/tensor.ts';
import { chooseMatmul, type MatmulOperand } from '../kernels/matmul.ts';
import { specialize } from '../kernels/specialize.ts';
import { type Access, accessOf } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { memoryElements, trafficBytes } from './bindings.ts';
import type { Dependencies } from './dependencies.ts';
import { type Binding, Emitter, Scope } from './emit.ts';
import { accessIn, type Group, hasTrailingAxes, rowCount } from './group.ts';
import { IndexSpace, type Segment } from './index-space.ts';
import { locate } from './location.ts';
import { operandOf } from './lower.ts';

export interface KernelBinding {
  readonly memory: Tensor;
  readonly kind: 'uniform' | 'read' | 'write';
  /** Bytes at which the binding starts in its memory. */
  readonly offset: number;
}

export interface Kernel {
  /** The skeleton it is made from, and its variant. */
  readonly shader: string;
  readonly variant: string;
  /** Names of what it computes, for people. */
  readonly label: string;
  readonly code: string;
  /** In order of their binding numbers. */
  readonly bindings: readonly KernelBinding[];
  readonly dispatch: readonly [number, number, number];
  readonly group: Group;
  /** Nodes in the order in which they are computed. */
  readonly nodes: readonly Tensor[];
  readonly flops: number;
  readonly bytes: number;
}

const MAX_GRID = 65535;

/** Workgroups folded into rows that WebGPU can dispatch. */
function grid(workgroups: number): { dispatch: [number, number, number]; gridX: number } {
  const gridX = Math.min(workgroups, MAX_GRID);
  return { dispatch: [gridX, Math.ceil(workgroups / gridX), 1], gridX };
}

/** The power of two at or above x. */
function powerOfTwo(x: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, x)));
}

const indent = (lines: readonly string[], by = '  ') => lines.map((line) => by + line).join('\n');

export function makeKernel(
  group: Group,
  dependencies: Dependencies,
  aliases: ReadonlyMap<Tensor, Tensor>,
  adapter: AdapterClass,
): Kernel {
  const emitter = new Emitter(group, dependencies, aliases);
  const made =
    group.kind === 'map'
      ? mapKernel(emitter, adapter)
      : group.kind === 'rows'
        ? rowsKernel(emitter, adapter)
        : group.kind === 'own'
          ? ownKernel(emitter, adapter)
          : matmulKernel(emitter, adapter);
  return {
    ...made,
    label: labelOf(emitter.order),
    group,
    nodes: emitter.order,
    flops: emitter.order.reduce((total, node) => total + flopsOf(node), 0),
    bytes: trafficBytes(group, dependencies),
  };
}

function labelOf(nodes: readonly Tensor[]): string {
  const names = nodes.map((node) => (node.name ? `${node.op.name} ${node.name}` : node.op.name));
  return names.length > 6
    ? `${names.slice(0, 6).join(' + ')} + ${names.length - 6} more`
    : names.join(' + ');
}

function flopsOf(node: Tensor): number {
  if (node.op.kernel) return node.op.kernel(node, { isSoftware: true }).flops;
  if (node.op.kind === 'matmul') return 2 * node.size * (node.inputs[0] as Tensor).shape.at(-1)!;
  if (node.op.kind === 'reduce') return (node.op.flops ?? 1) * (node.inputs[0] as Tensor).size;
  return (node.op.flops ?? 0) * node.size;
}

/** Constants of the imported libraries that depend on the adapter. */
function libraryConstants(emitter: Emitter, adapter: AdapterClass): Record<string, number> {
  // A software adapter shifts slowly and converts fast; the words are the same.
  return emitter.imports.has('lib/philox') && adapter.isSoftware ? { PHILOX_CONVERTS: 1 } : {};
}

type Made = Pick<Kernel, 'shader' | 'variant' | 'code' | 'bindings' | 'dispatch'>;

const importLines = (emitter: Emitter) => [...emitter.imports].sort().map((m) => `// @import ${m}`);

const plain = (bindings: readonly Binding[]): KernelBinding[] =>
  bindings.map(({ memory, kind, start }) => ({ memory, kind, offset: 4 * start }));

/** A node with a shader of its own: its inputs and its result, each in memory of its own. */
function ownKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const node = emitter.order[0] as Tensor;
  const setup = (node.op.kernel as NonNullable<Op['kernel']>)(node, adapter);
  const { shader, constants, workgroups, hooks = {} } = setup;
  const { dispatch, gridX } = grid(workgroups);
  const code = specialize(shader, { constants: { ...constants, GRID_X: gridX }, hooks });
  const inputs = node.inputs.map((input) => emitter.memoryOf(accessIn(input, input.shape)));
  const bindings: KernelBinding[] = [
    ...inputs.map((memory) => ({ memory, kind: 'read' as const, offset: 0 })),
    { memory: node, kind: 'write', offset: 0 },
  ];
  return { shader, variant: '', code, bindings, dispatch };
}

/** Invocations of a map's workgroup, and quads that each of them handles. */
function mapInvocations(
  quads: number,
  { isSoftware }: AdapterClass,
): { workgroup: number; items: number } {
  if (!isSoftware) return { workgroup: 64, items: 1 };
  // Four invocations run in step. To enter them costs as much as a few quads do, so they are few;
  // with no others in the workgroup they walk through memory without leaps.
  const workgroup = 4;
  const groups = Math.min(256, Math.ceil(quads / 128));
  return { workgroup, items: Math.ceil(quads / (workgroup * groups)) };
}

function mapKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const { shape } = emitter.group;
  const segment: Segment = {
    extents: shape,
    axes: shape.map((_, axis) => axis),
    counter: 'index',
    prefix: 'i',
  };
  const space = new IndexSpace([segment], emitter.domainStrides());
  const declarations = emitter.bind(space, 0);
  const scope = new Scope();
  const stores = emitter.stores(scope, 'full', () => true);
  const body = [...space.unravel(0), ...scope.lines, ...stores];

  const { workgroup, items } = mapInvocations(space.quads, adapter);
  const { dispatch, gridX } = grid(Math.ceil(space.quads / (workgroup * items)));
  const code = specialize('map', {
    constants: {
      ...libraryConstants(emitter, adapter),
      QUADS: space.quads,
      ITEMS: items,
      WORKGROUP: workgroup,
      GRID_X: gridX,
    },
    hooks: {
      bindings: [...importLines(emitter), declarations].join('\n'),
      element: `fn element(index: u32) {\n${indent(body)}\n}`,
    },
  });
  return { shader: 'map', variant: '', code, bindings: plain(emitter.bindings), dispatch };
}

/** Invocations of a rows kernel: of a workgroup, and how many of them share a row. */
interface RowInvocations {
  workgroup: number;
  lanes: number;
  /** Whether neighbouring invocations take neighbouring rows. */
  across: boolean;
}

function rowInvocations(group: Group, quads: number, adapter: AdapterClass): RowInvocations {
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

function rowsKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const { group } = emitter;
  const axes = group.shape.map((_, axis) => axis);
  const kept = axes.filter((axis) => !group.axes.includes(axis));
  const extents = (of: readonly number[]) => of.map((axis) => group.shape[axis] as number);
  const space = new IndexSpace(
    [
      { extents: extents(kept), axes: kept, counter: 'row', prefix: 'r' },
      { extents: extents(group.axes), axes: group.axes, counter: 'at', prefix: 'c' },
    ],
    emitter.domainStrides(),
  );
  const declarations = emitter.bind(space, 0);
  const body = rowsBody(emitter, space);

  const { workgroup, lanes, across } = rowInvocations(group, space.quads, adapter);
  const { dispatch, gridX } = grid(Math.ceil((rowCount(group) * group.splits * lanes) / workgroup));
  const code = specialize('rows', {
    constants: {
      ...libraryConstants(emitter, adapter),
      ROWS: rowCount(group),
      SPLITS: group.splits,
      LANES: lanes,
      ACROSS: String(across),
      WORKGROUP: workgroup,
      GRID_X: gridX,
      QUADS: space.quads,
    },
    hooks: {
      folds: `// @import ${lanes === 1 ? 'lib/fold_serial' : 'lib/fold_lanes'}`,
      bindings: [...importLines(emitter), declarations].join('\n'),
      process: `fn process(row: u32, split: u32, lane: u32, place: u32, live: bool) {\n${indent(body)}\n}`,
    },
  });
  const variant = `${lanes === 1 ? 'serial' : `${lanes} lanes`}${group.splits > 1 ? `, ${group.splits} splits` : ''}`;
  return { shader: 'rows', variant, code, bindings: plain(emitter.bindings), dispatch };
}

interface Fold {
  start: (acc: string) => string;
  add: (acc: string, value: string) => string;
  finish: string;
  neutral: string;
}

const folds: Record<string, Fold> = {
  sum: {
    start: (acc) => `var ${acc} = vec4f(0.0);`,
    add: (acc, value) => `${acc} += ${value};`,
    finish: 'fold_sum',
    neutral: '0.0',
  },
  max: {
    start: (acc) => `var ${acc} = vec4f(-3.4e38);`,
    add: (acc, value) => `${acc} = maximum(${acc}, ${value});`,
    finish: 'fold_max',
    neutral: '-3.4e38',
  },
  logSumExp: {
    start: (acc) => `var ${acc} = lse_start();`,
    add: (acc, value) => `${acc} = lse_add4(${acc}, ${value});`,
    finish: 'fold_logsumexp',
    neutral: '-3.0e38',
  },
};

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

function matmulKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const { group, dependencies } = emitter;
  const product = emitter.order.find((node) => node.op.kind === 'matmul') as Tensor;
  const { shape } = product;
  const rank = shape.length;
  const batch = shape.slice(0, -2);
  const [m, n] = shape.slice(-2) as [number, number];
  const operands = product.inputs.map((input) => {
    const access = accessIn(input, input.shape);
    const operand = operandOf(access, batch);
    if (!operand) throw new Error(`${input} cannot be read by a product`);
    const { memory, offset } = locate(access, dependencies);
    const described: MatmulOperand = { ...operand, offset, size: memoryElements(memory) };
    return { memory, described };
  }) as [
    { memory: Tensor; described: MatmulOperand },
    { memory: Tensor; described: MatmulOperand },
  ];
  const choice = chooseMatmul(
    {
      batch: sizeOf(batch),
      m,
      n,
      k: (product.inputs[0] as Tensor).shape.at(-1) as number,
      a: operands[0].described,
      b: operands[1].described,
      sumA: group.columnSum !== undefined,
    },
    adapter,
  );
  const axes = batch.map((_, axis) => axis);
  const space = new IndexSpace(
    [
      { extents: batch, axes, counter: 'batch', prefix: 'b' },
      { extents: [m], axes: [rank - 2], counter: 'row', prefix: 'r' },
      { extents: [n], axes: [rank - 1], counter: 'index', prefix: 'c' },
    ],
    emitter.domainStrides(),
  );
  const declarations = emitter.bind(space, 2);
  const scope = new Scope();
  scope.set(`n${product.id}`, 'value');
  const stores = emitter.stores(scope, 'full', () => true);
  const body = [
    'let column = col;',
    'let quad = col / 4u;',
    ...space.unravel(0),
    ...scope.lines,
    ...stores,
  ];
  const sums = emitter.columnSumStores();
  const code = specialize(choice.shader, {
    constants: { ...choice.constants, ...libraryConstants(emitter, adapter) },
    hooks: {
      ...choice.hooks,
      bindings: [...importLines(emitter), declarations].join('\n'),
      epilogue: `fn epilogue(batch: u32, row: u32, col: u32, value: vec4f) {\n${indent(body)}\n}`,
      ...(sums.length > 0 && {
        sum_epilogue: `fn sum_epilogue(batch: u32, row: u32, value: vec4f) {\n${indent(sums)}\n}`,
      }),
    },
  });
  const bindings: KernelBinding[] = [
    ...operands.map(({ memory }) => ({ memory, kind: 'read' as const, offset: 0 })),
    ...plain(emitter.bindings),
  ];
  return {
    shader: choice.shader,
    variant: choice.variant,
    code,
    bindings,
    dispatch: choice.dispatch,
  };
}
