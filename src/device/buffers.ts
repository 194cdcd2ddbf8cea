/** The buffers of a device: made within its limits, counted, freed. */
import { LatentGpuError } from '../errors.ts';
import { formatBytes, roundUp } from './bytes.ts';
import type { DeviceCounters } from './counters.ts';
import type { ErrorScopes } from './error-scopes.ts';

const STORAGE = 128;

export class Buffers {
  readonly #gpu: GPUDevice;
  readonly #errors: ErrorScopes;
  readonly #counters: DeviceCounters;
  readonly #live = new Map<GPUBuffer, number>();

  constructor(gpu: GPUDevice, errors: ErrorScopes, counters: DeviceCounters) {
    this.#gpu = gpu;
    this.#errors = errors;
    this.#counters = counters;
  }

  /** @throws LatentGpuError `limit-exceeded`, `bad-input` */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    if (!(Number.isSafeInteger(bytes) && bytes >= 0)) {
      throw new LatentGpuError('bad-input', `buffer ${label} cannot be ${bytes} bytes long.`);
    }
    const size = Math.max(16, roundUp(bytes, 16));
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#gpu.limits;
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
    const buffer = this.#errors.around(
      `tensor ${label} (${formatBytes(size)})`,
      () => this.#gpu.createBuffer({ label, size, usage }),
      ['out-of-memory'],
    );
    const counters = this.#counters;
    this.#live.set(buffer, size);
    counters.buffersCreated += 1;
    counters.liveBuffers += 1;
    counters.liveBytes += size;
    counters.peakBytes = Math.max(counters.peakBytes, counters.liveBytes);
    return buffer;
  }

  /** Freeing twice, or what is not of this device, does no harm. */
  destroy(buffer: GPUBuffer): void {
    const size = this.#live.get(buffer);
    if (size === undefined) return;
    this.#live.delete(buffer);
    this.#counters.liveBuffers -= 1;
    this.#counters.liveBytes -= size;
    buffer.destroy();
  }

  destroyAll(): void {
    for (const buffer of this.#live.keys()) this.destroy(buffer);
  }

  /** @throws LatentGpuError `limit-exceeded` if a part of a buffer is larger than can be bound */
  checkBinding(label: string, binding: number, buffer: GPUBuffer, size: number): void {
    const limit = this.#gpu.limits.maxStorageBufferBindingSize;
    if (!(buffer.usage & STORAGE) || size <= limit) return;
    throw new LatentGpuError(
      'limit-exceeded',
      `kernel ${label} binds ${formatBytes(size)} of ${buffer.label} at binding ${binding} and ` +
        `the device allows ${formatBytes(limit)} (maxStorageBufferBindingSize).`,
    );
  }
}
