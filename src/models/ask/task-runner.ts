// Work over rows, a batch at a time: a plan for a number of rows is compiled once and replayed; the host feeds
// and reads.
import type { Tensor } from '../../graph/tensor.ts';
import { renumbered } from '../../graph/traverse.ts';
import { step } from '../../ops/index.ts';
import { seedWords } from '../../random.ts';
import type { Plan, Runtime } from '../../scheduler/index.ts';
import type { InferenceOptions } from './interface.ts';
import { exclusively, withNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, type RowSource, type WorkOptions } from './rows.ts';

/** Fewer, for whoever wants an image or a few of them. */
const FEW = [1, 8];
/** Batches that may be under way at once: the GPU goes on while the host reads. */
const AHEAD = 3;

/** What brings rows to a plan; a plan that draws its own codes has nothing to be brought. */
export interface Mouth {
  write(rows: RowSource, start: number, end: number): void;
  release(): void;
}

/** What is computed for each row, by name. */
export interface Task {
  readonly key: string;
  readonly outputs: readonly string[];
  readonly build: (size: number) => { graph: Record<string, Tensor>; mouth?: Mouth };
}

/** A task for a fixed number of rows. */
interface Made {
  readonly plan: Plan;
  readonly mouth: Mouth | undefined;
}

/** The plans of a model's tasks, for few rows and for a whole batch of them. */
export class TaskRunner {
  private readonly runtime: Runtime;
  /** Numbers of rows for which there may be plans, ascending; the last is that of a whole batch. */
  private readonly sizes: readonly number[];
  private readonly plans = new Map<string, Promise<Made>>();
  private readonly firstStream: number | undefined;

  /** @param most rows at once */
  constructor(runtime: Runtime, most: number, { firstStream }: InferenceOptions) {
    this.runtime = runtime;
    this.sizes = [...FEW.filter((size) => size < most), most];
    this.firstStream = firstStream;
  }

  private planFor({ key, build }: Task, size: number): Promise<Made> {
    const name = `${key}, ${size}`;
    let made = this.plans.get(name);
    if (!made) {
      const { graph, mouth } = build(size);
      const outputs = this.firstStream === undefined ? graph : renumbered(graph, this.firstStream);
      made = this.runtime.compile({ outputs }).then((plan) => ({ plan, mouth }));
      this.plans.set(name, made);
      // A failure is the caller's to handle, and need not happen again.
      made.catch(() => this.plans.delete(name));
    }
    return made;
  }

  /**
   * Runs a task over `count` rows, a batch at a time; the outputs' rows, joined.
   *
   * @param drawSeed of the noise of a task that has any
   */
  async over(
    task: Task,
    count: number,
    rows: RowSource | undefined,
    drawSeed: number | undefined,
    { onProgress, signal }: WorkOptions,
  ): Promise<Map<string, Float32Array>> {
    const most = this.sizes.at(-1) as number;
    const result = new Map<string, Float32Array>();
    const collect = async (
      reading: Promise<Float32Array[]>,
      start: number,
      end: number,
      size: number,
    ) => {
      (await reading).forEach((values, i) => {
        const name = task.outputs[i] as string;
        const each = values.length / size;
        const whole = result.get(name) ?? new Float32Array(count * each);
        whole.set(values.subarray(0, (end - start) * each), start * each);
        result.set(name, whole);
      });
      onProgress?.(end / count);
    };
    const batches = async () => {
      const underWay: Promise<void>[] = [];
      try {
        for (let start = 0; start < count; start += most) {
          checkStop(signal, `${task.key} of ${count} rows`);
          const end = Math.min(count, start + most);
          const size = this.sizes.find((n) => n >= end - start) as number;
          const { plan, mouth } = await this.planFor(task, size);
          if (rows) mouth?.write(rows, start, end);
          if (drawSeed !== undefined) this.runtime.write(step, [start / most]);
          const done = collect(replay(plan, task.outputs), start, end, size);
          // Its failure is thrown where it is awaited.
          done.catch(() => {});
          underWay.push(done);
          if (underWay.length >= AHEAD) await underWay.shift();
        }
        await Promise.all(underWay);
      } finally {
        await Promise.allSettled(underWay);
      }
    };
    const { runtime } = this;
    if (drawSeed === undefined) await exclusively(runtime, batches);
    else await withNoise(runtime, seedWords(drawSeed), batches);
    return result;
  }

  async destroy(): Promise<void> {
    for (const made of this.plans.values()) {
      const { plan, mouth } = await made;
      plan.destroy();
      mouth?.release();
    }
    this.plans.clear();
  }
}
