// Which kernel work has to come before which: data, and readers of a variable before its writer.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import { accessOf, isVirtual } from '../lower/access.ts';
import { overlaps, targetOf } from '../lower/effects.ts';
import type { Lowered } from '../lower/lower.ts';
import type { Group } from './group.ts';

export class Dependencies {
  /** The nodes that kernels compute, inputs first. */
  readonly nodes: Tensor[];
  private readonly inputs = new Map<Tensor, Tensor[]>();
  private readonly before = new Map<Tensor, Tensor[]>();
  private readonly consumers = new Map<Tensor, Tensor[]>();
  private readonly roots: Set<Tensor>;
  /** The concatenation that holds a node in its memory. */
  readonly holder = new Map<Tensor, Tensor>();

  constructor(lowered: Lowered) {
    const isWork = (x: Tensor) =>
      x.op.kind !== 'view' && x.op.kind !== 'concat' && !isVariable(x) && !isVirtual(x);
    this.nodes = lowered.nodes.filter(isWork);
    for (const node of lowered.nodes) {
      if (node.op.kind !== 'concat') continue;
      for (const part of node.inputs) {
        const base = accessOf(part)?.base as Tensor;
        if (isWork(base)) this.holder.set(base, node);
      }
    }
    this.roots = new Set();
    for (const root of lowered.roots) {
      for (const made of this.makersOf(root)) this.roots.add(made);
    }
    for (const node of this.nodes) {
      const made = [...new Set(node.inputs.flatMap((x) => this.makersOf(x)))];
      this.inputs.set(node, made);
      for (const x of made) {
        const users = this.consumers.get(x);
        if (users) users.push(node);
        else this.consumers.set(x, [node]);
      }
    }
    this.orderEffects();
  }

  /** The work behind a tensor: none for a variable, several nodes for a concatenation. */
  private makersOf(x: Tensor): Tensor[] {
    const base = accessOf(x)?.base as Tensor;
    if (isVariable(base) || isVirtual(base)) return [];
    if (base.op.kind !== 'concat') return [base];
    return base.inputs.flatMap((part) => this.makersOf(part));
  }

  private orderEffects(): void {
    const written: Tensor[] = [];
    for (const effect of this.nodes) {
      const target = targetOf(effect);
      if (!target) continue;
      // Stores change one element each, so that several may go to one variable.
      const isStore = effect.op.kind === 'store';
      const clash = written.find(
        (other) =>
          overlaps(targetOf(other) as Variable, target) && !(isStore && other.op.kind === 'store'),
      );
      if (clash) {
        throw new LatentGpuError(
          'bad-config',
          `${target} is assigned twice in one step; combine the two values and assign once`,
        );
      }
      written.push(effect);
      const readers = this.nodes.filter(
        (node) =>
          node !== effect &&
          node.inputs.some((input) => {
            const base = accessOf(input)?.base;
            return base !== undefined && isVariable(base) && overlaps(base, target);
          }),
      );
      this.before.set(effect, readers);
    }
  }

  inputsOf(node: Tensor): readonly Tensor[] {
    return this.inputs.get(node) ?? [];
  }

  consumersOf(node: Tensor): readonly Tensor[] {
    return this.consumers.get(node) ?? [];
  }

  /** Everything that has to be done before a node, or in the same kernel. */
  predecessorsOf(node: Tensor): readonly Tensor[] {
    const readers = this.before.get(node);
    return readers ? [...this.inputsOf(node), ...readers] : this.inputsOf(node);
  }

  /** Whether a node is computed from what a group holds, by whatever way. */
  follows(node: Tensor, group: Group): boolean {
    const seen = new Set<Tensor>();
    const stack = [...this.inputsOf(node)];
    for (let x = stack.pop(); x; x = stack.pop()) {
      if (group.levels.has(x)) return true;
      if (seen.has(x)) continue;
      seen.add(x);
      stack.push(...this.inputsOf(x));
    }
    return false;
  }

  isRoot(node: Tensor): boolean {
    return this.roots.has(node);
  }

  /** Whether a value leaves the kernel that makes it, once `joining` is part of that kernel. */
  isKept(node: Tensor, group: Group, joining?: Tensor): boolean {
    if (targetOf(node)) return false;
    const outside = (user: Tensor) => user !== joining && !group.levels.has(user);
    return this.isRoot(node) || this.consumersOf(node).some(outside);
  }

  /** Whether the group needs nothing that itself needs the group. */
  isAcyclic(group: Group, groupOf: ReadonlyMap<Tensor, Group>): boolean {
    const seen = new Set<Tensor>();
    const stack: Tensor[] = [];
    for (const node of group.levels.keys()) {
      for (const x of this.predecessorsOf(node)) if (!group.levels.has(x)) stack.push(x);
    }
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (group.levels.has(node)) return false;
      if (seen.has(node)) continue;
      const unit = groupOf.get(node);
      for (const member of unit ? unit.levels.keys() : [node]) {
        seen.add(member);
        stack.push(...this.predecessorsOf(member));
      }
      // A kernel's own members need each other: that is no way back into the group.
      if (unit) for (const member of unit.levels.keys()) seen.add(member);
    }
    return true;
  }
}
