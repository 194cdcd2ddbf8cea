// What reductions and gathers take into their kernels.
import { sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { accessOf } from '../lower/access.ts';
import { type Group, hasTrailingAxes, levelIn, newGroup, rowCount } from './group.ts';
import type { Grouping } from './grouping.ts';

export function reductions(groups: Grouping): void {
  for (const node of groups.nodes) {
    if (node.op.kind !== 'reduce' || groups.of.has(node)) continue;
    const shape = (node.inputs[0] as Tensor).shape;
    const axes = node.attrs.axes as number[];
    const splits = (node.attrs.splits as number | undefined) ?? 1;
    const twin = groups.all.find(
      (g) =>
        g.kind === 'rows' &&
        g.splits === splits &&
        sameShape(g.shape, shape) &&
        g.axes.join() === axes.join() &&
        groups.join(node, g, 'row'),
    );
    const group = twin ?? groups.start(newGroup('rows', shape, axes, splits), node, 'row');
    takeFeed(groups, group, node.inputs[0] as Tensor);
  }
}

/** The elementwise nodes from which a reduction's operand is computed. */
function takeFeed(groups: Grouping, group: Group, operand: Tensor): void {
  const base = accessOf(operand)?.base as Tensor;
  if (!['elementwise', 'noise', 'gather'].includes(base.op.kind) || groups.of.has(base)) return;
  const everyUser = groups.dependencies
    .consumersOf(base)
    .every((user) => groups.of.get(user) === group);
  if (!hasTrailingAxes(group) && (!everyUser || groups.dependencies.isRoot(base))) return;
  if (levelIn(base, group) !== 'full' || !groups.join(base, group)) return;
  for (const input of base.inputs) takeFeed(groups, group, input);
}

export function gathers(groups: Grouping): void {
  for (const node of groups.nodes) {
    if (node.op.kind !== 'gather') continue;
    const joined = groups.of.get(node);
    const group = joined ?? groups.start(newGroup('rows', node.shape, [1]), node);
    if (group.kind === 'rows') takeIndex(groups, group, node.inputs[1] as Tensor);
  }
}

function takeIndex(groups: Grouping, group: Group, index: Tensor): void {
  const base = accessOf(index)?.base as Tensor;
  if (base.op.kind !== 'elementwise' || groups.of.has(base)) return;
  if (base.size !== rowCount(group) || !groups.join(base, group, 'row')) return;
  for (const input of base.inputs) takeIndex(groups, group, input);
}

/** Numbers stay with the fold they come from: no other kernel has to wait for it then. */
export function numbers(groups: Grouping): void {
  const folds = groups.all.filter((g) => g.kind === 'rows' && rowCount(g) === 1).reverse();
  for (const node of groups.nodes) {
    if (node.size !== 1 || groups.of.has(node)) continue;
    folds.some((group) => groups.dependencies.follows(node, group) && groups.join(node, group));
  }
}
