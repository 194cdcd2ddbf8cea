// The training loop's engine: one plan that holds a whole step, replayed; its state can be taken
// out and put back, so that a run goes on after a stop or on another device.
import { type Device, openDevice } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { sameTable, type TunedTable } from '../kernels/tuned.ts';
import { seed } from '../ops/index.ts';
import { seedWords } from '../random.ts';
import { type Plan, Runtime, tableInUse } from '../scheduler/index.ts';
import { firstBadParameter, firstNonFinite } from './diagnose.ts';
import { Renewable } from './renewable.ts';
import type { RunOptions, TrainingReport } from './report.ts';
import { readState, type TrainerState, writeState } from './state.ts';
import { describeStep, HISTORY, type StepDescription, type TrainerOptions } from './step.ts';
import { Tally } from './tally.ts';

/** The host looks about this often. */
const LOOK_MS = 400;
/** A long run's state comes to the host this often, so that a lost device costs no more. */
const SNAPSHOT_SECONDS = 30;

export class Trainer {
  readonly options: TrainerOptions;
  private readonly description: StepDescription;
  private readonly words: [number, number];
  private readonly device: Renewable<{ runtime: Runtime; plan: Plan }>;
  private snapshot: TrainerState | undefined;
  private snapshotAt = 0;
  private done = 0;
  /** What completed runs have reached; a device that replaces another has to get there first. */
  private reached = 0;
  /** By what the first device's kernels were chosen: a device that replaces it gets the same. */
  private tuned: TunedTable | undefined;

  private constructor(options: TrainerOptions, open: () => Promise<Device>) {
    this.options = options;
    this.words = seedWords(options.seed ?? 0);
    this.description = describeStep(options);
    this.device = new Renewable({
      open,
      make: (device) => this.make(device),
      begin: () => this.begin(),
    });
  }

  /**
   * @param open gives a device; called again if the device is lost. Default: {@link openDevice}
   * @param from a state to continue from
   */
  static async create(
    options: TrainerOptions,
    open: () => Promise<Device> = openDevice,
    from?: TrainerState,
  ): Promise<Trainer> {
    const trainer = new Trainer(options, open);
    trainer.snapshot = from;
    trainer.reached = from?.step ?? 0;
    trainer.tuned = from && (from.tuned ?? {});
    await trainer.protect(() => Promise.resolve());
    return trainer;
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return this.device.recoveries;
  }

  get runtime(): Runtime {
    return this.device.now.runtime;
  }

  get plan(): Plan {
    return this.device.now.plan;
  }

  /** Steps done since the run began. */
  get step(): number {
    return this.done;
  }

  get stepsPerEpoch(): number {
    return this.description.batches.perEpoch;
  }

  /** Whether the data are too large to stay on the GPU, and their rows are sent as steps need them. */
  get isStreamed(): boolean {
    return this.description.batches.windowSteps !== undefined;
  }

  private async make(device: Device): Promise<{ runtime: Runtime; plan: Plan }> {
    const { batches, effects } = this.description;
    const { seed: initial = 0, tune } = this.options;
    const runtime = new Runtime(device, { seed: initial, ...(tune !== undefined && { tune }) });
    if (this.tuned) runtime.settle(this.tuned);
    const plan = await runtime.compile({ effects });
    // Evaluations round as those of a continued run will.
    this.tuned ??= tableInUse(plan.schedule);
    runtime.settle(this.tuned);
    batches.load(runtime);
    runtime.write(seed, this.words);
    return { runtime, plan };
  }

  /** Brings a new device to where the last one was. */
  private async begin(): Promise<void> {
    this.snapshotAt = performance.now();
    if (this.snapshot) {
      this.putBack(this.snapshot);
      await this.replay(this.reached);
      return;
    }
    for (const [parameter, values] of this.options.initial ?? []) {
      this.runtime.write(parameter, values);
    }
    await this.startFromData();
    await this.save();
  }

  private async startFromData(): Promise<void> {
    const { start, batches } = this.description;
    if (start.length === 0) return;
    const plan = await this.runtime.compile({ effects: start });
    try {
      batches.feed(this.runtime, 0, 1);
      await plan.run();
    } finally {
      plan.destroy();
    }
  }

