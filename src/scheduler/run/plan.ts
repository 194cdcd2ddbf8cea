// A plan: a schedule bound to a device. Running it writes nothing from the host: every number that
// changes from step to step lives on the GPU.
import type { Device } from '../../device/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import type { Kernel } from '../emit/kernel.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { rootOf } from '../place/in-place.ts';

import type { Schedule } from './schedule.ts';
import { dispatchOrder } from './turns.ts';
import { BUFFER_USAGE, type VariableMemory } from './variable-memory.ts';

/** One submission is kept this short, so that a browser neither stutters nor gives the GPU up. */
const SUBMISSION_MS = 120;
/** Where news of the GPU are slow, one is longer than these, or they would be all that is measured. */
const [ROUND_TRIPS, MOST_MS] = [2.5, 250];

/** A submission has no more dispatches, however long a step is. */
const MOST_DISPATCHES = 4096;

export interface RunOptions {
  /** Called after every submission that is known to be done. */
  onProgress?: (stepsDone: number) => void;
  /** Stops after the submissions under way. */
  signal?: AbortSignal;
  /** What the host has to write before the GPU goes on, if anything. */
  feed?: StepFeed;
}

/** Writes what steps need that the GPU cannot hold for all of them at once. */
export interface StepFeed {
  /** No submission has more steps. */
  readonly most: number;
  /** Called before the submission of steps `from` to `from + count` of this run. */
  write(from: number, count: number): void;
}

/**
 * A schedule at work on a device. Get one with `runtime.compile`.
 *
 * ```ts
 * const plan = await runtime.compile({ outputs: { y: ops.relu(x) } });
 * await plan.run();
 * const y = await plan.read('y'); // numbers in row-major order
 * plan.destroy();
 * ```
 */
export class Plan {
  readonly schedule: Schedule;
  private readonly device: Device;
  private readonly variables: VariableMemory;
  private readonly onDestroy: (() => void) | undefined;
  private readonly compiling: Promise<GPUComputePipeline[]>;
  private pipelines: GPUComputePipeline[] | undefined;
  private readonly slots: GPUBuffer[];
  private readonly held: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly submissionMs: number;
  private bindGroups: GPUBindGroup[] | undefined;
  private stepMs: number | undefined;
  private destroyed = false;

  private constructor(
    device: Device,
    variables: VariableMemory,
    plan: Schedule,
    roundTrip: number,
    onDestroy?: () => void,
  ) {
    this.device = device;
    this.compiling = Promise.all(
      plan.kernels.map((kernel) =>
        device.createPipeline(
          kernel.label,
          kernel.code,
          kernel.bindings.map((binding) => binding.kind),
        ),
      ),
    );
    // It may fail before it is waited for.
    this.compiling.catch(() => {});
    this.submissionMs = Math.max(SUBMISSION_MS, Math.min(MOST_MS, ROUND_TRIPS * roundTrip));
    this.variables = variables;
    this.onDestroy = onDestroy;
    this.schedule = plan;
    this.slots = plan.memory.slotBytes.map((bytes, slot) => {
      const [held] = [...plan.memory.places].find(([, place]) => place.slot === slot) ?? [];
      const name = held?.name || held?.op.name;
      return device.createBuffer(`slot ${slot} (${name})`, bytes, BUFFER_USAGE);
    });
    this.held = new Map(
      plan.held.map((x) => [x, device.createBuffer(x.name, memoryBytes(x), BUFFER_USAGE)]),
    );
  }

  /** Use `runtime.compile`. Its kernels are still being compiled: see {@link ready}. */
  static async create(
    device: Device,
    variables: VariableMemory,
    plan: Schedule,
    onDestroy?: () => void,
  ): Promise<Plan> {
    // Before the compiler keeps the GPU's process busy.
    const roundTrip = await device.roundTrip();
    return new Plan(device, variables, plan, roundTrip, onDestroy);
  }

  /**
   * Waits until all kernels are compiled; {@link run} does so by itself.
   *
   * @throws LatentGpuError `bad-kernel`, `limit-exceeded`, `device-lost`
   */
  async ready(): Promise<void> {
    this.pipelines ??= await this.compiling;
  }

  /** The pipeline of a kernel, once the plan is ready. */
  private pipelineOf(kernel: number): GPUComputePipeline {
    return (this.pipelines as GPUComputePipeline[])[kernel] as GPUComputePipeline;
  }

  /** Each dispatch with its shapes, FLOP and bytes, what was fused into it, and the memory map. */
  explain(): string {
    return this.schedule.explain();
  }

  /** Bind groups are made anew before the next run: a variable has moved. */
  rebind(): void {
    this.bindGroups = undefined;
  }

  /** Variables may get their memory meanwhile, which may ask for a rebinding. */
  private bound(): GPUBindGroup[] {
    let groups = this.bindGroups;
    for (; !groups; groups = this.bindGroups) this.bindGroups = this.bind();
    return groups;
  }

