// What is measured of a step, whatever it does: time, what happens on the device, memory.
import type { Device } from '../device/index.ts';
import type { Timing } from '../device/stopwatch.ts';
import { median } from '../quantile.ts';
import { partsOf, type Schedule } from '../scheduler/index.ts';
import type { Tuner } from '../tuning/index.ts';
import { timed } from './host.ts';
import type { Work } from './roofline.ts';
import type { Subject } from './rounds.ts';

/** What one step costs besides time; fractions where several steps share a cost. */
export interface StepCounts {
  readonly dispatches: number;
  readonly submissions: number;
  readonly buffersCreated: number;
  readonly bindGroupsCreated: number;
  /** Times the host wrote into a buffer. */
  readonly hostWrites: number;
}

/** Bytes on the GPU. */
export interface StepMemory {
  /** Everything that was allocated for the step, readback included. */
  readonly total: number;
  /** All slots of intermediates, and the least that any placement could do with. */
  readonly intermediates?: number;
  readonly bound?: number;
  /** Parameters, optimizer state, data set. */
  readonly variables?: number;
}

/** Where things are prepared. */
export interface Workbench {
  readonly device: Device;
  /** Of initial values, noise and shuffling. */
  readonly seed: number;
  /** Chooses the kernels of all that is measured. */
  readonly tuner: Tuner;
}

export interface StepSubject extends Subject {
  readonly name: string;
  readonly variants: readonly string[];
  /** Of each dispatch. */
  readonly work: readonly Work[];
  readonly memory: StepMemory;
  /** Over all samples taken so far. */
  counts(): StepCounts;
  destroy(): Promise<void>;
}

/** Steps a sample, so that a sample lasts about this long: several submissions of most steps. */
export const SAMPLE_MS = 120;

/** What each kernel of a schedule does in one step. */
export function workOf({ kernels, counts }: Schedule): Work[] {
  return kernels.map(({ nodes, flops, bytes }, i) => {
    const dispatches = counts[i] as number;
    const drawn = (name: string) =>
      nodes.reduce(
        (total, { op, size }) => total + (op.kind === 'noise' && op.name === name ? size : 0),
        0,
      );
    return {
      flops: dispatches * flops,
      bytes: dispatches * bytes,
      // Loops draw nothing.
      normals: drawn('normal'),
      // Gumbel and logistic numbers are uniform ones and their logarithms, which a floor may leave out.
      uniforms: drawn('uniform') + drawn('gumbel') + drawn('logistic'),
      dispatches,
    };
  });
}

/** Which variants of its kernels a schedule has, with how many there are of each. */
export function variantsOf({ kernels }: Schedule): string[] {
  const counts = new Map<string, number>();
  for (const { shader, choice } of kernels.flatMap(partsOf)) {
    const variant = choice?.variant ?? shader;
    counts.set(variant, (counts.get(variant) ?? 0) + 1);
  }
  return [...counts].map(([variant, count]) => (count === 1 ? variant : `${count} × ${variant}`));
}

/** Counts what happens on a device while steps run on it. */
export class Ledger {
  private readonly device: Device;
  private steps = 0;
  private totals = {
    dispatches: 0,
    submissions: 0,
    buffersCreated: 0,
    bindGroupsCreated: 0,
    hostWrites: 0,
  };

  constructor(device: Device) {
    this.device = device;
  }

  async during(steps: number, f: () => Promise<unknown>): Promise<Timing> {
    const before = this.look();
    const timing = await timed(steps, f);
    const after = this.look();
    this.steps += steps;
    for (const key of Object.keys(this.totals) as (keyof StepCounts)[]) {
      this.totals[key] += after[key] - before[key];
    }
    return timing;
  }

  private look(): StepCounts {
    const { dispatches, submissions, buffersCreated, bindGroupsCreated, hostWrites } =
      this.device.counters;
    return { dispatches, submissions, buffersCreated, bindGroupsCreated, hostWrites };
  }

  counts(): StepCounts {
    const per = (key: keyof StepCounts) => this.totals[key] / Math.max(1, this.steps);
    return {
      dispatches: per('dispatches'),
      submissions: per('submissions'),
      buffersCreated: per('buffersCreated'),
      bindGroupsCreated: per('bindGroupsCreated'),
      hostWrites: per('hostWrites'),
    };
  }
}

/** Warms up, and finds how many steps make a sample. */
export async function stepsPerSample(
  run: (steps: number) => Promise<unknown>,
  sampleMs = SAMPLE_MS,
): Promise<number> {
  await run(1);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) times.push((await timed(1, () => run(1))).ms);
  const steps = Math.max(1, Math.min(1000, Math.round(sampleMs / median(times))));
  // The plan finds out how many steps a submission may hold.
  await run(steps);
  await run(steps);
  return steps;
}
