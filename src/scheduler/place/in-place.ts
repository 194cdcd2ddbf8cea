// Which results can take over the memory of an operand that nobody needs any more.
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import type { Group } from '../fuse/group.ts';
import { memoryBytes, trafficOf } from '../fuse/traffic.ts';
import { type Access, accessOf } from '../lower/access.ts';

/** Positions of the first and last stage that touch a memory. */
interface Lifetime {
  readonly first: number;
  last: number;
}

function lifetimesOf(
  stages: readonly (readonly Group[])[],
  dependencies: Dependencies,
): Map<Tensor, Lifetime> {
  const lifetimes = new Map<Tensor, Lifetime>();
  stages.forEach((stage, at) => {
    for (const group of stage) {
      const { reads, writes } = trafficOf(group, dependencies);
      for (const { location } of [...writes, ...reads]) {
        const { memory } = location;
        if (isVariable(memory)) continue;
        const life = lifetimes.get(memory);
        if (life) life.last = at;
        else lifetimes.set(memory, { first: at, last: at });
      }
    }
  });
  return lifetimes;
}

/** The memory in which a value lies, where values are written over others. */
export function rootOf(memory: Tensor, inPlace: ReadonlyMap<Tensor, Tensor>): Tensor {
  let at = memory;
  for (let next = inPlace.get(at); next; next = inPlace.get(at)) at = next;
  return at;
}

/** Whether a kernel is done with an element once it has computed what stands at its place. */
function readsOnce(group: Group): boolean {
  if (group.kind === 'map') return true;
  if (group.kind !== 'rows' || group.over.length > 0) return false;
  // What needs the fold of a row walks through the row again.
  return [...group.levels].every(
    ([node, level]) =>
      (level === 'row' && node.op.kind !== 'reduce') ||
      node.inputs.every((input) => group.levels.get((accessOf(input) as Access).base) !== 'row'),
  );
}

/**
 * Elementwise outputs, each with the input over which it can be written because that dies in the same
 * kernel.
 *
 * @param stages what runs at once, one after the other
 * @param kept memories that outlive the step, because the caller reads them
 */
export function findInPlace(
  stages: readonly (readonly Group[])[],
  dependencies: Dependencies,
  kept: ReadonlySet<Tensor>,
): Map<Tensor, Tensor> {
  const lifetimes = lifetimesOf(stages, dependencies);
  const inPlace = new Map<Tensor, Tensor>();
  stages.forEach((stage, at) => {
    const [group, ...beside] = stage as readonly [Group, ...Group[]];
    // Another kernel of the stage may still be reading.
    if (beside.length > 0 || !readsOnce(group)) return;
    const { reads, writes } = trafficOf(group, dependencies);
    const taken = new Set<Tensor>();
    for (const write of writes) {
      const target = write.location.memory;
      const fresh = lifetimes.get(target);
      if (!fresh || fresh.first !== at || target.op.kind === 'concat') continue;
      if (group.levels.get(write.node) !== 'full') continue;
      const source = reads.find(({ location, node }) => {
        const memory = location.memory;
        const life = lifetimes.get(memory);
        if (!life || life.last !== at || taken.has(memory) || kept.has(memory)) return false;
        if (memory.op.kind === 'concat' || memory.dtype !== target.dtype) return false;
        if (memoryBytes(memory) !== memoryBytes(target) || life.first === at) return false;
        return reads.every(
          (other) =>
            other.location.memory !== memory ||
            (other.location.offset === 0 &&
              other.node.op.kind !== 'gather' &&
              node.size === write.node.size &&
              other.location.strides.join() === write.location.strides.join()),
        );
      });
      if (!source) continue;
      taken.add(source.location.memory);
      inPlace.set(target, source.location.memory);
    }
  });
  return inPlace;
}
