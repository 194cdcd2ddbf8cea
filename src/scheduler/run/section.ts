// A section of a step, planned by itself: its kernels and the memory between them.
import { opNamed, Tensor } from '../../graph/tensor.ts';
import { type Kernel, makeKernel } from '../emit/kernel.ts';
import { shareDispatch } from '../emit/share-dispatch.ts';
import { withSharedBuffers } from '../emit/shared-buffers.ts';
import { fuse } from '../fuse/fuse.ts';
import type { Group } from '../fuse/group.ts';
import { homeOf, type Location } from '../fuse/location.ts';
import { type Access, accessOf, isWhole } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { lower } from '../lower/lower.ts';
import { findInPlace } from '../place/in-place.ts';
import { type MemoryMap, placeMemory } from '../place/memory.ts';
import { orderGroups } from '../place/order.ts';

export interface PlannedSection {
  readonly kernels: readonly Kernel[];
  readonly memory: MemoryMap;
  /** Where the first roots lie, as many as are read. */
  readonly read: readonly { readonly tensor: Tensor; readonly location: Location }[];
  /** The same section with kernels chosen by another table. */
  on(adapter: AdapterClass): PlannedSection;
  owns(group: Group): boolean;
  /** The kernel of one of its groups, as on another adapter. */
  remade(group: Group, adapter: AdapterClass): Kernel;
}

/** @param readRoots how many of the roots, from the first, are read after the step */
export function planSection(
  asked: readonly Tensor[],
  readRoots: number,
  adapter: AdapterClass,
): PlannedSection {
  const roots = asked.map((root, i) => (i < readRoots ? readableWhole(root) : root));
  const lowered = lower(roots, adapter);
  const fusion = fuse(lowered, adapter);
  const { dependencies } = fusion;
  const stages = orderGroups(fusion, adapter);
  const read = lowered.roots.slice(0, readRoots).map((tensor) => {
    const { base } = accessOf(tensor) as Access;
    return { tensor, location: homeOf(base, dependencies) };
  });
  const kept = new Set(read.map(({ location }) => location.memory));
  const inPlace = findInPlace(stages, dependencies, kept);
  const make = (group: Group, on: AdapterClass) => makeKernel(group, dependencies, inPlace, on);
  const groups = new Set(stages.flat());
  const plan = (on: AdapterClass): PlannedSection => {
    const made = stages.flatMap((stage) =>
      shareDispatch(
        stage.map((group) => make(group, on)),
        on,
      ),
    );
    const memory = placeMemory(made, {
      inPlace,
      kept,
      sharesBuffers: on.isSoftware,
      maxBytes: on.maxBindingBytes,
    });
    return {
      kernels: made.map((kernel) => withSharedBuffers(kernel, memory)),
      memory,
      read,
      on: plan,
      owns: (group) => groups.has(group),
      remade: make,
    };
  };
  return plan(adapter);
}

/** An output has to lie in memory of its own, in row-major order. */
function readableWhole(tensor: Tensor): Tensor {
  const access = accessOf(tensor);
  const kinds = ['elementwise', 'noise', 'gather', 'reduce', 'matmul', 'kernel'];
  if (access && kinds.includes(access.base.op.kind) && isWhole(access)) return tensor;
  const dtype = tensor.dtype === 'u8' ? 'f32' : tensor.dtype;
  return new Tensor(opNamed('copy'), [tensor], tensor.shape, dtype, {}, tensor.name);
}
