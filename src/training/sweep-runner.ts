// Passes over the data on one device: plans that gather are replayed, and each pass is settled as part of
// its last step.
import type { Device } from '../device/index.ts';
import { formatShape } from '../graph/shape.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Plan } from '../scheduler/index.ts';
import type { Guilty } from './diagnose.ts';
import { type Compiled, compileStep, type Recorded, Runner } from './runner.ts';
import type { TrainerState } from './state.ts';
import type { SweepDescription, SweepOptions } from './sweep.ts';

/** What follows the batches of a pass. */
interface Ends {
  /** For the rows left over. */
  readonly last: Plan | undefined;
  /** Metrics, and what is settled on the GPU. */
  readonly settle: Plan | undefined;
}

export class SweepRunner extends Runner<SweepDescription> {
  private readonly ends: Ends;
  /** Of the passes of the last steps, by the step that ended them. */
  private readonly passes = new Map<number, Float32Array>();
  private isDone = false;

  private constructor(compiled: Compiled, ends: Ends, description: SweepDescription) {
    super(compiled, description);
    this.ends = ends;
  }

  /** @param tuned by what kernels are to be chosen; default: as the options say */
  static async create(
    device: Device,
    description: SweepDescription,
    options: SweepOptions,
    tuned?: TunedTable,
  ): Promise<SweepRunner> {
    const { effects, lastEffects, settle, metrics, names } = description;
    const compiled = await compileStep(device, effects, description, options, tuned);
    const { runtime } = compiled;
    const settled = typeof settle === 'function' ? [] : settle;
    const ends = {
      last: lastEffects && (await runtime.compile({ effects: lastEffects })),
      settle:
        names.length + settled.length > 0
          ? await runtime.compile({ outputs: metrics, effects: settled })
          : undefined,
    };
    return new SweepRunner(compiled, ends, description);
  }

  async advance(steps: number, signal?: AbortSignal): Promise<number> {
    const { perEpoch } = this.description.batches;
    const { last } = this.ends;
    const full = last ? perEpoch - 1 : perEpoch;
    const target = this.done + steps;
    let ran = 0;
    this.passes.clear();
    while (this.done < target && !signal?.aborted && !this.isDone) {
      const place = this.done % perEpoch;
      const [plan, left] = place < full ? [this.plan, full - place] : [last as Plan, 1];
      const did = await this.runPlan(plan, Math.min(left, target - this.done), signal);
      ran += did;
      if (did > 0 && this.done % perEpoch === 0) await this.settlePass();
    }
    return ran;
  }

  override get isConverged(): boolean {
    return this.isDone;
  }

  override putBack(state: TrainerState): void {
    super.putBack(state);
    this.isDone = (state.tensors.get('converged')?.[0] ?? 0) > 0;
  }

  private async settlePass(): Promise<void> {
    const { settle, names, converged } = this.description;
    const plan = this.ends.settle;
    await plan?.run();
    const values = await Promise.all(names.map((name) => (plan as Plan).read(name)));
    if (typeof settle === 'function') await settle(this.runtime);
    if (converged) this.isDone = ((await this.runtime.read(converged))[0] as number) > 0;
    this.passes.set(
      this.done - 1,
      Float32Array.from(values, ([value]) => value as number),
    );
  }

  recorded(count: number): Promise<Recorded> {
    const rows = [...this.passes]
      .filter(([step]) => step >= this.done - count)
      .map(([step, values]) => ({ step, values }));
    return Promise.resolve({ rows, skipped: 0 });
  }

  /** Of what has been added up so far. */
  async firstNonFinite(): Promise<Guilty | undefined> {
    for (const variable of Object.values(this.description.state)) {
      if (variable.dtype !== 'f32') continue;
      const values = await this.runtime.read(variable);
      const bad = values.filter((value) => !Number.isFinite(value)).length;
      if (bad === 0) continue;
      return { what: `${variable.name} ${formatShape(variable.shape)} (${bad} values)` };
    }
    return undefined;
  }

  averagedParameters(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
