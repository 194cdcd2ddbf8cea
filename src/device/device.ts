/** An open GPU: its memory, its kernels, its queue, and every way in which it may fail. */
import { patiently } from '#host';
import { LatentGpuError } from '../errors.ts';
import type { AdapterReport } from './adapter.ts';
import { type BindingLayout, PipelineCache } from './pipelines.ts';
import { StagingPool } from './staging.ts';

/** What a device has made and done so far. */
export interface DeviceCounters {
  liveBuffers: number;
  liveBytes: number;
  /** The most bytes that were live at once. */
  peakBytes: number;
  buffersCreated: number;
  bindGroupsCreated: number;
  /** Pipelines compiled; one that came from the cache does not count. */
  pipelinesCreated: number;
  /** Pipelines in the cache. */
  pipelinesKept: number;
  submissions: number;
  /** Dispatches submitted; counted by whoever encodes them. */
  dispatches: number;
  /** Times the host wrote into a buffer. */
  hostWrites: number;
}

export interface LostInfo {
  /** `destroyed` if {@link Device.destroy} was called, else `unknown`. */
  reason: GPUDeviceLostReason;
  message: string;
}

/** A buffer, or a part of it, for a binding. Offset and size are in bytes. */
export interface BufferSlot {
  buffer: GPUBuffer;
  offset?: number;
  size?: number;
  /** The binding's number; default: the position in the list. */
  binding?: number;
}

/** The most bytes that one reading stages at a time. */
const READ_CHUNK = 32 * 1024 * 1024;

const STORAGE = 128;

const filters = ['internal', 'out-of-memory', 'validation'] as const;

const roundUp = (bytes: number, multiple: number) => Math.ceil(bytes / multiple) * multiple;

