// Which nodes share a kernel. Greedy, in order of what is gained:
//   1. a product takes the bias gradient that sums its left operand, its bias and its activation;
//   2. a reduction takes what feeds it; a gather takes the computation of its indices;
//   3. a number joins the fold it comes from;
//   4. every other node joins the kernel it has most in common with, or starts one;
//   5. kernels that share memory become one, and so do short rows with the rows they make up;
//   6. small products that follow each other become one.
// A node joins only if one kernel can then compute the group, the bindings suffice and no cycle
// arises between kernels.
import { sameShape, sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import { accessOf, isVirtual } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import type { Lowered } from '../lower/lower.ts';
import { Dependencies } from './dependencies.ts';
import type { Fusion } from './fusion.ts';
import {
  type Group,
  type GroupKind,
  hasTrailingAxes,
  isComputable,
  type Level,
  levelIn,
  nest,
  newGroup,
  rowCount,
  withShared,
} from './group.ts';
import { joinLayers } from './layers.ts';
import { canNest, canShare } from './nest.ts';
import { countBindings, trafficOf, writesItsOperand } from './traffic.ts';

/** Small kernels are merged even if they have nothing in common: a dispatch costs more than they do. */
const SMALL = 4096;

export function fuse(lowered: Lowered, adapter: AdapterClass): Fusion {
  const fuser = new Fuser(lowered, adapter);
  fuser.products();
  fuser.epilogues();
  fuser.reductions();
  fuser.gathers();
  fuser.numbers();
  fuser.rest();
  fuser.merge();
  fuser.nestRows();
  const { groups, groupOf, dependencies } = fuser;
  return joinLayers({ groups, groupOf, dependencies }, adapter);
}

/** Whether one group computes a value for each row of another. */
function isPerRow(rows: Group, values: Group): boolean {
  return rows.kind === 'rows' && values.kind === 'map' && sizeOf(values.shape) === rowCount(rows);
}

class Fuser {
  readonly groups: Group[] = [];
  readonly groupOf = new Map<Tensor, Group>();
  readonly dependencies: Dependencies;
  private readonly nodes: Tensor[];
  private readonly adapter: AdapterClass;

  constructor(lowered: Lowered, adapter: AdapterClass) {
    this.dependencies = new Dependencies(lowered);
    this.nodes = this.dependencies.nodes;
    this.adapter = adapter;
  }

  products(): void {
    for (const node of this.nodes) {
      if (node.op.kind === 'kernel') this.start(newGroup('own', node.shape), node);
      if (node.op.kind !== 'matmul') continue;
      const group = this.start(newGroup('matmul', node.shape), node);
      this.takeColumnSum(group, node);
    }
  }

  /** Σ over rows of X, where the product is Xᵀ·Y: the bias gradient beside the weight gradient. */
  private takeColumnSum(group: Group, product: Tensor): void {
    const left = accessOf(product.inputs[0] as Tensor);
    if (!left || product.rank !== 2 || left.strides[0] !== 1) return;
    const [m, k] = left.shape as [number, number];
    for (const node of this.nodes) {
      if (node.op.name !== 'sum' || this.groupOf.has(node) || node.attrs.splits) continue;
      const source = accessOf(node.inputs[0] as Tensor);
      const fits =
        source?.base === left.base &&
        source.offset === left.offset &&
        sameShape(source.shape, [k, m]) &&
        source.strides[1] === left.strides[0] &&
        source.strides[0] === left.strides[1] &&
        sameShape(node.shape, [1, m]);
      if (!fits) continue;
      group.columnSum = node;
      group.levels.set(node, 'row');
      if (this.isSound(group)) {
        this.groupOf.set(node, group);
        return;
      }
      group.levels.delete(node);
      group.columnSum = undefined;
    }
  }

  /** What follows a product and needs nothing else but parameters and constants. */
  epilogues(): void {
    for (const node of this.nodes) {
      if (node.op.kind !== 'elementwise' || this.groupOf.has(node)) continue;
      let product: Group | undefined;
      const plain = node.inputs.every((input) => {
        const base = accessOf(input)?.base as Tensor;
        if (isVariable(base) || isVirtual(base)) return true;
        const group = this.groupOf.get(base);
        if (group?.kind !== 'matmul' || (product && product !== group)) return false;
        product = group;
        return this.dependencies.consumersOf(base).length === 1;
      });
      if (plain && product) this.join(node, product);
    }
  }

  reductions(): void {
    for (const node of this.nodes) {
      if (node.op.kind !== 'reduce' || this.groupOf.has(node)) continue;
      const shape = (node.inputs[0] as Tensor).shape;
      const axes = node.attrs.axes as number[];
      const splits = (node.attrs.splits as number | undefined) ?? 1;
      const twin = this.groups.find(
        (g) =>
          g.kind === 'rows' &&
          g.splits === splits &&
          sameShape(g.shape, shape) &&
          g.axes.join() === axes.join() &&
          this.join(node, g, 'row'),
      );
      const group = twin ?? this.start(newGroup('rows', shape, axes, splits), node, 'row');
      this.takeFeed(group, node.inputs[0] as Tensor);
    }
  }

  /** The elementwise nodes from which a reduction's operand is computed. */
  private takeFeed(group: Group, operand: Tensor): void {
    const base = accessOf(operand)?.base as Tensor;
    if (!['elementwise', 'noise', 'gather'].includes(base.op.kind) || this.groupOf.has(base))
      return;
    const everyUser = this.dependencies
      .consumersOf(base)
      .every((user) => this.groupOf.get(user) === group);
    if (!hasTrailingAxes(group) && (!everyUser || this.dependencies.isRoot(base))) return;
    if (levelIn(base, group) !== 'full' || !this.join(base, group)) return;
    for (const input of base.inputs) this.takeFeed(group, input);
  }

  gathers(): void {
    for (const node of this.nodes) {
      if (node.op.kind !== 'gather') continue;
      const joined = this.groupOf.get(node);
      const group = joined ?? this.start(newGroup('rows', node.shape, [1]), node);
      if (group.kind === 'rows') this.takeIndex(group, node.inputs[1] as Tensor);
    }
  }

  private takeIndex(group: Group, index: Tensor): void {
    const base = accessOf(index)?.base as Tensor;
    if (base.op.kind !== 'elementwise' || this.groupOf.has(base)) return;
    if (base.size !== rowCount(group) || !this.join(base, group, 'row')) return;
    for (const input of base.inputs) this.takeIndex(group, input);
  }

  /** Numbers stay with the fold they come from: no other kernel has to wait for it then. */
  numbers(): void {
    const folds = this.groups.filter((g) => g.kind === 'rows' && rowCount(g) === 1).reverse();
    for (const node of this.nodes) {
      if (node.size !== 1 || this.groupOf.has(node)) continue;
      folds.some((group) => this.dependencies.follows(node, group) && this.join(node, group));
    }
  }

  /** Users before what they use, so that a value is made where it is needed, not kept for later. */
  rest(): void {
    for (const node of [...this.nodes].reverse()) {
      if (this.groupOf.has(node)) continue;
      const candidates = this.groups
        .map((group) => ({ group, affinity: this.affinity(node, group) }))
        .filter(({ affinity }) => affinity > 0)
        .sort((a, b) => b.affinity - a.affinity || a.group.id - b.group.id);
      const found = candidates.some(({ group }) => this.join(node, group));
      if (!found) this.start(newGroup('map', node.shape), node);
    }
  }

  /** How much a node would gain from a group: 0 if nothing. */
  private affinity(node: Tensor, group: Group): number {
    const level = levelIn(node, group);
    if (!level) return 0;
    const inputs = this.dependencies.inputsOf(node);
    // A value that others need too is in memory anyway: being near its maker spares little.
    const made = inputs.filter((x) => group.levels.has(x));
    const spared = made.filter((x) => !this.dependencies.isKept(x, group, node)).length;
    const users = this.dependencies.consumersOf(node);
    const used = users.filter((x) => group.levels.has(x)).length;
    if (level === 'one') return used === users.length && used > 0 ? 1 : 0;
    // A number costs least where other numbers are computed once.
    if (node.size === 1) return 100 + 2 * (made.length + used);
    const whole = used === users.length ? 1 : 0;
    if (group.kind === 'matmul') return 8 * (spared + used) + 3 * made.length + whole * used;
    if (group.splits > 1) return 0;
    const reads = new Set([...group.levels.keys()].flatMap((x) => this.dependencies.inputsOf(x)));
    const shared = inputs.filter((x) => reads.has(x)).length;
    return 8 * spared + 8 * used + 2 * shared + made.length + whole * used;
  }

  /** Whole kernels become one where that spares memory traffic or a small dispatch. */
  merge(): void {
    // What stands between two kernels may have to join one of them first.
    for (let before = 0; before !== this.groups.length; ) {
      before = this.groups.length;
      this.mergeInto(['map', 'rows']);
    }
    this.mergeInto(['matmul']);
  }

  /** Short rows and the rows that their values make up become one kernel. */
  nestRows(): void {
    for (const outer of [...this.groups]) {
      const inner = this.groups.find(
        (group) =>
          canNest(group, outer, this.adapter) &&
          this.feeds(group, outer) &&
          this.unite(nest(group, outer), group, outer),
      );
      if (!inner) continue;
      const nested = this.groups.at(-1) as Group;
      const shared = this.groups.filter((group) => canShare(nested, group));
      shared.reduce((all, group) => {
        const more = withShared(all, group);
        return this.unite(more, all, group) ? more : all;
      }, nested);
    }
  }

  /** Puts `whole` in the place of two groups, if one kernel can compute it. */
  private unite(whole: Group, a: Group, b: Group): boolean {
    for (const node of whole.levels.keys()) this.groupOf.set(node, whole);
    const fits = this.isSound(whole);
    if (fits) {
      const others = this.groups.filter((group) => group !== a && group !== b);
      this.groups.splice(0, this.groups.length, ...others, whole);
    } else {
      for (const node of a.levels.keys()) this.groupOf.set(node, a);
      for (const node of b.levels.keys()) this.groupOf.set(node, b);
    }
    return fits;
  }

  /** Whether every fold of `outer` is of values that itself or `inner` computes, some by `inner`. */
  private feeds(inner: Group, outer: Group): boolean {
    const holds = (x: Tensor) => inner.levels.has(x) || outer.levels.has(x);
    const nodes = [...outer.levels.keys()];
    return (
      nodes.some((node) => this.dependencies.inputsOf(node).some((x) => inner.levels.has(x))) &&
      nodes.every(
        (node) => node.op.kind !== 'reduce' || this.dependencies.inputsOf(node).every(holds),
      )
    );
  }

  private mergeInto(kinds: readonly GroupKind[]): void {
    for (let i = 0; i < this.groups.length; i++) {
      for (let k = this.groups.length - 1; k > i; k--) {
        const [a, b] = [this.groups[i] as Group, this.groups[k] as Group];
        const [into, from] = a.kind === 'map' ? [b, a] : [a, b];
        if (!kinds.includes(into.kind) || !this.mergeable(into, from) || !this.absorb(into, from))
          continue;
        this.groups.splice(this.groups.indexOf(from), 1);
        if (into === b) {
          // The group at i is gone: look at its successor from the start.
          i--;
          break;
        }
      }
    }
  }

  private mergeable(into: Group, from: Group): boolean {
    if (from.kind === 'matmul' || from.kind === 'own' || into.splits > 1 || from.splits > 1)
      return false;
    const touched = (group: Group) => {
      const { reads, writes } = trafficOf(group, this.dependencies);
      return new Set([...reads, ...writes].map(({ location }) => location.memory));
    };
    if (!sameShape(into.shape, from.shape)) {
      if (!isPerRow(into, from)) return false;
      if (sizeOf(from.shape) <= SMALL) return true;
      const own = touched(into);
      return [...touched(from)].some((memory) => own.has(memory));
    }
    if (into.kind === 'matmul') {
      const inputs = [...from.levels.keys()].flatMap((x) => this.dependencies.inputsOf(x));
      return from.kind === 'map' && inputs.some((x) => into.levels.has(x));
    }
    if (into.kind === 'map' && from.kind === 'rows') return false;
    if (into.kind === 'rows' && from.kind === 'map' && !hasTrailingAxes(into)) return false;
    if (from.kind === 'rows' && from.axes.join() !== into.axes.join()) return false;
    if (sizeOf(from.shape) <= SMALL) return true;
    const own = touched(into);
    return [...touched(from)].some((memory) => own.has(memory) && memory.size > SMALL);
  }

  private absorb(into: Group, from: Group): boolean {
    const before = new Map(into.levels);
    const perRow = !sameShape(into.shape, from.shape);
    for (const [node, level] of from.levels) {
      into.levels.set(node, perRow && level === 'full' ? 'row' : level);
    }
    for (const node of from.levels.keys()) this.groupOf.set(node, into);
    if (this.isSound(into)) return true;
    into.levels.clear();
    for (const [node, level] of before) into.levels.set(node, level);
    for (const node of from.levels.keys()) this.groupOf.set(node, from);
    return false;
  }

  private isSound(group: Group): boolean {
    const { storage, uniform } = countBindings(group, this.dependencies);
    return (
      storage <= this.adapter.maxStorageBuffers &&
      uniform <= this.adapter.maxUniformBuffers &&
      !writesItsOperand(group, this.dependencies) &&
      isComputable(group) &&
      this.dependencies.isAcyclic(group, this.groupOf)
    );
  }

  private start(group: Group, node: Tensor, level: Level = 'full'): Group {
    group.levels.set(node, level);
    this.groups.push(group);
    this.groupOf.set(node, group);
    return group;
  }

  private join(node: Tensor, group: Group, as?: Level): boolean {
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
    if (fits) this.groupOf.set(node, group);
    else group.levels.delete(node);
    return fits;
  }
}
