// Groups of nodes while they grow. A node joins a group, and a group another, only if one kernel can then
// compute the whole, its bindings suffice and no cycle arises between kernels.
import { sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import type { Lowered } from '../lower/lower.ts';
import { Dependencies } from './dependencies.ts';
import { type Group, isComputable, type Level, levelIn } from './group.ts';
import { countBindings, writesItsOperand } from './traffic.ts';

export class Grouping {
  readonly all: Group[] = [];
  /** Of each node the group it has joined. */
  readonly of = new Map<Tensor, Group>();
  readonly dependencies: Dependencies;
  readonly nodes: readonly Tensor[];
  readonly adapter: AdapterClass;

  constructor(lowered: Lowered, adapter: AdapterClass) {
    this.dependencies = new Dependencies(lowered);
    this.nodes = this.dependencies.nodes;
    this.adapter = adapter;
  }

  /** Begins a group with a node, which is not yet in any. */
  start(group: Group, node: Tensor, level: Level = 'full'): Group {
    group.levels.set(node, level);
    this.all.push(group);
    this.of.set(node, group);
    return group;
  }

  /**
   * Puts a node into a group, if it can be there.
   *
   * @param as how often it is computed; by default what its shape says beside the group's
   */
  join(node: Tensor, group: Group, as?: Level): boolean {
    const level = as ?? levelIn(node, group);
    if (!level || group.kind === 'own') return false;
    if (node.op.kind === 'matmul' || (node.op.kind === 'reduce' && as === undefined)) return false;
    if (group.splits > 1 && (level === 'row') !== (node.op.kind === 'reduce')) return false;
    if (level === 'one') {
      const own = this.dependencies.consumersOf(node).every((user) => group.levels.has(user));
      if (!own || this.dependencies.isRoot(node)) return false;
    }
    if (group.kind === 'matmul' && targetOf(node)?.dtype === 'u32') return false;
    group.levels.set(node, level);
    const fits = this.isSound(group);
    if (fits) this.of.set(node, group);
    else group.levels.delete(node);
    return fits;
  }

  /** Puts the nodes of one group into another, if one kernel can compute them all. */
  absorb(into: Group, from: Group): boolean {
    const before = new Map(into.levels);
    const perRow = !sameShape(into.shape, from.shape);
    for (const [node, level] of from.levels) {
      into.levels.set(node, perRow && level === 'full' ? 'row' : level);
    }
    for (const node of from.levels.keys()) this.of.set(node, into);
    if (this.isSound(into)) return true;
    into.levels.clear();
    for (const [node, level] of before) into.levels.set(node, level);
    for (const node of from.levels.keys()) this.of.set(node, from);
    return false;
  }

  /** Puts `whole` in the place of two groups, if one kernel can compute it. */
  unite(whole: Group, a: Group, b: Group): boolean {
    for (const node of whole.levels.keys()) this.of.set(node, whole);
    const fits = this.isSound(whole);
    if (fits) {
      const others = this.all.filter((group) => group !== a && group !== b);
      this.all.splice(0, this.all.length, ...others, whole);
    } else {
      for (const node of a.levels.keys()) this.of.set(node, a);
      for (const node of b.levels.keys()) this.of.set(node, b);
    }
    return fits;
  }

  /** Whether one kernel can compute a group, and nothing it needs waits for it. */
  isSound(group: Group): boolean {
    const { storage, uniform } = countBindings(group, this.dependencies);
    return (
      storage <= this.adapter.maxStorageBuffers &&
      uniform <= this.adapter.maxUniformBuffers &&
      !writesItsOperand(group, this.dependencies) &&
      isComputable(group) &&
      this.dependencies.isAcyclic(group, this.of)
    );
  }
}
