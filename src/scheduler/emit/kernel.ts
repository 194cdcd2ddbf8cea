// From a group of nodes to a kernel: its skeleton, its composed body, its bindings and its grid.
import { termsOf } from '../../graph/products.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import type { Group, GroupKind } from '../fuse/group.ts';
import { trafficBytes } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { Footprint } from './footprint.ts';
import { operationsPerElement } from './invocations.ts';
import type { Made } from './kernel-parts.ts';
import { layersKernel } from './layers-kernel.ts';
import { mapKernel } from './map-kernel.ts';
import { matmulKernel } from './matmul-kernel.ts';
import { ownKernel } from './own-kernel.ts';
import { rowsKernel } from './rows-kernel.ts';

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

/** @param density operations on each element of the domain */
type Maker = (footprint: Footprint, adapter: AdapterClass, density: number) => Made;

const makers: Readonly<Record<GroupKind, Maker>> = {
  map: mapKernel,
  rows: rowsKernel,
  matmul: matmulKernel,
  layers: layersKernel,
  own: ownKernel,
};

export function makeKernel(
  group: Group,
  dependencies: Dependencies,
  aliases: ReadonlyMap<Tensor, Tensor>,
  adapter: AdapterClass,
): Kernel {
  const footprint = new Footprint(group, dependencies, aliases);
  const nodes = footprint.order;
  const flops = nodes.reduce((total, node) => total + flopsOf(node), 0);
  const made = makers[group.kind](footprint, adapter, operationsPerElement(group, flops));
  return {
    ...made,
    bindings: made.bindings.map((b) => ({ ...b, memory: footprint.root(b.memory) })),
    label: labelOf(nodes),
    groups: [group],
    parts: [],
    nodes,
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
  if (node.op.kind === 'matmul') return 2 * node.size * termsOf(node);
  if (node.op.kind === 'reduce') return (node.op.flops ?? 1) * (node.inputs[0] as Tensor).size;
  return (node.op.flops ?? 0) * node.size;
}
