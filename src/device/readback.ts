/** Bytes on their way from the GPU to the host. */
import { patiently } from '#host';
import { LatentGpuError } from '../errors.ts';
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
    const { gpu, buffers, errors, loss } = this.#device;
    const result = new Uint8Array(bytes);
    for (let done = 0; done < bytes; done += CHUNK) {
      const wanted = Math.min(CHUNK, bytes - done);
      // Copies start and end at multiples of 4.
      const start = byteOffset + done - ((byteOffset + done) % 4);
      const skipped = byteOffset + done - start;
      const size = roundUp(skipped + wanted, 4);
      const staging = this.#staging.take(size);
      const encoder = gpu.createCommandEncoder({ label: `read ${buffer.label}` });
      encoder.copyBufferToBuffer(buffer, start, staging, 0, size);
      this.#device.submit([encoder.finish()]);
      const collected = errors.collect();
      try {
        await patiently(staging.mapAsync(GPUMapMode.READ, 0, size));
      } catch (cause) {
        buffers.destroy(staging);
        await collected;
        await loss.settle();
        errors.check();
        throw new LatentGpuError('validation', `reading ${buffer.label}: ${cause}`, { cause });
      }
      result.set(new Uint8Array(staging.getMappedRange(0, size), skipped, wanted), done);
      staging.unmap();
      this.#staging.give(staging);
      await collected;
      errors.check();
    }
    return result.buffer;
  }

  /** Frees what is kept for the next readings; they ask for it again. */
  trim(): void {
    this.#staging.clear();
  }
}
