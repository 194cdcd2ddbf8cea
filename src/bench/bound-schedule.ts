// A schedule bound to memory of its own, so that its dispatches can be encoded one by one: a plan
// only runs whole steps.
import { isVariable } from '../graph/variable.ts';
import { memoryBytes } from '../scheduler/bindings.ts';
import type { Kernel } from '../scheduler/kernel.ts';
import { BUFFER_USAGE, type Runtime } from '../scheduler/runtime.ts';
import type { Schedule } from '../scheduler/schedule.ts';

export class BoundSchedule {
  readonly schedule: Schedule;
  private readonly runtime: Runtime;
  private readonly slots: GPUBuffer[];
  private readonly dispatches: {
    pipeline: GPUComputePipeline;
    group: GPUBindGroup;
    grid: readonly [number, number, number];
  }[];

  private constructor(
    runtime: Runtime,
    schedule: Schedule,
    pipelines: readonly GPUComputePipeline[],
  ) {
    const { device } = runtime;
    this.runtime = runtime;
    this.schedule = schedule;
    const { slotBytes, slotOf } = schedule.memory;
    this.slots = slotBytes.map((bytes, i) =>
      device.createBuffer(`bench slot ${i}`, bytes, BUFFER_USAGE),
    );
    const place = ({ memory }: Kernel['bindings'][number]) => {
      if (isVariable(memory)) {
        const { buffer, byteOffset, bytes } = runtime.storageOf(memory);
        return { buffer, offset: byteOffset, size: bytes };
      }
      const buffer = this.slots[slotOf.get(memory) as number] as GPUBuffer;
      return { buffer, offset: 0, size: memoryBytes(memory) };
    };
    this.dispatches = schedule.kernels.map((kernel, i) => {
      const pipeline = pipelines[i] as GPUComputePipeline;
      const group = device.createBindGroup(kernel.label, pipeline, kernel.bindings.map(place));
      return { pipeline, group, grid: kernel.dispatch };
    });
  }

  static async create(runtime: Runtime, schedule: Schedule): Promise<BoundSchedule> {
    // Whole parameters get their memory before their parts are looked for in it.
    for (const variable of schedule.variables) if (!variable.parent) runtime.storageOf(variable);
    const pipelines = await Promise.all(
      schedule.kernels.map(({ label, code, bindings }) =>
        runtime.device.createPipeline(
          label,
          code,
          bindings.map(({ kind }) => kind),
        ),
      ),
    );
    return new BoundSchedule(runtime, schedule, pipelines);
  }

  get length(): number {
    return this.dispatches.length;
  }

  /** Encodes one dispatch. */
  encode(pass: GPUComputePassEncoder, index: number): void {
    const { pipeline, group, grid } = this.dispatches[index] as (typeof this.dispatches)[number];
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...grid);
    this.runtime.device.counters.dispatches += 1;
  }

  encodeAll(pass: GPUComputePassEncoder): void {
    for (let i = 0; i < this.length; i++) this.encode(pass, i);
  }

  destroy(): void {
    for (const slot of this.slots) this.runtime.device.destroyBuffer(slot);
  }
}
