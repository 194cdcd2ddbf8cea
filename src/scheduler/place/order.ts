// In which order the kernels run: of those that could go next, the one that leaves least memory
// in use, so that large intermediates die young. What could run beside it in the same dispatch is
// put into the same stage.
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import type { Fusion } from '../fuse/fusion.ts';
import type { Group } from '../fuse/group.ts';
import { memoryBytes, trafficOf } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { canShareDispatch } from './company.ts';

/** @returns stages, one after the other; the groups of a stage do not depend on each other */
export function orderGroups(
  { groups, groupOf, dependencies }: Fusion,
  adapter: AdapterClass,
): Group[][] {
  const predecessors = new Map<Group, Set<Group>>();
  const successors = new Map<Group, Set<Group>>(groups.map((g) => [g, new Set()]));
  for (const group of groups) {
    const before = new Set<Group>();
    for (const node of group.levels.keys()) {
      for (const x of dependencies.predecessorsOf(node)) before.add(groupOf.get(x) as Group);
    }
    before.delete(group);
    predecessors.set(group, before);
    for (const g of before) successors.get(g)?.add(group);
  }
  // How many kernels still have to read each memory, and who writes it first.
  const readers = new Map<Tensor, number>();
  const touched = new Map<Group, { reads: Set<Tensor>; writes: Set<Tensor> }>();
  const rank = new Map<Group, number>();
  dependencies.nodes.forEach((node, i) => {
    rank.set(groupOf.get(node) as Group, i);
  });
  for (const group of groups) {
    const { reads, writes } = trafficOf(group, dependencies);
    const own = (memory: Tensor) => !isVariable(memory);
    const sets = {
      reads: new Set(reads.map((r) => r.location.memory).filter(own)),
      writes: new Set(writes.map((w) => w.location.memory).filter(own)),
    };
    touched.set(group, sets);
    for (const memory of sets.reads) readers.set(memory, (readers.get(memory) ?? 0) + 1);
  }
  const live = new Set<Tensor>();
  const growth = (group: Group): number => {
    const { reads, writes } = touched.get(group) as { reads: Set<Tensor>; writes: Set<Tensor> };
    let bytes = 0;
    for (const memory of writes) if (!live.has(memory)) bytes += memoryBytes(memory);
    for (const memory of reads) if (readers.get(memory) === 1) bytes -= memoryBytes(memory);
    return bytes;
  };
  const result: Group[][] = [];
  const ready = groups.filter((g) => predecessors.get(g)?.size === 0);
  while (ready.length > 0) {
    ready.sort(
      (a, b) => growth(a) - growth(b) || (rank.get(a) as number) - (rank.get(b) as number),
    );
    const stage = [ready.shift() as Group];
    for (const group of [...ready]) {
      if (!canShareDispatch([...stage, group], dependencies, adapter)) continue;
      stage.push(group);
      ready.splice(ready.indexOf(group), 1);
    }
    result.push(stage);
    for (const group of stage) {
      const { reads, writes } = touched.get(group) as { reads: Set<Tensor>; writes: Set<Tensor> };
      for (const memory of writes) live.add(memory);
      for (const memory of reads) readers.set(memory, (readers.get(memory) as number) - 1);
      for (const follower of successors.get(group) as Set<Group>) {
        const before = predecessors.get(follower) as Set<Group>;
        before.delete(group);
        if (before.size === 0) ready.push(follower);
      }
    }
  }
  if (result.flat().length !== groups.length)
    throw new Error('the kernels depend on each other in a circle');
  return result;
}
