// From a group of nodes to a kernel: its skeleton, its composed body, its bindings and its grid.

import { sizeOf } from '../../graph/shape.ts';
import type { Op, Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';
import { chooseMatmul, matmulCandidates, matmulClass } from '../../kernels/matmul.ts';
import type { MatmulOperand, MatmulProblem } from '../../kernels/matmul-problem.ts';
import { specialize } from '../../kernels/specialize.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import { accessIn, type Group } from '../fuse/group.ts';
import { locate } from '../fuse/location.ts';
import { memoryElements, trafficBytes } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { operandOf } from '../lower/operand.ts';
import { rootOf } from '../place/in-place.ts';
import type { KernelBinding } from '../place/kernel-binding.ts';
import { Emitter } from './emitter.ts';
import { IndexSpace, type Segment } from './index-space.ts';
import { mapInvocations, operationsPerElement } from './invocations.ts';
import { grid, importLines, indent, libraryConstants, type Made, plain } from './kernel-parts.ts';
import { layersKernel } from './layers-kernel.ts';
import { rowsKernel } from './rows-kernel.ts';
import { Scope } from './scope.ts';

export interface Kernel extends Made {
  /** Names of what it computes, for people. */
  readonly label: string;
  /** What it computes: several groups where kernels share a dispatch. */
  readonly groups: readonly Group[];
  /** The kernels that share the dispatch, if there are several. */
  readonly parts: readonly Kernel[];
  /** Nodes in the order in which they are computed. */
  readonly nodes: readonly Tensor[];
  readonly flops: number;
  readonly bytes: number;
}

export function makeKernel(
  group: Group,
  dependencies: Dependencies,
  aliases: ReadonlyMap<Tensor, Tensor>,
  adapter: AdapterClass,
): Kernel {
  const emitter = new Emitter(group, dependencies, aliases);
  const flops = emitter.order.reduce((total, node) => total + flopsOf(node), 0);
  const density = operationsPerElement(group, flops);
  const made =
    group.kind === 'map'
      ? mapKernel(emitter, density, adapter)
      : group.kind === 'rows'
        ? rowsKernel(emitter, density, adapter)
        : group.kind === 'own'
          ? ownKernel(emitter, adapter)
          : group.kind === 'layers'
            ? layersKernel(group, dependencies, aliases, adapter)
            : matmulKernel(emitter, adapter);
  return {
    ...made,
    bindings: made.bindings.map((b) => ({ ...b, memory: rootOf(b.memory, aliases) })),
    label: labelOf(emitter.order),
    groups: [group],
    parts: [],
    nodes: emitter.order,
    flops,
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

function mapKernel(emitter: Emitter, density: number, adapter: AdapterClass): Made {
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

  const { invocations, choice } = mapInvocations(space.quads, density, adapter);
  const { workgroup, items } = invocations;
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
  return { shader: 'map', variant: '', choice, code, bindings: plain(emitter.bindings), dispatch };
}

function matmulKernel(emitter: Emitter, adapter: AdapterClass): Made {
  const { group, dependencies } = emitter;
  const product = emitter.order.find((node) => node.op.kind === 'matmul') as Tensor;
  const { shape } = product;
  const rank = shape.length;
  const batch = shape.slice(0, -2);
  const [m, n] = shape.slice(-2) as [number, number];
  const operands = product.inputs.map((input, side) => {
    const access = accessIn(input, input.shape);
    const operand = operandOf(access, batch, side === 1);
    if (!operand) throw new Error(`${input} cannot be read by a product`);
    const { memory, offset } = locate(access, dependencies);
    const described: MatmulOperand = {
      ...operand,
      offset,
      size: memoryElements(memory),
      isHalf: isHalf(memory),
    };
    return { memory, described };
  }) as [
    { memory: Tensor; described: MatmulOperand },
    { memory: Tensor; described: MatmulOperand },
  ];
  const problem: MatmulProblem = {
    batch: sizeOf(batch),
    m,
    n,
    k: (product.inputs[0] as Tensor).shape.at(-1) as number,
    a: operands[0].described,
    b: operands[1].described,
    sumA: group.columnSum !== undefined,
  };
  const choice = chooseMatmul(problem, adapter);
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
    choice: {
      key: matmulClass(problem),
      variant: choice.variant,
      variants: matmulCandidates(problem, adapter),
    },
    code,
    bindings,
    dispatch: choice.dispatch,
  };
}
