// Where kernels are measured: on the device they are for, in memory of their own.
import { type Device, Repeated, Stopwatch } from '../device/index.ts';
import { isLatentGpuError } from '../errors.ts';
import { agree } from './agree.ts';
import { type Runner, race, type Verdict } from './race.ts';
import { Scratch } from './scratch.ts';
import type { Candidate, TuningTask } from './task.ts';

export interface Laboratory {
  /**
   * @param deadline by the tuner's clock
   * @returns undefined if there was no time, or not enough memory, to come to a verdict
   */
  measure(task: TuningTask, deadline: number, now: () => number): Promise<Verdict | undefined>;
  destroy(): void;
}

/** A kernel that binds more is not measured: the user's own data need the memory. */
const MOST_BYTES = 2 ** 28;

/** How long a timed pass should last; a GPU's own clock counts nothing but the pass. */
const PASS_MS = { gpu: 6, host: 10 };

interface Prepared extends Runner {
  /** What it makes of ordinary numbers. */
  results(): Promise<Float32Array[]>;
  warmUp(): Promise<void>;
}

export class DeviceLaboratory implements Laboratory {
  private readonly device: Device;
  private readonly stopwatch: Stopwatch;

  constructor(device: Device) {
    this.device = device;
    this.stopwatch = new Stopwatch(device);
  }

  async measure(
    task: TuningTask,
    deadline: number,
    now: () => number,
  ): Promise<Verdict | undefined> {
    const candidates = task.variants.map((variant) => ({ variant, ...task.make(variant) }));
    const memories = new Map(
      candidates.flatMap(({ bindings }) => bindings.map((b) => [b.memory, b.memoryBytes] as const)),
    );
    if ([...memories.values()].reduce((a, b) => a + b, 0) > MOST_BYTES) return undefined;
    // What went wrong before is not ours to hide.
    await this.device.sync();
    const scratch = new Scratch(this.device);
    try {
      const runners = await Promise.all(candidates.map((each) => this.prepare(each, scratch)));
      // Compiling counts, too; and without the default there is nothing to compare with.
      if (runners[0] === undefined || now() > deadline) return undefined;
      const prepared = runners.filter((runner) => runner !== undefined);
      const able: Runner[] = [];
      let expected: Float32Array[] | undefined;
      for (const runner of prepared) {
        const began = now();
        const results = await runner.results();
        const isFirst = expected === undefined;
        expected ??= results;
        // What an adapter's compiler makes wrong is not used, however fast it is.
        if (!task.inParts && !agree(results, expected)) continue;
        able.push(runner);
        await runner.warmUp();
        // What takes so long that there will be no verdict is not begun: others may take far longer.
        const least = isFirst ? (now() - began) * prepared.length : 0;
        if (now() + least > deadline) return undefined;
      }
      const refill = (runner: Runner): Runner => ({
        variant: runner.variant,
        time: async () => {
          scratch.fill();
          await this.device.sync();
          return await runner.time();
        },
      });
      return await race(able.map(refill), { now, deadline });
    } catch (error) {
      // Whatever ails a candidate is no reason to fail: the kernel that is used will tell.
      if (isLatentGpuError(error, 'device-lost')) throw error;
      return undefined;
    } finally {
      scratch.destroy();
    }
  }

  private async prepare(
    { variant, label, code, bindings, dispatch }: Candidate & { variant: string },
    scratch: Scratch,
  ): Promise<Prepared | undefined> {
    const { device } = this;
    const layout = bindings.map(({ kind }) => kind);
    let pipeline: GPUComputePipeline;
    try {
      pipeline = await device.createPipeline(label, code, layout);
    } catch (error) {
      if (isLatentGpuError(error, 'device-lost')) throw error;
      return undefined;
    }
    const group = device.createBindGroup(label, pipeline, scratch.slots(bindings));
    const encode = (pass: GPUComputePassEncoder) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...dispatch);
      device.counters.dispatches += 1;
    };
    const repeated = new Repeated(this.stopwatch, encode, 1, PASS_MS[this.stopwatch.clock]);
    return {
      variant,
      results: async () => {
        scratch.fill();
        await this.stopwatch.time(encode, 1);
        return await scratch.results(bindings);
      },
      warmUp: () => repeated.warmUp(),
      time: async () => (await repeated.time()).ms,
    };
  }

  destroy(): void {
    this.stopwatch.destroy();
  }
}