/** `12.5 MiB`, for messages. */
function formatBytes(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${Number(value.toFixed(1))} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

function typedError(error: GPUError, what: string): LatentGpuError {
  const kind = error.constructor.name;
  if (kind === 'GPUOutOfMemoryError') {
    return new LatentGpuError(
      'out-of-memory',
      `${what}: the GPU is out of memory${error.message ? ` (${error.message.trim()})` : ''}. ` +
        'Use a smaller batch or model, or destroy what is no longer needed.',
      { cause: error },
    );
  }
  return new LatentGpuError('validation', `${what}: ${error.message.trim()}`, { cause: error });
}

/**
 * A WebGPU device. Open one with `openDevice`.
 *
 * The GPU reports most errors after the call that caused them. They are collected, and thrown
 * by the next {@link sync}, {@link read} or {@link withErrors}: none passes silently. (They are
 * collected in error scopes that always stand open, so an error scope of your own on
 * {@link gpu} must close before the next `await`.) Once the device is lost, every call throws
 * `device-lost`.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterReport;
  /** The optional features that this device was opened with. */
  readonly features: ReadonlySet<string>;
  /** Resolves when the device is lost, for whatever reason. Never rejects. */
  readonly lost: Promise<LostInfo>;
  readonly counters: DeviceCounters;

  readonly #pipelines: PipelineCache;
  readonly #staging: StagingPool;
  readonly #buffers = new Map<GPUBuffer, number>();
  readonly #errors: LatentGpuError[] = [];
  readonly #scopes = new Set<Promise<void>>();
  #resolveLost: (info: LostInfo) => void = () => {};
  #lostInfo: LostInfo | null = null;

  constructor(gpu: GPUDevice, adapter: AdapterReport) {
    this.gpu = gpu;
    this.adapter = adapter;
    this.features = new Set<string>(gpu.features as ReadonlySet<string>);
    const pipelines = new PipelineCache(gpu);
    this.#pipelines = pipelines;
    this.counters = {
      liveBuffers: 0,
      liveBytes: 0,
      peakBytes: 0,
      buffersCreated: 0,
      bindGroupsCreated: 0,
      get pipelinesCreated() {
        return pipelines.created;
      },
      get pipelinesKept() {
        return pipelines.kept;
      },
      submissions: 0,
      dispatches: 0,
      hostWrites: 0,
    };
    this.#staging = new StagingPool({
      create: (label, bytes, usage) => this.createBuffer(label, bytes, usage),
      destroy: (buffer) => this.destroyBuffer(buffer),
    });
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
    void gpu.lost.then(({ reason, message }) => this.#markLost(reason, message));
    // Whatever no other scope catches falls into these. The event `uncapturederror` would not do:
    // Chrome sends it some time after the work in question is reported as done.
    this.#pushScopes();
  }

  /** The size of every subgroup, if the device has subgroups and they come in one size. */
  get subgroupSize(): number | undefined {
    const [min, max] = this.adapter.subgroupSizes ?? [];
    return this.features.has('subgroups') && min === max ? min : undefined;
  }

  get isLost(): boolean {
    return this.#lostInfo !== null;
  }

  /**
   * A buffer of `bytes`, rounded up to a multiple of 16 and filled with zeros. If the GPU has no
   * room for it, the next {@link sync} or {@link read} throws `out-of-memory` with `label`.
   *
   * @param label the tensor's name, for messages
   * @throws LatentGpuError `limit-exceeded`, `bad-input`, `device-lost`
   */
  createBuffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.#assertAlive();
    if (!(Number.isSafeInteger(bytes) && bytes >= 0)) {
      throw new LatentGpuError('bad-input', `buffer ${label} cannot be ${bytes} bytes long.`);
    }
    const size = Math.max(16, roundUp(bytes, 16));
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits;
    const limited = (limit: number, name: string) => {
      if (size <= limit) return;
      throw new LatentGpuError(
        'limit-exceeded',
        `tensor ${label} needs ${formatBytes(size)} (${size} bytes) and the device allows ` +
          `${formatBytes(limit)} (${name}); use a smaller batch or split it.`,
      );
    };
    limited(maxBufferSize, 'maxBufferSize');
    if (usage & STORAGE) limited(maxStorageBufferBindingSize, 'maxStorageBufferBindingSize');
    this.gpu.pushErrorScope('out-of-memory');
    const buffer = this.gpu.createBuffer({ label, size, usage });
    this.#popScope(`tensor ${label} (${formatBytes(size)})`);
    const { counters } = this;
    this.#buffers.set(buffer, size);
    counters.buffersCreated += 1;
    counters.liveBuffers += 1;
    counters.liveBytes += size;
    counters.peakBytes = Math.max(counters.peakBytes, counters.liveBytes);
    return buffer;
  }

  /** Frees a buffer of this device; freeing it twice does no harm. */
  destroyBuffer(buffer: GPUBuffer): void {
    const size = this.#buffers.get(buffer);
    if (size === undefined) return;
    this.#buffers.delete(buffer);
    this.counters.liveBuffers -= 1;
    this.counters.liveBytes -= size;
    buffer.destroy();
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
    this.#assertAlive();
    try {
      return await patiently(this.#pipelines.get(label, code, entryPoint, layout));
    } catch (error) {
      await this.#settleLoss();
      this.#assertAlive();
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
    this.#assertAlive();
    const limit = this.gpu.limits.maxStorageBufferBindingSize;
    const entries = slots.map((slot, i) => {
      const { binding = i, ...resource } = 'buffer' in slot ? slot : { buffer: slot };
      const { buffer } = resource;
      const size = resource.size ?? buffer.size - (resource.offset ?? 0);
      if (buffer.usage & STORAGE && size > limit) {
        throw new LatentGpuError(
          'limit-exceeded',
          `kernel ${label} binds ${formatBytes(size)} of ${buffer.label} at binding ${binding} and ` +
            `the device allows ${formatBytes(limit)} (maxStorageBufferBindingSize).`,
        );
      }
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
    this.#assertAlive();
    this.counters.submissions += 1;
    this.gpu.queue.submit(commands);
  }

  /**
   * Copies bytes to a buffer, in order with what was submitted before. The offset must be a
   * multiple of 4; data whose length is not is followed by zeros up to the next multiple.
   */
  write(buffer: GPUBuffer, byteOffset: number, data: ArrayBufferLike | ArrayBufferView): void {
    this.#assertAlive();
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
    this.#assertAlive();
    const result = new Uint8Array(bytes);
    for (let done = 0; done < bytes; done += READ_CHUNK) {
      const wanted = Math.min(READ_CHUNK, bytes - done);
      // Copies start and end at multiples of 4.
      const start = byteOffset + done - ((byteOffset + done) % 4);
      const skipped = byteOffset + done - start;
      const size = roundUp(skipped + wanted, 4);
      const staging = this.#staging.take(size);
      const encoder = this.gpu.createCommandEncoder({ label: `read ${buffer.label}` });
      encoder.copyBufferToBuffer(buffer, start, staging, 0, size);
      this.submit([encoder.finish()]);
      const collected = this.#collect();
      try {
        await patiently(staging.mapAsync(GPUMapMode.READ, 0, size));
      } catch (cause) {
        this.destroyBuffer(staging);
        await collected;
        await this.#settleLoss();
        this.#throwCollected();
        throw new LatentGpuError('validation', `reading ${buffer.label}: ${cause}`, { cause });
      }
      result.set(new Uint8Array(staging.getMappedRange(0, size), skipped, wanted), done);
      staging.unmap();
      this.#staging.give(staging);
      await collected;
      this.#throwCollected();
      this.#assertAlive();
    }
    return result.buffer;
  }

  /**
   * Waits for everything submitted so far.
   *
   * @throws LatentGpuError whatever went wrong on the GPU since the last look; `device-lost`
   */
  async sync(): Promise<void> {
    this.#assertAlive();
    const done = this.gpu.queue.onSubmittedWorkDone().catch(() => this.#settleLoss());
    await patiently(Promise.all([done, this.#collect()]));
    this.#throwCollected();
    this.#assertAlive();
  }

  /**
   * Runs `f` and throws what went wrong on the GPU meanwhile, with `what` in the message. Errors
   * of earlier calls are thrown first, as their own. What `f` does after its first `await` may
   * be mixed with what other tasks do at that time.
   */
  async withErrors<T>(what: string, f: () => T | Promise<T>): Promise<T> {
    this.#assertAlive();
    await this.#collect();
    this.#throwCollected();
    this.#pushScopes();
    // Scopes close with the synchronous part of f: held across an await they would swallow the
    // errors of others.
    let result: T | Promise<T>;
    try {
      result = f();
    } finally {
      this.#popScopes(what);
    }
    const value = await result;
    await this.#collect(what);
    this.#throwCollected();
    this.#assertAlive();
    return value;
  }

  /** Frees what is kept for the next readings; they ask for it again. */
  trim(): void {
    this.#staging.clear();
  }

  /** Loses the device on purpose, as a crashed driver would: a drill for whoever must recover. */
  lose(message = 'lost on purpose, as a drill'): void {
    this.#markLost('unknown', message);
    this.gpu.destroy();
  }

  /** Frees everything at once. */
  destroy(): void {
    this.#markLost('destroyed', 'the device was destroyed');
    for (const buffer of this.#buffers.keys()) this.destroyBuffer(buffer);
    this.gpu.destroy();
  }

  #markLost(reason: GPUDeviceLostReason, message: string): void {
    if (this.#lostInfo) return;
    this.#lostInfo = { reason, message };
    this.#resolveLost(this.#lostInfo);
  }

  #assertAlive(): void {
    if (!this.#lostInfo) return;
    const { reason, message } = this.#lostInfo;
    throw new LatentGpuError(
      'device-lost',
      reason === 'destroyed'
        ? 'this device was destroyed; open another with openDevice().'
        : `the GPU device was lost (${message || 'no reason given'}); open another with ` +
            'openDevice() and go on from the last saved state.',
    );
  }

  #pushScopes(): void {
    for (const filter of filters) this.gpu.pushErrorScope(filter);
  }

  /** Closes the innermost error scope; what it caught is an error of `what`. */
  #popScope(what: string): void {
    const scope = this.gpu.popErrorScope().then(
      (error) => {
        if (error) this.#errors.push(typedError(error, what));
      },
      // Rejected only when the device is lost, which is reported by itself.
      () => {},
    );
    this.#scopes.add(scope);
    void scope.then(() => this.#scopes.delete(scope));
  }

  #popScopes(what: string): void {
    for (let i = 0; i < filters.length; i += 1) this.#popScope(what);
  }

  /** Resolves when every error of the calls made before this one has been collected. */
  async #collect(what = 'a GPU command'): Promise<void> {
    this.#popScopes(what);
    this.#pushScopes();
    await patiently(Promise.all(this.#scopes));
  }

  /** Lets the news of a loss arrive where a rejected promise was its herald. */
  async #settleLoss(): Promise<void> {
    const soon = new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.race([this.lost, soon]);
  }

  /** Throws the first collected error, which usually caused the others, and forgets them all. */
  #throwCollected(): void {
    if (this.#lostInfo) {
      this.#errors.length = 0;
      this.#assertAlive();
    }
    const [first, ...others] = this.#errors.splice(0);
    if (!first) return;
    if (others.length > 0) first.message += ` (and ${others.length} more)`;
    throw first;
  }
}
