// Whole kernels that become one.
import { sameShape, sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  type Group,
  type GroupKind,
  hasTrailingAxes,
  nest,
  rowCount,
  withShared,
} from './group.ts';
import type { Grouping } from './grouping.ts';
import { canNest, canShare } from './nest.ts';
import { trafficOf } from './traffic.ts';

/** Small kernels are merged even if they have nothing in common: a dispatch costs more than they do. */
const SMALL = 4096;

/** Whether one group computes a value for each row of another. */
function isPerRow(rows: Group, values: Group): boolean {
  return rows.kind === 'rows' && values.kind === 'map' && sizeOf(values.shape) === rowCount(rows);
}

/** Whole kernels become one where that spares memory traffic or a small dispatch. */
export function merge(groups: Grouping): void {
  // What stands between two kernels may have to join one of them first.
  for (let before = 0; before !== groups.all.length; ) {
    before = groups.all.length;
    mergeInto(groups, ['map', 'rows']);
  }
  mergeInto(groups, ['matmul']);
}

function mergeInto(groups: Grouping, kinds: readonly GroupKind[]): void {
  for (let i = 0; i < groups.all.length; i++) {
    for (let k = groups.all.length - 1; k > i; k--) {
      const [a, b] = [groups.all[i] as Group, groups.all[k] as Group];
      const [into, from] = a.kind === 'map' ? [b, a] : [a, b];
      if (
        !kinds.includes(into.kind) ||
        !mergeable(groups, into, from) ||
        !groups.absorb(into, from)
      )
        continue;
      groups.all.splice(groups.all.indexOf(from), 1);
      if (into === b) {
        // The group at i is gone: look at its successor from the start.
        i--;
        break;
      }
    }
  }
}

function mergeable(groups: Grouping, into: Group, from: Group): boolean {
  if (from.kind === 'matmul' || from.kind === 'own' || into.splits > 1 || from.splits > 1)
    return false;
  const touched = (group: Group) => {
    const { reads, writes } = trafficOf(group, groups.dependencies);
    return new Set([...reads, ...writes].map(({ location }) => location.memory));
  };
  if (!sameShape(into.shape, from.shape)) {
    if (!isPerRow(into, from)) return false;
    if (sizeOf(from.shape) <= SMALL) return true;
    const own = touched(into);
    return [...touched(from)].some((memory) => own.has(memory));
  }
  if (into.kind === 'matmul') {
    const inputs = [...from.levels.keys()].flatMap((x) => groups.dependencies.inputsOf(x));
    return from.kind === 'map' && inputs.some((x) => into.levels.has(x));
  }
  if (into.kind === 'map' && from.kind === 'rows') return false;
  if (into.kind === 'rows' && from.kind === 'map' && !hasTrailingAxes(into)) return false;
  if (from.kind === 'rows' && from.axes.join() !== into.axes.join()) return false;
  if (sizeOf(from.shape) <= SMALL) return true;
  const own = touched(into);
  return [...touched(from)].some((memory) => own.has(memory) && memory.size > SMALL);
}

/** Short rows and the rows that their values make up become one kernel. */
export function nestRows(groups: Grouping): void {
  for (const outer of [...groups.all]) {
    const inner = groups.all.find(
      (group) =>
        canNest(group, outer, groups.adapter) &&
        feeds(groups, group, outer) &&
        groups.unite(nest(group, outer), group, outer),
    );
    if (!inner) continue;
    const nested = groups.all.at(-1) as Group;
    const shared = groups.all.filter((group) => canShare(nested, group));
    shared.reduce((all, group) => {
      const more = withShared(all, group);
      return groups.unite(more, all, group) ? more : all;
    }, nested);
  }
}

/** Whether every fold of `outer` is of values that itself or `inner` computes, some by `inner`. */
function feeds(groups: Grouping, inner: Group, outer: Group): boolean {
  const holds = (x: Tensor) => inner.levels.has(x) || outer.levels.has(x);
  const nodes = [...outer.levels.keys()];
  return (
    nodes.some((node) => groups.dependencies.inputsOf(node).some((x) => inner.levels.has(x))) &&
    nodes.every(
      (node) => node.op.kind !== 'reduce' || groups.dependencies.inputsOf(node).every(holds),
    )
  );
}
