// A run on one device: its memory, its state, taken out and put back. How a step goes is for its kinds.
import type { Device } from '../device/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameTable, type TunedTable } from '../kernels/tuned.ts';
import { type Plan, Runtime, tableInUse } from '../scheduler/index.ts';
import type { Description, RunData } from './description.ts';
import type { Guilty } from './diagnose.ts';
import { readState, type TrainerState, writeState } from './state.ts';

/** Steps that are submitted before the host looks, at most. */
const REPLAYED = 4096;

export interface Recorded {
  /** Each with the step it belongs to, a number for each column. */
  readonly rows: readonly { readonly step: number; readonly values: Float32Array }[];
  /** Updates skipped so far. */
  readonly skipped: number;
}

export abstract class Runner<D extends Description = Description> {
  readonly runtime: Runtime;
  /** The step. */
  readonly plan: Plan;
  /** By what the kernels were chosen: a run that goes on elsewhere gets the same. */
  readonly tuned: TunedTable;
  protected readonly description: D;
  protected done = 0;

  constructor({ runtime, plan, tuned }: Compiled, description: D) {
    this.runtime = runtime;
    this.plan = plan;
    this.tuned = tuned;
    this.description = description;
  }

  /** Steps done since the run began. */
  get step(): number {
    return this.done;
  }

  /** What is done before the first step: initial values, and a start from data. */
  async begin(initial: RunData['initial'] = new Map()): Promise<void> {
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
  abstract advance(steps: number, signal?: AbortSignal): Promise<number>;

  /** Whether nothing is left to learn. */
  get isConverged(): boolean {
    return false;
  }

  /** What was recorded in the last `count` steps. */
  abstract recorded(count: number): Promise<Recorded>;

  /** The first tensor on the way to one of the next step's that is not finite, if there is one. */
  abstract firstNonFinite(root: Tensor): Promise<Guilty | undefined>;

  /** A moving average of the parameters, if one is kept and an update has been made. */
  abstract averagedParameters(): Promise<Float32Array | undefined>;

  /** Does steps again whose metrics are known, until `step`. */
  async replay(step: number): Promise<void> {
    while (this.done < step) await this.advance(Math.min(REPLAYED, step - this.done));
  }

  /** Runs steps of a plan, with the rows they need. */
  protected async runPlan(plan: Plan, steps: number, signal?: AbortSignal): Promise<number> {
    const { batches } = this.description;
    const { runtime, done: start } = this;
    const ran = await plan.run(steps, {
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

  async state(): Promise<TrainerState> {
    const state = await readState(this.runtime, this.description.state, this.done);
    return Object.keys(this.tuned).length > 0 ? { ...state, tuned: this.tuned } : state;
  }

  /** Whether a state is of a run whose kernels were chosen alike, and which goes on with the same bits. */
  canContinue({ tuned = {} }: TrainerState): boolean {
    return sameTable(tuned, this.tuned);
  }

  /** @throws LatentGpuError `bad-format` if the state belongs to another run */
  putBack(state: TrainerState): void {
    writeState(this.runtime, this.description.state, state);
    this.done = state.step;
  }
}

export interface Compiled {
  readonly runtime: Runtime;
  readonly plan: Plan;
  readonly tuned: TunedTable;
}

/**
 * Begins to compile a step, on a runtime of its own, and loads the data.
 *
 * @param tuned by what kernels are to be chosen; default: as the options say
 */
export async function compileStep(
  device: Device,
  effects: readonly Tensor[],
  { batches }: Description,
  { seed = 0, tune }: RunData,
  tuned?: TunedTable,
): Promise<Compiled> {
  const runtime = new Runtime(device, { seed, ...(tune !== undefined && { tune }) });
  if (tuned) runtime.settle(tuned);
  // Data and first values reach the GPU, and the first state the host, while the compiler works.
  const plan = await runtime.beginCompiling({ effects });
  // Evaluations round as those of a continued run will.
  const table = tuned ?? tableInUse(plan.schedule);
  runtime.settle(table);
  batches.load(runtime);
  return { runtime, plan, tuned: table };
}