  /**
   * Trains for `steps` steps and reports their mean metrics. A device that is lost on the way is
   * replaced and the steps are done again, from the last state that the host has.
   *
   * @throws LatentGpuError `not-finite` if the loss or a parameter is, naming the step and the first
   *   tensor; the run is then back at the last good state, {@link lastState}
   */
  async run(steps: number, options: RunOptions = {}): Promise<TrainingReport> {
    const target = this.done + steps;
    // As of the state from which a lost run goes on.
    const kept = { tally: new Tally(this.description.names) };
    return await this.protect(() => this.runTo(target, kept, options));
  }

  private async runTo(
    target: number,
    kept: { tally: Tally },
    { signal, onProgress, snapshotAfter = 0 }: RunOptions,
  ): Promise<TrainingReport> {
    const tally = kept.tally.copy();
    const { skipped } = this.description.step;
    let skips = 0;
    let chunk = 8;
    const isDue = (seconds: number) => performance.now() - this.snapshotAt >= 1000 * seconds;
    do {
      const began = performance.now();
      const ran = await this.advance(Math.min(chunk, target - this.done), signal);
      const [rows, [count]] = await Promise.all([
        this.readHistory(this.done - ran, ran),
        this.runtime.read(skipped),
      ]);
      skips = count as number;
      const recent = new Tally(tally.names);
      for (const row of rows) {
        tally.add(row);
        recent.add(row);
      }
      if (ran > 0) onProgress?.({ step: this.done, metrics: recent.means() });
      const factor = Math.min(4, Math.max(0.25, LOOK_MS / (performance.now() - began)));
      chunk = Math.min(HISTORY, Math.max(1, Math.round(chunk * factor)));
      if (isDue(Math.max(SNAPSHOT_SECONDS, snapshotAfter))) {
        await this.save();
        kept.tally = tally.copy();
      }
    } while (this.done < target && !signal?.aborted);
    if (isDue(snapshotAfter)) await this.save();
    this.reached = this.done;
    return {
      step: this.done,
      epoch: this.done / this.stepsPerEpoch,
      metrics: tally.means(),
      skipped: skips,
    };
  }

  /** @returns the steps done: fewer than asked for only if the signal stopped it */
  private async advance(steps: number, signal?: AbortSignal): Promise<number> {
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
  private async replay(step: number): Promise<void> {
    while (this.done < step) await this.advance(Math.min(HISTORY, step - this.done));
  }

  /**
   * Does some work on the trainer's device; if the device is lost on the way, again on another one,
   * with the state that the last run reached.
   */
  protect<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    return this.device.protect(({ runtime }) => work(runtime));
  }

  /** A row of metrics for each of `count` steps. */
  private async readHistory(from: number, count: number): Promise<Float32Array[]> {
    const { names, history } = this.description;
    const values = (await this.runtime.read(history)) as Float32Array;
    const width = names.length;
    const rows = Array.from({ length: count }, (_, i) => {
      const row = (from + i) % HISTORY;
      return values.subarray(row * width, (row + 1) * width);
    });
    const loss = names.indexOf('loss');
    const bad = rows.findIndex((row) => !Number.isFinite(row[loss]));
    if (bad >= 0) await this.failAt(from + bad);
    return rows;
  }

  /** Finds the tensor that spoilt the loss of a step, and goes back to the last good state. */
  private async failAt(step: number): Promise<never> {
    const good = this.snapshot as TrainerState;
    this.putBack(good);
    await this.replay(step);
    const { batches } = this.description;
    batches.feed(this.runtime, step, 1);
    const found = await firstNonFinite(this.runtime, this.description).catch((error: unknown) => {
      if (isLatentGpuError(error, 'device-lost')) throw error;
      // The reason is worth less than the fact.
      return undefined;
    });
    this.restore(good);
    const where = found ? `the first tensor that is not is ${found}` : 'it cannot be told why';
    throw new LatentGpuError(
      'not-finite',
      `the loss is not finite at step ${step}; ${where}; lower the learning rate or set clipNorm, ` +
        `and go on from step ${good.step}, the last good state`,
    );
  }

