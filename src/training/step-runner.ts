// A training step on one device: a plan that holds the whole of it, replayed.
import type { Device } from '../device/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Plan } from '../scheduler/index.ts';
import { firstNonFinite, type Guilty } from './diagnose.ts';
import { fitTo } from './fitting.ts';
import { type Compiled, compileStep, type Recorded, Runner } from './runner.ts';
import { HISTORY, type StepDescription, type TrainerOptions } from './step.ts';

export class StepRunner extends Runner<StepDescription> {
  private readonly options: TrainerOptions;
  /** The step of a pretraining. */
  private readonly before: Plan | undefined;

  private constructor(
    compiled: Compiled,
    before: Plan | undefined,
    description: StepDescription,
    options: TrainerOptions,
  ) {
    super(compiled, description);
    this.options = options;
    this.before = before;
  }

  /** @param tuned by what kernels are to be chosen; default: as the options say */
  static async create(
    device: Device,
    description: StepDescription,
    options: TrainerOptions,
    tuned?: TunedTable,
  ): Promise<StepRunner> {
    const { effects, before } = description;
    const compiled = await compileStep(device, effects, description, options, tuned);
    const first = before && (await compiled.runtime.compile({ effects: before.effects }));
    return new StepRunner(compiled, first, description, options);
  }

  override async begin(initial: TrainerOptions['initial']): Promise<void> {
    await super.begin(initial);
    if (this.description.before?.steps === 0) await this.endPretraining();
  }

  async advance(steps: number, signal?: AbortSignal): Promise<number> {
    const { before, tend, batches } = this.description;
    const target = this.done + steps;
    const start = this.done;
    // What the host does at the end of a stretch is part of its last step.
    while (this.done < target && !signal?.aborted) {
      const isBefore = this.isPretraining;
      const stop = isBefore
        ? (before?.steps as number)
        : tend
          ? (Math.floor(this.done / batches.perEpoch) + 1) * batches.perEpoch
          : target;
      const plan = isBefore ? (this.before as Plan) : this.plan;
      await this.runPlan(plan, Math.min(stop, target) - this.done, signal);
      if (this.done < stop) continue;
      if (isBefore) await this.endPretraining();
      else await tend?.(this.runtime);
    }
    return this.done - start;
  }

  private get isPretraining(): boolean {
    return this.done < (this.description.before?.steps ?? 0);
  }

  private async endPretraining(): Promise<void> {
    const fit = this.description.before?.fit;
    if (fit) await fitTo(this.runtime, fit, this.options);
  }

  async recorded(count: number): Promise<Recorded> {
    const { columns, history, step, before } = this.description;
    const counters = before ? [step.skipped, before.step.skipped] : [step.skipped];
    const [values, ...skips] = await Promise.all([
      this.runtime.read(history),
      ...counters.map((held) => this.runtime.read(held)),
    ]);
    const width = columns.length;
    const rows = Array.from({ length: count }, (_, i) => {
      const at = this.done - count + i;
      const start = (at % HISTORY) * width;
      return { step: at, values: (values as Float32Array).subarray(start, start + width) };
    });
    return { rows, skipped: skips.reduce((sum, [count]) => sum + (count as number), 0) };
  }

  async firstNonFinite(root: Tensor): Promise<Guilty | undefined> {
    const { description, runtime } = this;
    const { before } = description;
    description.batches.feed(runtime, this.done, 1);
    return before && this.isPretraining
      ? await firstNonFinite(runtime, before, before.loss)
      : await firstNonFinite(runtime, description, root);
  }

  /** The average is of weights that fall with age, and corrected for its start at zero. */
  async averagedParameters(): Promise<Float32Array | undefined> {
    const { step, decay } = this.description;
    const { average, updates, parameters, groupAt } = step;
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
