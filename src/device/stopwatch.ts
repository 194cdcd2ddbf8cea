// One compute pass, timed: by the GPU's own clock where it offers one, else by the host's.
import type { Device } from './device.ts';

const QUERY_RESOLVE = 0x200;
const COPY_SRC = 0x04;

export type ClockName = 'gpu' | 'host';

/** How long one timed pass should last: many ticks of a clock that browsers round to 0.1 ms. */
const TARGET_MS = 8;

/** The most repetitions encoded into one pass. */
const MAX_REPEATS = 4096;

export interface Timing {
  /** Milliseconds of one repetition. */
  readonly ms: number;
  /** Processor time of the whole process meanwhile, all cores together; null where nobody tells. */
  readonly cpuMs: number | null;
}

/**
 * Processor time of this process so far, all its threads together, in milliseconds: on a software
 * adapter in Node.js that is the GPU's work, however busy the machine is with something else. Null
 * in a browser, which does not tell.
 */
export function cpuMilliseconds(): number | null {
  if (typeof process === 'undefined' || typeof process.cpuUsage !== 'function') return null;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time since an earlier look. */
export function cpuSince(start: number | null): number | null {
  const now = cpuMilliseconds();
  return start === null || now === null ? null : now - start;
}

export class Stopwatch {
  readonly clock: ClockName;
  readonly device: Device;
  private readonly queries: GPUQuerySet | undefined;
  private readonly resolved: GPUBuffer | undefined;

  constructor(device: Device, clock: ClockName = 'gpu') {
    this.device = device;
    this.clock = device.features.has('timestamp-query') ? clock : 'host';
    if (this.clock === 'host') return;
    this.queries = device.gpu.createQuerySet({ type: 'timestamp', count: 2 });
    this.resolved = device.createBuffer('timestamps', 16, QUERY_RESOLVE | COPY_SRC);
  }

  /** Encodes `repeats` repetitions into one pass of one submission, and times it. */
  async time(encode: (pass: GPUComputePassEncoder) => void, repeats: number): Promise<Timing> {
    const { device, queries, resolved } = this;
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass(
      queries && {
        timestampWrites: {
          querySet: queries,
          beginningOfPassWriteIndex: 0,
          endOfPassWriteIndex: 1,
        },
      },
    );
    for (let i = 0; i < repeats; i++) encode(pass);
    pass.end();
    if (queries && resolved) encoder.resolveQuerySet(queries, 0, 2, resolved, 0);
    const commands = encoder.finish();
    const cpu = cpuMilliseconds();
    const start = performance.now();
    device.submit([commands]);
    let ms: number;
    if (resolved) {
      const [begin, end] = new BigInt64Array(await device.read(resolved, 0, 16));
      ms = Number((end as bigint) - (begin as bigint)) / 1e6;
    } else {
      await device.sync();
      ms = performance.now() - start;
    }
    const cpuMs = cpuSince(cpu);
    return { ms: ms / repeats, cpuMs: cpuMs === null ? null : cpuMs / repeats };
  }

  destroy(): void {
    this.queries?.destroy();
    if (this.resolved) this.device.destroyBuffer(this.resolved);
  }
}

/**
 * Something that is timed again and again: as many repetitions a pass as make the pass long enough
 * for the clock.
 */
export class Repeated {
  private readonly stopwatch: Pick<Stopwatch, 'time'>;
  private readonly encode: (pass: GPUComputePassEncoder) => void;
  private readonly most: number;
  private readonly targetMs: number;
  private repeats = 1;

  /**
   * @param dispatches how many dispatches one repetition is
   * @param targetMs how long a pass should last; half of it is enough
   */
  constructor(
    stopwatch: Pick<Stopwatch, 'time'>,
    encode: (pass: GPUComputePassEncoder) => void,
    dispatches = 1,
    targetMs = TARGET_MS,
  ) {
    this.stopwatch = stopwatch;
    this.encode = encode;
    this.targetMs = targetMs;
    this.most = Math.max(1, Math.floor(MAX_REPEATS / dispatches));
  }

  /** Runs once without counting: what is slow only the first time is over. */
  async warmUp(): Promise<void> {
    await this.stopwatch.time(this.encode, 1);
    await this.time();
  }

  async time(): Promise<Timing> {
    for (;;) {
      const { repeats, most, targetMs } = this;
      const timing = await this.stopwatch.time(this.encode, repeats);
      if (timing.ms * repeats >= targetMs / 2 || repeats >= most) return timing;
      // Too short for the clock: taken again with more repetitions.
      const wanted = timing.ms > 0 ? Math.ceil(targetMs / timing.ms) : 0;
      this.repeats = Math.min(most, Math.max(2 * repeats, wanted));
    }
  }
}
