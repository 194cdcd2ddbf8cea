// A schedule: every decision about how a graph runs, made without a device.
import { LatentGpuError } from '../../errors.ts';
import { opNamed, Tensor } from '../../graph/tensor.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import type { TunedTable } from '../../kernels/tuned.ts';
import { type Kernel, makeKernel } from '../emit/kernel.ts';
import { shareDispatch } from '../emit/share-dispatch.ts';
import { withSharedBuffers } from '../emit/shared-buffers.ts';
import { fuse } from '../fuse/fuse.ts';
import type { Group } from '../fuse/group.ts';
import { homeOf, type Location } from '../fuse/location.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { type Access, accessOf, isWhole } from '../lower/access.ts';
import { type AdapterClass, defaultAdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import { lower } from '../lower/lower.ts';
import { findInPlace } from '../place/in-place.ts';
import { type MemoryMap, placeMemory } from '../place/memory.ts';
import { orderGroups } from '../place/order.ts';
import { explain } from './explain.ts';

export interface Program {
  /** What the caller reads after a run, by name. */
  readonly outputs?: Readonly<Record<string, Tensor>>;
  /** What a step leaves in variables: `assign` and `store` nodes. */
  readonly effects?: readonly Tensor[];
}

export interface Schedule {
  readonly kernels: readonly Kernel[];
  readonly memory: MemoryMap;
  readonly outputs: ReadonlyMap<string, { tensor: Tensor; location: Location }>;
  /** Variables the kernels touch. */
  readonly variables: readonly Variable[];
  readonly adapter: AdapterClass;
  /** The same schedule with kernels chosen by another table. */
  tuned(table: TunedTable): Schedule;
  /** One of its kernels, or a part of one, as another of its choice's variants. */
  as(kernel: Kernel, variant: string): Kernel;
  /** Each dispatch with its shapes, FLOP and bytes, what was fused into it, and the memory map. */
  explain(): string;
}

/**
 * Plans how `program` runs on a class of adapters. Needs no GPU.
 *
 * @throws LatentGpuError `bad-config` for an effect that leaves nothing in a variable, or nothing to compute
 * @example schedule({ outputs: { y: ops.relu(input('x', [8])) } }).kernels.length // 1
 */
export function schedule(program: Program, adapter: AdapterClass = defaultAdapterClass): Schedule {
  const named = Object.entries(program.outputs ?? {});
  const effects = program.effects ?? [];
  for (const effect of effects) {
    if (!targetOf(effect)) {
      throw new LatentGpuError(
        'bad-config',
        `${effect} is no effect; make one with assign(variable, value) or store(variable, index, value)`,
      );
    }
  }
  const roots = [...named.map(([, tensor]) => readableWhole(tensor)), ...effects];
  if (roots.length === 0) {
    throw new LatentGpuError('bad-config', 'there is nothing to compute: give outputs or effects');
  }
  const lowered = lower(roots, adapter);
  const fusion = fuse(lowered, adapter);
  const { dependencies } = fusion;
  const stages = orderGroups(fusion, adapter);
  const outputs = new Map(
    named.map(([name], i) => {
      const tensor = lowered.roots[i] as Tensor;
      const { base } = accessOf(tensor) as Access;
      return [name, { tensor, location: homeOf(base, dependencies) }];
    }),
  );
  const kept = new Set([...outputs.values()].map(({ location }) => location.memory));
  const inPlace = findInPlace(stages, dependencies, kept);
  const make = (group: Group, on: AdapterClass) => makeKernel(group, dependencies, inPlace, on);
  const makeAll = (on: AdapterClass) => {
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
    return { kernels: made.map((kernel) => withSharedBuffers(kernel, memory)), memory };
  };
  const planned = makeAll(adapter);
  const variables = [
    ...new Set(planned.kernels.flatMap((k) => k.bindings.map((b) => b.memory)).filter(isVariable)),
  ];
  for (const { memory: held } of planned.kernels.flatMap((k) => k.bindings)) {
    if (memoryBytes(held) <= adapter.maxBindingBytes) continue;
    throw new LatentGpuError(
      'limit-exceeded',
      `${held} needs ${memoryBytes(held)} bytes and one binding may span ${adapter.maxBindingBytes}; ` +
        (isVariable(held) && held.role === 'data'
          ? 'use a smaller batch, or a smaller residentBytes so that the data are streamed'
          : 'use a smaller batch, fewer samples or a smaller model'),
    );
  }
  const complete = (made: ReturnType<typeof makeAll>, adapter: AdapterClass): Schedule => {
    const result = { ...made, outputs, variables, adapter };
    return {
      ...result,
      tuned: (table) => {
        const on = { ...adapter, tuned: table };
        return complete(makeAll(on), on);
      },
      as: ({ groups, choice }, variant) => {
        const tuned = choice ? { [choice.key]: variant } : {};
        return make(groups[0] as Group, { ...adapter, tuned });
      },
      explain: () => explain(result),
    };
  };
  return complete(planned, adapter);
}

/** An output has to lie in memory of its own, in row-major order. */
function readableWhole(tensor: Tensor): Tensor {
  const access = accessOf(tensor);
  const kinds = ['elementwise', 'noise', 'gather', 'reduce', 'matmul', 'kernel'];
  if (access && kinds.includes(access.base.op.kind) && isWhole(access)) return tensor;
  const dtype = tensor.dtype === 'u8' ? 'f32' : tensor.dtype;
  return new Tensor(opNamed('copy'), [tensor], tensor.shape, dtype, {}, tensor.name);
}
