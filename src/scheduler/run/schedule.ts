// A schedule: every decision about how a graph runs, made without a device.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import type { TunedTable } from '../../kernels/tuned.ts';
import type { Kernel } from '../emit/kernel.ts';
import type { Group } from '../fuse/group.ts';
import type { Location } from '../fuse/location.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { type AdapterClass, defaultAdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import { sectionsOf } from '../lower/sections.ts';
import { joinedMaps, type MemoryMap } from '../place/memory.ts';
import { explain } from './explain.ts';
import { type PlannedSection, planSection } from './section.ts';
import { dispatchCounts, type Turn } from './turns.ts';

export interface Program {
  /** What the caller reads after a run, by name. */
  readonly outputs?: Readonly<Record<string, Tensor>>;
  /** What a step leaves in variables: `assign` and `store` nodes. */
  readonly effects?: readonly Tensor[];
}

export interface Schedule {
  readonly kernels: readonly Kernel[];
  /** In which order they are dispatched, and how often. */
  readonly turns: readonly Turn[];
  /** How often each kernel is dispatched in a step. */
  readonly counts: readonly number[];
  readonly memory: MemoryMap;
  readonly outputs: ReadonlyMap<string, { tensor: Tensor; location: Location }>;
  /** Variables the kernels touch. */
  readonly variables: readonly Variable[];
  /** Variables of the step's own, of loops and between sections: a plan's own memory. */
  readonly held: readonly Variable[];
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
  for (const [name, tensor] of named) {
    if (tensor?.op) continue;
    throw new LatentGpuError(
      'bad-config',
      `output '${name}' is ${tensor}, no tensor; of one number ops.constant makes one`,
    );
  }
  for (const effect of effects) {
    if (!(effect?.op && targetOf(effect))) {
      throw new LatentGpuError(
        'bad-config',
        `${effect} is no effect; make one with assign(variable, value) or store(variable, index, value)`,
      );
    }
  }
  const roots = [...named.map(([, tensor]) => tensor), ...effects];
  if (roots.length === 0) {
    throw new LatentGpuError('bad-config', 'there is nothing to compute: give outputs or effects');
  }
  const { list, held } = sectionsOf(roots);
  const lists = [...new Set(list.map(({ roots }) => roots))];
  const planned = lists.map((roots, i) =>
    planSection(roots, i === lists.length - 1 ? named.length : 0, adapter),
  );
  const order = list.map(({ roots, times }) => ({ section: lists.indexOf(roots), times }));
  return complete({ planned, order, held, names: named.map(([name]) => name) }, adapter);
}

interface Parts {
  readonly planned: readonly PlannedSection[];
  readonly order: readonly { readonly section: number; readonly times: number }[];
  readonly held: readonly Variable[];
  /** Of what is read, in the order of the last section's roots. */
  readonly names: readonly string[];
}

function complete(parts: Parts, adapter: AdapterClass): Schedule {
  const { planned, order, held, names } = parts;
  const kernels = planned.flatMap((section) => section.kernels);
  const ends = planned.map((_, i) =>
    planned.slice(0, i + 1).reduce((total, section) => total + section.kernels.length, 0),
  );
  const turns = order.map(({ section, times }) => ({
    from: ends[section - 1] ?? 0,
    to: ends[section] as number,
    times,
  }));
  const own = new Set<Tensor>(held);
  const touched = [
    ...new Set(kernels.flatMap((k) => k.bindings.map((b) => b.memory)).filter(isVariable)),
  ];
  checkBindings(kernels, adapter);
  const { read } = planned.at(-1) as PlannedSection;
  const result = {
    kernels,
    turns,
    counts: dispatchCounts(turns, kernels.length),
    memory: joinedMaps(planned.map(({ memory, kernels }) => ({ memory, length: kernels.length }))),
    outputs: new Map(names.map((name, i) => [name, read[i] as (typeof read)[number]])),
    variables: touched.filter((variable) => !own.has(variable)),
    held: touched.filter((variable) => own.has(variable)),
    adapter,
  };
  return {
    ...result,
    tuned: (table) => {
      const on = { ...adapter, tuned: table };
      return complete({ ...parts, planned: planned.map((section) => section.on(on)) }, on);
    },
    as: ({ groups, choice }, variant) => {
      const on = { ...adapter, tuned: choice ? { [choice.key]: variant } : {} };
      const [group] = groups as [Group];
      const section = planned.find((each) => each.owns(group)) as PlannedSection;
      return section.remade(group, on);
    },
    explain: () => explain(result),
  };
}

/** @throws LatentGpuError `limit-exceeded` for a memory larger than what one binding may span */
function checkBindings(kernels: readonly Kernel[], { maxBindingBytes }: AdapterClass): void {
  for (const { memory: held } of kernels.flatMap((k) => k.bindings)) {
    if (memoryBytes(held) <= maxBindingBytes) continue;
    throw new LatentGpuError(
      'limit-exceeded',
      `${held} needs ${memoryBytes(held)} bytes and one binding may span ${maxBindingBytes}; ` +
        (isVariable(held) && held.role === 'data'
          ? 'use a smaller batch, or a smaller residentBytes so that the data are streamed'
          : 'use a smaller batch, fewer samples or a smaller model'),
    );
  }
}
