/** Bytes on their way from the GPU to the host. */
import { patiently } from '#host';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import type { Buffers } from './buffers.ts';
import { roundUp } from './bytes.ts';
import type { ErrorScopes } from './error-scopes.ts';
import type { Loss } from './loss.ts';
import { StagingPool } from './staging.ts';

/** The most bytes that one reading stages at a time. */
const CHUNK = 32 * 1024 * 1024;

/** What a reading needs of its device. */
export interface ReadbackDevice {
  readonly gpu: GPUDevice;
  readonly buffers: Buffers;
  readonly errors: ErrorScopes;
  readonly loss: Loss;
  submit(commands: Iterable<GPUCommandBuffer>): void;
}

export class Readback {
  readonly #device: ReadbackDevice;
  readonly #staging: StagingPool;

  constructor(device: ReadbackDevice) {
    this.#device = device;
    this.#staging = new StagingPool(device.buffers);
  }

  /** @throws LatentGpuError whatever went wrong on the GPU since the last look; `device-lost` */
  async read(buffer: GPUBuffer, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    const { errors, loss } = this.#device;
    const result = new Uint8Array(bytes);
    for (let done = 0; done < bytes; done += CHUNK) {
      const part = result.subarray(done, Math.min(bytes, done + CHUNK));
      try {
        await this.#readPart(buffer, byteOffset + done, part);
      } catch (cause) {
        // A buffer that cannot be mapped, and no error that says why: that looks like a loss.
        if (!isLatentGpuError(cause) && !errors.hasErrors) await loss.settle(true);
        await errors.check();
        if (isLatentGpuError(cause)) throw cause;
        throw new LatentGpuError('validation', `reading ${buffer.label}: ${cause}`, { cause });
      }
      await errors.check();
    }
    return result.buffer;
  }

  /** Fills `into`; returns when the errors of it have been collected, too. */
  async #readPart(buffer: GPUBuffer, byteOffset: number, into: Uint8Array): Promise<void> {
    const { gpu, buffers, errors } = this.#device;
    // Copies start and end at multiples of 4.
    const start = byteOffset - (byteOffset % 4);
    const skipped = byteOffset - start;
    const size = roundUp(skipped + into.length, 4);
    const staging = this.#staging.take(size);
    const encoder = gpu.createCommandEncoder({ label: `read ${buffer.label}` });
    encoder.copyBufferToBuffer(buffer, start, staging, 0, size);
    this.#device.submit([encoder.finish()]);
    const collected = errors.collect();
    try {
      await patiently(staging.mapAsync(GPUMapMode.READ, 0, size));
      into.set(new Uint8Array(staging.getMappedRange(0, size), skipped, into.length));
      staging.unmap();
      this.#staging.give(staging);
    } catch (cause) {
      buffers.destroy(staging);
      throw cause;
    } finally {
      await collected;
    }
  }

  /** Frees what is kept for the next readings; they ask for it again. */
  trim(): void {
    this.#staging.clear();
  }
}
