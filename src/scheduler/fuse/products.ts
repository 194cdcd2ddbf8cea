// What products take into their kernels.
import { sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import { accessOf, isVirtual } from '../lower/access.ts';
import { type Group, newGroup } from './group.ts';
import type { Grouping } from './grouping.ts';

export function products(groups: Grouping): void {
  for (const node of groups.nodes) {
    if (node.op.kind === 'kernel') groups.start(newGroup('own', node.shape), node);
    if (node.op.kind !== 'matmul') continue;
    const group = groups.start(newGroup('matmul', node.shape), node);
    takeColumnSum(groups, group, node);
  }
}

/** Σ over rows of X, where the product is Xᵀ·Y: the bias gradient beside the weight gradient. */
function takeColumnSum(groups: Grouping, group: Group, product: Tensor): void {
  const left = accessOf(product.inputs[0] as Tensor);
  if (!left || product.rank !== 2 || left.strides[0] !== 1) return;
  const [m, k] = left.shape as [number, number];
  for (const node of groups.nodes) {
    if (node.op.name !== 'sum' || groups.of.has(node) || node.attrs.splits) continue;
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
    if (groups.isSound(group)) {
      groups.of.set(node, group);
      return;
    }
    group.levels.delete(node);
    group.columnSum = undefined;
  }
}

/** What follows a product and needs nothing else but parameters and constants. */
export function epilogues(groups: Grouping): void {
  for (const node of groups.nodes) {
    if (node.op.kind !== 'elementwise' || groups.of.has(node)) continue;
    let product: Group | undefined;
    const plain = node.inputs.every((input) => {
      const base = accessOf(input)?.base as Tensor;
      if (isVariable(base) || isVirtual(base)) return true;
      const group = groups.of.get(base);
      if (group?.kind !== 'matmul' || (product && product !== group)) return false;
      product = group;
      return groups.dependencies.consumersOf(base).length === 1;
    });
    if (plain && product) groups.join(node, product);
  }
}
