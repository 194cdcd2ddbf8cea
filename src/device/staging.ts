/** The buffers through which results come back to the host, kept for the next reading. */

const MAP_READ = 1;
const COPY_DST = 8;

/** How many bytes of idle staging are kept. */
const KEPT_BYTES = 64 * 1024 * 1024;

/** The smallest staging buffer, in bytes: most readings are a loss or a flag. */
const SMALLEST = 4096;

export interface StagingMemory {
  create(label: string, bytes: number, usage: number): GPUBuffer;
  destroy(buffer: GPUBuffer): void;
}

export class StagingPool {
  readonly #memory: StagingMemory;
  #idle: GPUBuffer[] = [];

  constructor(memory: StagingMemory) {
    this.#memory = memory;
  }

  /** A staging buffer of at least `bytes` that nobody else holds until it is given back. */
  take(bytes: number): GPUBuffer {
    // Powers of two, so that a loop that reads varying sizes settles on a few buffers.
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(bytes)));
    const at = this.#idle.findIndex((buffer) => buffer.size === size);
    const [kept] = at < 0 ? [] : this.#idle.splice(at, 1);
    return kept ?? this.#memory.create(`staging ${size}`, size, MAP_READ | COPY_DST);
  }

  /** Gives an unmapped staging buffer back; the oldest go when too many are idle. */
  give(buffer: GPUBuffer): void {
    this.#idle.push(buffer);
    let idleBytes = this.#idle.reduce((sum, { size }) => sum + size, 0);
    while (idleBytes > KEPT_BYTES && this.#idle.length > 1) {
      const oldest = this.#idle.shift() as GPUBuffer;
      idleBytes -= oldest.size;
      this.#memory.destroy(oldest);
    }
  }

  /** Frees all that is idle. */
  clear(): void {
    for (const buffer of this.#idle.splice(0)) this.#memory.destroy(buffer);
  }
}