  private bind(): GPUBindGroup[] {
    const { device } = this;
    return this.schedule.kernels.map((kernel, i) =>
      device.createBindGroup(
        kernel.label,
        this.pipelineOf(i),
        kernel.bindings.map(({ memory, offset, bytes }) => {
          const place = this.placeOf(memory);
          const size = bytes ?? place.size - offset;
          return { ...place, offset: place.offset + offset, size };
        }),
      ),
    );
  }

  private placeOf(memory: Tensor): { buffer: GPUBuffer; offset: number; size: number } {
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

  /**
   * Runs `steps` steps, as many a submission as stay short, and waits until they are done.
   *
   * @returns the steps done: fewer than asked for only if the signal stopped it
   * @throws LatentGpuError `device-lost`, `out-of-memory`, `validation`; what {@link ready} throws
   */
  async run(steps = 1, options: RunOptions = {}): Promise<number> {
    if (this.destroyed)
      throw new LatentGpuError('bad-input', 'this plan was destroyed; compile it again');
    if (!(Number.isInteger(steps) && steps >= 0)) {
      throw new LatentGpuError(
        'bad-input',
        `a plan cannot run ${steps} steps; give a whole number`,
      );
    }
    // The first steps are submitted before this returns: what the caller writes next is for later ones.
    if (!this.pipelines) await this.ready();
    this.bound();
    const { device } = this;
    let done = 0;
    let submitted = 0;
    const waiting: { steps: number; finished: Promise<void> }[] = [];
    let last = performance.now();
    while (done < steps) {
      while (submitted < steps && waiting.length < 2 && !options.signal?.aborted) {
        const { feed } = options;
        const most = Math.min(this.stepsPerSubmission(), feed?.most ?? steps);
        const count = Math.min(steps - submitted, most);
        feed?.write(submitted, count);
        this.submit(count);
        submitted += count;
        const finished = device.sync();
        // It may fail before it is waited for, or while another failure is on its way.
        finished.catch(() => {});
        waiting.push({ steps: count, finished });
      }
      const next = waiting.shift();
      if (!next) break;
      await next.finished;
      const now = performance.now();
      const ms = (now - last) / next.steps;
      this.stepMs = this.stepMs === undefined ? ms : 0.7 * this.stepMs + 0.3 * ms;
      last = now;
      done += next.steps;
      options.onProgress?.(done);
    }
    return done;
  }

  private stepsPerSubmission(): number {
    if (this.stepMs === undefined) return 1;
    return Math.max(1, Math.min(256, Math.floor(this.submissionMs / this.stepMs)));
  }

  private submit(steps: number): void {
    const { device, schedule } = this;
    const begun = () => {
      const encoder = device.gpu.createCommandEncoder();
      return { encoder, pass: encoder.beginComputePass(), length: 0 };
    };
    const send = ({ encoder, pass }: ReturnType<typeof begun>) => {
      pass.end();
      device.submit([encoder.finish()]);
    };
    let open = begun();
    for (let step = 0; step < steps; step++) {
      for (const kernel of dispatchOrder(schedule.turns)) {
        // One that grew long, as a loop's may, is sent on its way.
        if (open.length === MOST_DISPATCHES) {
          send(open);
          open = begun();
        }
        this.encode(open.pass, kernel);
        open.length += 1;
      }
    }
    send(open);
  }

  /** Encodes one dispatch of a step, for whoever times it by itself. */
  encode(pass: GPUComputePassEncoder, kernel: number): void {
    const { dispatch } = this.schedule.kernels[kernel] as Kernel;
    pass.setPipeline(this.pipelineOf(kernel));
    pass.setBindGroup(0, this.bound()[kernel] as GPUBindGroup);
    pass.dispatchWorkgroups(...dispatch);
    this.device.counters.dispatches += 1;
  }

  /**
   * The values of an output after the last run, in row-major order.
   *
   * @throws LatentGpuError `bad-input` for a name that is none of its outputs; `device-lost`
   */
  async read(name: string): Promise<Float32Array | Uint32Array> {
    const output = this.schedule.outputs.get(name);
    if (!output) {
      const known = [...this.schedule.outputs.keys()].join(', ') || 'none';
      throw new LatentGpuError('bad-input', `this plan has no output '${name}'; it has: ${known}`);
    }
    const { tensor, location } = output;
    const { buffer, offset } = this.placeOf(location.memory);
    const start = offset + location.offset * 4;
    const bytes = await this.device.read(buffer, start, tensor.size * 4);
    return tensor.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  }

  /** Frees the plan's own memory; variables stay. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const buffer of this.slots) this.device.destroyBuffer(buffer);
    for (const buffer of this.held.values()) this.device.destroyBuffer(buffer);
    this.onDestroy?.();
  }
}
