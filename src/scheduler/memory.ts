// Where every intermediate lives: memories whose lifetimes do not meet share a slot.
import type { Tensor } from '../graph/tensor.ts';
import { isVariable } from '../graph/variable.ts';
import { type Access, accessOf } from './access.ts';
import { memoryBytes, trafficOf } from './bindings.ts';
import { isZeros } from './concat-parts.ts';
import type { Dependencies } from './dependencies.ts';
import type { Group } from './group.ts';

export interface Lifetime {
  readonly memory: Tensor;
  readonly bytes: number;
  /** Positions of the first and last stage that touch it. */
  first: number;
  last: number;
}

export interface MemoryMap {
  /** The slot of every memory that is not a variable. */
  readonly slotOf: Map<Tensor, number>;
  readonly slotBytes: number[];
  readonly lifetimes: Lifetime[];
  /** An output that takes over the memory of an input which nobody needs any more. */
  readonly inPlace: Map<Tensor, Tensor>;
  /** Bytes of all slots together. */
  readonly peakBytes: number;
  /** The most bytes live during any one stage: no placement can use less. */
  readonly boundBytes: number;
}

/**
 * @param stages what runs at once, one after the other
 * @param kept memories that outlive the step, because the caller reads them
 */
export function placeMemory(
  stages: readonly (readonly Group[])[],
  dependencies: Dependencies,
  kept: ReadonlySet<Tensor>,
): MemoryMap {
  const lifetimes = new Map<Tensor, Lifetime>();
  stages.forEach((stage, at) => {
    for (const group of stage) {
      const { reads, writes } = trafficOf(group, dependencies);
      for (const { location } of [...writes, ...reads]) {
        const { memory } = location;
        if (isVariable(memory)) continue;
        const life = lifetimes.get(memory);
        if (life) life.last = at;
        else lifetimes.set(memory, { memory, bytes: memoryBytes(memory), first: at, last: at });
      }
    }
  });
  for (const memory of kept) {
    const life = lifetimes.get(memory);
    if (life) life.last = stages.length;
  }
  const inPlace = findInPlace(stages, dependencies, lifetimes, kept);

  const slotOf = new Map<Tensor, number>();
  const slotBytes: number[] = [];
  const freeSlots = new Set<number>();
  const root = (memory: Tensor): Tensor => {
    let at = memory;
    for (let next = inPlace.get(at); next; next = inPlace.get(at)) at = next;
    return at;
  };
  const end = new Map<Tensor, number>();
  for (const life of lifetimes.values()) {
    const owner = root(life.memory);
    end.set(owner, Math.max(end.get(owner) ?? 0, life.last));
  }
  const sorted = [...lifetimes.values()].sort((a, b) => a.first - b.first || b.bytes - a.bytes);
  const ends: { at: number; slot: number }[] = [];
  for (const life of sorted) {
    const owner = root(life.memory);
    if (owner !== life.memory) {
      slotOf.set(life.memory, slotOf.get(owner) as number);
      continue;
    }
    for (const e of ends) if (e.at < life.first) freeSlots.add(e.slot);
    for (let i = ends.length - 1; i >= 0; i--) {
      if ((ends[i] as { at: number }).at < life.first) ends.splice(i, 1);
    }
    // Zeros around the parts of a concatenation are never written: its memory stays its own.
    const alone = life.memory.op.kind === 'concat' && life.memory.inputs.some(isZeros);
    const slot = alone ? undefined : bestSlot(freeSlots, slotBytes, life.bytes);
    const index = slot ?? slotBytes.push(0) - 1;
    freeSlots.delete(index);
    slotBytes[index] = Math.max(slotBytes[index] as number, life.bytes);
    slotOf.set(life.memory, index);
    if (!alone) ends.push({ at: end.get(owner) as number, slot: index });
  }
  return {
    slotOf,
    slotBytes,
    lifetimes: sorted,
    inPlace,
    peakBytes: slotBytes.reduce((a, b) => a + b, 0),
    boundBytes: livenessBound(stages.length, sorted, inPlace),
  };
}

/** The free slot that wastes least: the smallest that is large enough, else the largest, grown. */
function bestSlot(
  free: ReadonlySet<number>,
  sizes: readonly number[],
  bytes: number,
): number | undefined {
  let best: number | undefined;
  for (const slot of free) {
    const size = sizes[slot] as number;
    const have = best === undefined ? undefined : (sizes[best] as number);
    const better =
      have === undefined ||
      (size >= bytes ? have < bytes || size < have : have < bytes && size > have);
    if (better) best = slot;
  }
  return best;
}

function livenessBound(
  stages: number,
  lifetimes: readonly Lifetime[],
  inPlace: ReadonlyMap<Tensor, Tensor>,
): number {
  let bound = 0;
  for (let at = 0; at < stages; at++) {
    let live = 0;
    for (const life of lifetimes) {
      if (life.first > at || life.last < at) continue;
      // Taken over in place: counted with the memory it came from while both are in use.
      if (inPlace.has(life.memory) && life.first === at) continue;
      live += life.bytes;
    }
    bound = Math.max(bound, live);
  }
  return bound;
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

/** Elementwise outputs that can be written over an input which dies in the same kernel. */
function findInPlace(
  stages: readonly (readonly Group[])[],
  dependencies: Dependencies,
  lifetimes: ReadonlyMap<Tensor, Lifetime>,
  kept: ReadonlySet<Tensor>,
): Map<Tensor, Tensor> {
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
        if (life.bytes !== fresh.bytes || life.first === at) return false;
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