  /** The state as of now, on the host. */
  state(): Promise<TrainerState> {
    return this.protect((runtime) => this.readNow(runtime));
  }

  private async readNow(runtime: Runtime): Promise<TrainerState> {
    const state = await readState(runtime, this.description.step.state, this.done);
    const tuned = this.tuned ?? {};
    return Object.keys(tuned).length > 0 ? { ...state, tuned } : state;
  }

  /**
   * Takes the state to the host, as the one to go back to, unless it is there.
   *
   * @throws LatentGpuError `not-finite` if a parameter is; the run is then back at the last good state
   */
  private async save(): Promise<TrainerState> {
    if (this.snapshot?.step === this.done) return this.snapshot;
    const { parameters } = this.description.step;
    const state = await this.readNow(this.runtime);
    const bad = firstBadParameter(parameters, state.tensors.get('parameters') as Float32Array);
    if (bad) {
      const good = this.snapshot;
      if (good) this.restore(good);
      const when = state.step > 0 ? `after step ${state.step - 1}` : 'before the first step';
      throw new LatentGpuError(
        'not-finite',
        `${when} ${bad} is not finite; lower the learning rate or set clipNorm` +
          (good ? `, and go on from step ${good.step}, the last good state` : ''),
      );
    }
    this.snapshot = state;
    this.snapshotAt = performance.now();
    return state;
  }

  /** The last state known to be good: by default that at the end of the last run. */
  get lastState(): TrainerState | undefined {
    return this.snapshot;
  }

  /** The state that the last run reached, on the host; it is then the last one known to be good. */
  currentState(): Promise<TrainerState> {
    return this.protect(() => this.save());
  }

  /**
   * Puts a state back.
   *
   * @throws LatentGpuError `bad-format` if it belongs to another model or optimizer, or to a run whose
   *   kernels were chosen otherwise; {@link Trainer.create} continues that
   */
  restore(state: TrainerState): void {
    if (!sameTable(state.tuned ?? {}, this.tuned ?? {})) {
      throw new LatentGpuError(
        'bad-format',
        'the state is of a run whose kernels were tuned otherwise, and which would not go on with ' +
          'the same bits; create another trainer from it',
      );
    }
    this.putBack(state);
    this.snapshot = state;
    this.snapshotAt = performance.now();
    this.reached = state.step;
  }

  private putBack(state: TrainerState): void {
    writeState(this.runtime, this.description.step.state, state);
    this.done = state.step;
  }

  /**
   * Bias-corrected exponential moving average of the parameters, if `ema` was asked for and an update
   * has been made.
   */
  async averagedParameters(): Promise<Float32Array | undefined> {
    const { average, updates } = this.description.step;
    const { ema } = this.options;
    if (!average || ema === undefined) return undefined;
    const count = (await this.runtime.read(updates))[0] as number;
    if (count === 0) return undefined;
    const values = await this.runtime.read(average);
    const scale = 1 / (1 - ema ** count);
    return Float32Array.from(values, (x) => x * scale);
  }

  private async rawParameters(): Promise<Float32Array> {
    return (await this.currentState()).tensors.get('parameters') as Float32Array;
  }

  /**
   * The parameters that are worth keeping, end to end: their moving average if one is kept and has
   * begun, else as they are.
   */
  async keptParameters(): Promise<Float32Array> {
    return (await this.protect(() => this.averagedParameters())) ?? (await this.rawParameters());
  }

  /**
   * Does some work, an evaluation say, with other parameters than those in training, which are put
   * back afterwards.
   */
  async withParameters<T>(flat: Float32Array, work: (runtime: Runtime) => Promise<T>): Promise<T> {
    const { parameters } = this.description.step;
    const raw = await this.rawParameters();
    if (flat === raw) return await this.protect(work);
    try {
      return await this.protect(async (runtime) => {
        runtime.write(parameters, flat);
        return await work(runtime);
      });
    } finally {
      if (!this.runtime.device.isLost) this.runtime.write(parameters, raw);
    }
  }

  /** Frees the GPU memory and the device. */
  destroy(): void {
    const { device } = this.runtime;
    if (!device.isLost) this.runtime.destroy();
    device.destroy();
  }
}
