// A training step on one device: a plan that holds the whole of it, replayed, and its state, taken out
// and put back.
import type { Device } from '../device/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { sameTable, type TunedTable } from '../kernels/tuned.ts';
import { seed } from '../ops/index.ts';
import { seedWords } from '../random.ts';
import { type Plan, Runtime, tableInUse } from '../scheduler/index.ts';
import { firstNonFinite } from './diagnose.ts';
import { readState, type TrainerState, writeState } from './state.ts';
import { HISTORY, type StepDescription, type TrainerOptions } from './step.ts';

export class StepRunner {
  readonly runtime: Runtime;
  readonly plan: Plan;
  /** By what the kernels were chosen: a run that goes on elsewhere gets the same. */
  readonly tuned: TunedTable;
  private readonly description: StepDescription;
  private done = 0;

  private constructor(
    runtime: Runtime,
    plan: Plan,
    tuned: TunedTable,
    description: StepDescription,
  ) {
    this.runtime = runtime;
    this.plan = plan;
    this.tuned = tuned;
    this.description = description;
  }

  /**
   * Compiles the step and loads the data.
   *
   * @param tuned by what kernels are to be chosen; default: as the options say
   */
  static async create(
    device: Device,
    description: StepDescription,
    options: TrainerOptions,
    tuned?: TunedTable,
  ): Promise<StepRunner> {
    const { seed: initial = 0, tune } = options;
    const runtime = new Runtime(device, { seed: initial, ...(tune !== undefined && { tune }) });
    if (tuned) runtime.settle(tuned);
    const plan = await runtime.compile({ effects: description.effects });
    // Evaluations round as those of a continued run will.
    const table = tuned ?? tableInUse(plan.schedule);
    runtime.settle(table);
    description.batches.load(runtime);
    runtime.write(seed, seedWords(initial));
    return new StepRunner(runtime, plan, table, description);
  }

  /** Steps done since the run began. */
  get step(): number {
    return this.done;
  }

  /** What is done before the first step: initial values, and a start from data. */
  async begin(initial: TrainerOptions['initial'] = new Map()): Promise<void> {
    const { start, batches } = this.description;
    for (const [parameter, values] of initial) this.runtime.write(parameter, values);
    if (start.length === 0) return;
    const plan = await this.runtime.compile({ effects: start });
    try {
      batches.feed(this.runtime, 0, 1);
      await plan.run();
    } finally {
      plan.destroy();
    }
  }

  /** @returns the steps done: fewer than asked for only if the signal stopped it */
  async advance(steps: number, signal?: AbortSignal): Promise<number> {
    const { batches } = this.description;
    const { runtime } = this;
    const start = this.done;
    const ran = await this.plan.run(steps, {
      ...(signal && { signal }),
      ...(batches.windowSteps !== undefined && {
        feed: {
          most: batches.windowSteps,
          write: (from, count) => batches.feed(runtime, start + from, count),
        },
      }),
    });
    this.done += ran;
    return ran;
  }

  /** Does steps again whose metrics are known, until `step`. */
  async replay(step: number): Promise<void> {
    while (this.done < step) await this.advance(Math.min(HISTORY, step - this.done));
  }

  /** A row of columns for each of the last `count` steps, and the updates skipped so far. */
  async recorded(count: number): Promise<{ rows: Float32Array[]; skipped: number }> {
    const { columns, history, step } = this.description;
    const [values, [skipped]] = await Promise.all([
      this.runtime.read(history),
      this.runtime.read(step.skipped),
    ]);
    const width = columns.length;
    const rows = Array.from({ length: count }, (_, i) => {
      const row = (this.done - count + i) % HISTORY;
      return (values as Float32Array).subarray(row * width, (row + 1) * width);
    });
    return { rows, skipped: skipped as number };
  }

  async state(): Promise<TrainerState> {
    const state = await readState(this.runtime, this.description.step.state, this.done);
    return Object.keys(this.tuned).length > 0 ? { ...state, tuned: this.tuned } : state;
  }

  /** Whether a state is of a run whose kernels were chosen alike, and which goes on with the same bits. */
  canContinue({ tuned = {} }: TrainerState): boolean {
    return sameTable(tuned, this.tuned);
  }

  /** @throws LatentGpuError `bad-format` if the state belongs to another run */
  putBack(state: TrainerState): void {
    writeState(this.runtime, this.description.step.state, state);
    this.done = state.step;
  }

  /** The first tensor on the way to one of the next step's that is not finite, if there is one. */
  async firstNonFinite(root: Tensor): Promise<string | undefined> {
    this.description.batches.feed(this.runtime, this.done, 1);
    return await firstNonFinite(this.runtime, this.description, root);
  }

  /**
   * Bias-corrected exponential moving average of the parameters, if one is kept and an update has
   * been made.
   *
   * @param decay of the average
   */
  async averagedParameters(decay: number | undefined): Promise<Float32Array | undefined> {
    const { average, updates, parameters, groupAt } = this.description.step;
    if (!average || decay === undefined) return undefined;
    const read = (variables: readonly Variable[]) =>
      Promise.all(variables.map((held) => this.runtime.read(held)));
    const counts = (await read(updates)).map(([count]) => count as number);
    if (!counts.some((count) => count > 0)) return undefined;
    const [sums, raw] = await read([average, parameters]);
    const scales = counts.map((count) => 1 / (1 - decay ** count));
    return Float32Array.from(sums as Float32Array, (x, i) => {
      const group = groupAt(i);
      // A group that has not had its turn has no average.
      return counts[group] === 0 ? (raw?.[i] as number) : x * (scales[group] as number);
    });
  }
}
