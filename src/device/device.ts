/** An open GPU: its memory, its kernels, its queue, and every way in which it may fail. */
import { patiently } from '#host';
import type { AdapterReport } from './adapter.ts';
import { Buffers } from './buffers.ts';
import { type DeviceCounters, newCounters } from './counters.ts';
import { ErrorScopes } from './error-scopes.ts';
import { Loss, type LostInfo } from './loss.ts';
import { type BindingLayout, PipelineCache } from './pipelines.ts';
import { Readback } from './readback.ts';

/** Of every vendor's subgroups: Intel's are of 8 to 32, AMD's of 32 and 64. */
const COMMON_SUBGROUP = 32;

/** A buffer, or a part of it, for a binding. Offset and size are in bytes. */
export interface BufferSlot {
  buffer: GPUBuffer;
  offset?: number;
  size?: number;
  /** The binding's number; default: the position in the list. */
  binding?: number;
}

/**
 * A WebGPU device. Open one with `openDevice`.
 *
 * The GPU reports most errors after the call that caused them. They are collected, and thrown
 * by the next {@link sync}, {@link read} or {@link withErrors}: none passes silently. (They are
 * collected in error scopes that always stand open, so an error scope of your own on
 * {@link gpu} must close before the next `await`.) Once the device is lost, every call throws
 * `device-lost`.
 *
 * ```ts
 * const buffer = device.createBuffer('x', 16, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
 * const zeros = new Float32Array(await device.read(buffer, 0, 16));
 * device.destroyBuffer(buffer);
 * ```
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterReport;
  /** The optional features that this device was opened with. */
  readonly features: ReadonlySet<string>;
  /** Resolves when the device is lost, for whatever reason. Never rejects. */
  readonly lost: Promise<LostInfo>;
  readonly counters: DeviceCounters;

  readonly #loss: Loss;
  readonly #errors: ErrorScopes;
  readonly #buffers: Buffers;
  readonly #pipelines: PipelineCache;
  readonly #readback: Readback;
  #roundTrip: Promise<number> | undefined;

  constructor(gpu: GPUDevice, adapter: AdapterReport) {
    this.gpu = gpu;
    this.adapter = adapter;
    this.features = new Set<string>(gpu.features as ReadonlySet<string>);
    this.#pipelines = new PipelineCache(gpu);
    this.counters = newCounters(this.#pipelines);
    this.#loss = new Loss(gpu);
    this.lost = this.#loss.news;
    this.#errors = new ErrorScopes(gpu, this.#loss);
    this.#buffers = new Buffers(gpu, this.#errors, this.counters);
    this.#readback = new Readback({
      gpu,
      buffers: this.#buffers,
      errors: this.#errors,
      loss: this.#loss,
      submit: (commands) => this.submit(commands),
    });
  }

  /**
   * The size of every subgroup, if the device has subgroups and they come in one size; else that which
   * kernels can ask for, if they can ({@link asksSubgroupSize}).
   */
  get subgroupSize(): number | undefined {
    const [min, max] = this.adapter.subgroupSizes ?? [];
    if (!this.features.has('subgroups') || min === undefined || max === undefined) return undefined;
    if (min === max) return min;
    return this.asksSubgroupSize ? Math.min(max, Math.max(min, COMMON_SUBGROUP)) : undefined;
  }

  /** Whether subgroups come in several sizes, and a kernel may ask for one of them. */
  get asksSubgroupSize(): boolean {
    const [min, max] = this.adapter.subgroupSizes ?? [];
    return min !== max && this.features.has('subgroup-size-control');
  }

  get isLost(): boolean {
    return this.#loss.isLost;
  }

  /**
   * A buffer of `bytes`, rounded up to a multiple of 16 and filled with zeros. If the GPU has no
   * room for it, the next {@link sync} or {@link read} throws `out-of-memory` with `label`.
   *
   * @param label the tensor's name, for messages
   * @throws LatentGpuError `limit-exceeded`, `bad-input`, `device-lost`
   */
  createBuffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.#loss.assertAlive();
    return this.#buffers.create(label, bytes, usage);
  }

  /** Frees a buffer of this device; freeing it twice does no harm. */
  destroyBuffer(buffer: GPUBuffer): void {
    this.#buffers.destroy(buffer);
  }

  /**
   * The compute pipeline of a kernel, compiled unless the same code with the same layout was.
   *
   * @param label the kernel's name, for messages
   * @param layout what bind group 0 holds
   * @throws LatentGpuError `bad-kernel` with the compiler's message and the offending line;
   *   `limit-exceeded`; `device-lost`
   */
  async createPipeline(
    label: string,
    code: string,
    layout: BindingLayout,
    entryPoint = 'main',
  ): Promise<GPUComputePipeline> {
    this.#loss.assertAlive();
    try {
      return await patiently(this.#pipelines.get(label, code, entryPoint, layout));
    } catch (error) {
      await this.#loss.settle();
      this.#loss.assertAlive();
      throw error;
    }
  }

  /**
   * Bind group 0 of a pipeline made by {@link createPipeline}.
   *
   * @throws LatentGpuError `limit-exceeded` if a bound part is larger than the device can bind
   */
  createBindGroup(
    label: string,
    pipeline: GPUComputePipeline,
    slots: readonly (GPUBuffer | BufferSlot)[],
  ): GPUBindGroup {
    this.#loss.assertAlive();
    const entries = slots.map((slot, i) => {
      const { binding = i, ...resource } = 'buffer' in slot ? slot : { buffer: slot };
      const { buffer, offset = 0, size = buffer.size - offset } = resource;
      this.#buffers.checkBinding(label, binding, buffer, size);
      return { binding, resource };
    });
    this.counters.bindGroupsCreated += 1;
    return this.gpu.createBindGroup({
      label,
      layout: this.#pipelines.groupLayout(pipeline),
      entries,
    });
  }

  /** Hands recorded commands to the GPU and returns at once. */
  submit(commands: Iterable<GPUCommandBuffer>): void {
    this.#loss.assertAlive();
    this.counters.submissions += 1;
    this.gpu.queue.submit(commands);
  }

  /**
   * Copies bytes to a buffer, in order with what was submitted before. The offset must be a
   * multiple of 4; data whose length is not is followed by zeros up to the next multiple.
   */
  write(buffer: GPUBuffer, byteOffset: number, data: ArrayBufferLike | ArrayBufferView): void {
    this.#loss.assertAlive();
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const whole = bytes.length - (bytes.length % 4);
    const { queue } = this.gpu;
    this.counters.hostWrites += 1;
    if (whole > 0)
      queue.writeBuffer(buffer, byteOffset, bytes as GPUAllowSharedBufferSource, 0, whole);
    if (whole < bytes.length) {
      const rest = new Uint8Array(4);
      rest.set(bytes.subarray(whole));
      queue.writeBuffer(buffer, byteOffset + whole, rest);
    }
  }

  /**
   * Copies bytes from a buffer, after everything submitted so far. Any offset and length will do;
   * several readings may be under way at once.
   *
   * @throws LatentGpuError whatever went wrong on the GPU since the last look; `device-lost`
   */
  async read(buffer: GPUBuffer, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    this.#loss.assertAlive();
    return await this.#readback.read(buffer, byteOffset, bytes);
  }

  /**
   * Waits for everything submitted so far.
   *
   * @throws LatentGpuError whatever went wrong on the GPU since the last look; `device-lost`
   */
  async sync(): Promise<void> {
    this.#loss.assertAlive();
    const done = this.gpu.queue.onSubmittedWorkDone().catch(() => this.#loss.settle());
    await patiently(Promise.all([done, this.#errors.collect()]));
    await this.#errors.check();
  }

  /**
   * Milliseconds until the host hears that the GPU is done with nothing, measured once. Firefox looks only
   * ten times a second: work that is shorter than that seems to take as long.
   */
  roundTrip(): Promise<number> {
    // An error of an earlier call is told once, and says nothing of the next measurement.
    this.#roundTrip ??= this.#timeRoundTrip().catch((error) => {
      this.#roundTrip = undefined;
      throw error;
    });
    return this.#roundTrip;
  }

  async #timeRoundTrip(): Promise<number> {
    // The second begins just after a look, and takes the whole time to the next.
    await this.sync();
    const began = this.now();
    await this.sync();
    return this.now() - began;
  }

  /** Milliseconds by the clock that submissions are paced by. */
  now(): number {
    return performance.now();
  }

  /**
   * Runs `f` and throws what went wrong on the GPU meanwhile, with `what` in the message. Errors
   * of earlier calls are thrown first, as their own. What `f` does after its first `await` may
   * be mixed with what other tasks do at that time.
   */
  async withErrors<T>(what: string, f: () => T | Promise<T>): Promise<T> {
    this.#loss.assertAlive();
    await this.#errors.collect();
    await this.#errors.check();
    const value = await this.#errors.around(what, f);
    await this.#errors.collect(what);
    await this.#errors.check();
    return value;
  }

  /** Frees what is kept for the next readings; they ask for it again. */
  trim(): void {
    this.#readback.trim();
  }

  /** Loses the device on purpose, as a crashed driver would: a drill for whoever must recover. */
  lose(message = 'lost on purpose, as a drill'): void {
    this.#loss.mark('unknown', message);
    this.gpu.destroy();
  }

  /** Frees everything at once. */
  destroy(): void {
    this.#loss.mark('destroyed', 'the device was destroyed');
    this.#buffers.destroyAll();
    this.gpu.destroy();
  }
}
