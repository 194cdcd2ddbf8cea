// Memory for kernels that are measured: as much as they would bind, filled with ordinary numbers.
// Nothing of the user's is touched.
import type { Device } from '../device/index.ts';
import type { CandidateBinding } from './task.ts';

const USAGE = { storage: 0x80, uniform: 0x40, copySource: 0x04, copyTarget: 0x08 };

/** Bytes of the pattern that memories are filled with. */
const PATTERN = 1 << 20;

export class Scratch {
  private readonly device: Device;
  private readonly memories = new Map<number, { buffer: GPUBuffer; pattern: GPUBuffer }>();
  private readonly patterns = new Map<CandidateBinding['type'], GPUBuffer>();

  constructor(device: Device) {
    this.device = device;
  }

  /** Room for these bindings, beside that for earlier ones. */
  slots(
    bindings: readonly CandidateBinding[],
  ): { buffer: GPUBuffer; offset: number; size: number }[] {
    return bindings.map(({ memory, memoryBytes, offset, size, type }) => {
      let held = this.memories.get(memory);
      if (!held) {
        const { storage, uniform, copySource, copyTarget } = USAGE;
        const usage = storage | uniform | copySource | copyTarget;
        const buffer = this.device.createBuffer('tuning scratch', memoryBytes, usage);
        held = { buffer, pattern: this.pattern(type) };
        this.memories.set(memory, held);
      }
      return { buffer: held.buffer, offset, size };
    });
  }

  /** Ordinary numbers again, where kernels have written to what they read. */
  fill(): void {
    const encoder = this.device.gpu.createCommandEncoder();
    for (const { buffer, pattern } of this.memories.values()) {
      for (let at = 0; at < buffer.size; at += PATTERN) {
        encoder.copyBufferToBuffer(pattern, 0, buffer, at, Math.min(PATTERN, buffer.size - at));
      }
    }
    this.device.submit([encoder.finish()]);
  }

  /** The numbers that a kernel has left, or the first of them where they are many. */
  async results(bindings: readonly CandidateBinding[]): Promise<Float32Array[]> {
    const written = bindings.filter(({ kind, type }) => kind === 'write' && type === 'f32');
    return await Promise.all(
      written.map(async ({ memory, offset, size }) => {
        const { buffer } = this.memories.get(memory) as { buffer: GPUBuffer };
        return new Float32Array(await this.device.read(buffer, offset, Math.min(size, PATTERN)));
      }),
    );
  }

  private pattern(type: CandidateBinding['type']): GPUBuffer {
    const made = this.patterns.get(type);
    if (made) return made;
    const usage = USAGE.copySource | USAGE.copyTarget;
    const buffer = this.device.createBuffer('tuning pattern', PATTERN, usage);
    this.device.write(buffer, 0, ordinary(type));
    this.patterns.set(type, buffer);
    return buffer;
  }

  destroy(): void {
    for (const { buffer } of this.memories.values()) this.device.destroyBuffer(buffer);
    for (const buffer of this.patterns.values()) this.device.destroyBuffer(buffer);
    this.memories.clear();
    this.patterns.clear();
  }
}

/** Reals of both signs, 0.125 to 1 in size; small whole numbers, which may be row numbers; bytes. */
function ordinary(type: CandidateBinding['type']): ArrayBufferView {
  const hash = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 8;
  if (type === 'u8') return Uint8Array.from({ length: PATTERN }, (_, i) => hash(i) & 255);
  // Of both signs, 0.125 to 1, too: exponents of -3 to -1.
  if (type === 'f16') {
    return Uint16Array.from(
      { length: PATTERN / 2 },
      (_, i) => ((hash(i) & 1) << 15) | ((12 + (hash(i) % 3)) << 10) | ((hash(i) >>> 8) & 1023),
    );
  }
  if (type === 'u32') return Uint32Array.from({ length: PATTERN / 4 }, (_, i) => hash(i) & 63);
  return Float32Array.from({ length: PATTERN / 4 }, (_, i) => {
    const size = 0.125 + 0.875 * ((hash(i) & 0xffff) / 0x10000);
    return hash(i) & 0x10000 ? -size : size;
  });
}
