// A training step on one device: a plan that holds the whole of it, replayed.
import type { Device } from '../device/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import { firstNonFinite } from './diagnose.ts';
import { compileStep, type Recorded, Runner } from './runner.ts';
import { HISTORY, type StepDescription, type TrainerOptions } from './step.ts';

export class StepRunner extends Runner<StepDescription> {
  /** @param tuned by what kernels are to be chosen; default: as the options say */
  static async create(
    device: Device,
    description: StepDescription,
    options: TrainerOptions,
    tuned?: TunedTable,
  ): Promise<StepRunner> {
    const { effects } = description;
    const compiled = await compileStep(device, effects, description, options, tuned);
    return new StepRunner(compiled, description);
  }

  advance(steps: number, signal?: AbortSignal): Promise<number> {
    return this.runPlan(this.plan, steps, signal);
  }

  async recorded(count: number): Promise<Recorded> {
    const { columns, history, step } = this.description;
    const [values, [skipped]] = await Promise.all([
      this.runtime.read(history),
      this.runtime.read(step.skipped),
    ]);
    const width = columns.length;
    const rows = Array.from({ length: count }, (_, i) => {
      const at = this.done - count + i;
      const start = (at % HISTORY) * width;
      return { step: at, values: (values as Float32Array).subarray(start, start + width) };
    });
    return { rows, skipped: skipped as number };
  }

  async firstNonFinite(root: Tensor): Promise<string | undefined> {
    this.description.batches.feed(this.runtime, this.done, 1);
    return await firstNonFinite(this.runtime, this.description, root);
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
