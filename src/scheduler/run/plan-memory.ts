// The memory of a plan on a device: buffers of its own, and where each of its kernels' memories lies.
import type { Device } from '../../device/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { rootOf } from '../place/in-place.ts';
import type { Schedule } from './schedule.ts';
import { BUFFER_USAGE, type VariableMemory } from './variable-memory.ts';

/** Bytes of a buffer. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export class PlanMemory {
  private readonly device: Device;
  private readonly schedule: Schedule;
  private readonly variables: VariableMemory;
  private readonly slots: readonly GPUBuffer[];
  /** Of what goes from section to section. */
  private readonly held: ReadonlyMap<Tensor, GPUBuffer>;

  constructor(device: Device, variables: VariableMemory, schedule: Schedule) {
    this.device = device;
    this.schedule = schedule;
    this.variables = variables;
    const { slotBytes, places } = schedule.memory;
    this.slots = slotBytes.map((bytes, slot) => {
      const [held] = [...places].find(([, place]) => place.slot === slot) ?? [];
      const name = held?.name || held?.op.name;
      return device.createBuffer(`slot ${slot} (${name})`, bytes, BUFFER_USAGE);
    });
    this.held = new Map(
      schedule.held.map((x) => [x, device.createBuffer(x.name, memoryBytes(x), BUFFER_USAGE)]),
    );
  }

  /** Where a memory lies; variables get theirs when first asked for. */
  placeOf(memory: Tensor): Place {
    const held = this.held.get(memory);
    if (held) return { buffer: held, offset: 0, size: memoryBytes(memory) };
    if (isVariable(memory)) {
      const { buffer, byteOffset, bytes } = this.variables.storageOf(memory);
      return { buffer, offset: byteOffset, size: bytes };
    }
    const { places, inPlace } = this.schedule.memory;
    const { slot, offset } = places.get(rootOf(memory, inPlace)) as {
      slot: number;
      offset: number;
    };
    return { buffer: this.slots[slot] as GPUBuffer, offset, size: memoryBytes(memory) };
  }

  /** Frees the buffers that are the plan's own. */
  destroy(): void {
    for (const buffer of [...this.slots, ...this.held.values()]) this.device.destroyBuffer(buffer);
  }
}
