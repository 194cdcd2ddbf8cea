// The training loop's engine: a step that is replayed, and the last good state of it on the host, so that
// a run goes on after a stop, a loss that is not finite, or on another device.
import { type Device, openDevice } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import type { Live } from '../graph/live.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import type { Description } from './description.ts';
import { firstBadIn } from './diagnose.ts';
import { type Learner, learnerOf } from './learner.ts';
import { checkNumber, LiveNumbers } from './live-numbers.ts';
import { Looks } from './looks.ts';
import { badLoss, badState } from './not-finite.ts';
import { Renewable } from './renewable.ts';
import type { RunOptions, TrainingReport } from './report.ts';
import type { Recorded, Runner } from './runner.ts';
import { Snapshot } from './snapshot.ts';
import type { TrainerState } from './state.ts';
import type { TrainerOptions } from './step.ts';
import type { SweepOptions } from './sweep.ts';
import { Tally } from './tally.ts';

/**
 * A run of training: steps that the GPU takes by itself, with what it takes to go on after a lost device.
 *
 * ```ts
 * const optimizer = optim.adam({ lr: 1e-3 });
 * const trainer = await Trainer.create({ model, data, batch: 100, optimizer, loss: (x) => lossOf(x) });
 * const { metrics } = await trainer.run(trainer.stepsPerEpoch);
 * trainer.destroy();
 * ```
 */
export class Trainer {
  readonly options: TrainerOptions | SweepOptions;
  private readonly learner: Learner;
  private readonly device: Renewable<Runner>;
  private readonly numbers = new LiveNumbers();
  private readonly looks = new Looks();
  private readonly snapshot: Snapshot;
  /** What completed runs have reached; a device that replaces another has to get there first. */
  private reached: number;
  /** By what the first device's kernels were chosen: a device that replaces it gets the same. */
  private tuned: TunedTable | undefined;

  /** The last run that was asked for. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    options: TrainerOptions | SweepOptions,
    open: Device | (() => Promise<Device>),
    from: TrainerState | undefined,
  ) {
    this.options = options;
    this.snapshot = new Snapshot(from);
    this.reached = from?.step ?? 0;
    this.tuned = from && (from.tuned ?? {});
    this.learner = learnerOf(options);
    this.device = new Renewable({
      open,
      make: (device) => this.make(device),
      begin: () => this.begin(),
    });
  }

  /**
   * @param open gives a device, which is the trainer's; called again if the device is lost. Default: {@link openDevice}.
   *   Or a device that others have as well, which `destroy` leaves open
   * @param from a state to continue from
   */
  static async create(
    options: TrainerOptions | SweepOptions,
    open: Device | (() => Promise<Device>) = openDevice,
    from?: TrainerState,
  ): Promise<Trainer> {
    const trainer = new Trainer(options, open, from);
    await trainer.protect(() => Promise.resolve());
    return trainer;
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return this.device.recoveries;
  }

  /** The step on the device that there is now. */
  private get runner(): Runner {
    return this.device.now;
  }

  get runtime(): Runtime {
    return this.runner.runtime;
  }

  get plan(): Plan {
    return this.runner.plan;
  }

  /** Steps done since the run began. */
  get step(): number {
    return this.runner.step;
  }

  /** Whether the model has learned all that passes over these data can teach it. */
  get isConverged(): boolean {
    return this.runner.isConverged;
  }

  get stepsPerEpoch(): number {
    return this.description.batches.perEpoch;
  }

  /** Steps at the beginning of the run that lower another loss. */
  get pretrainingSteps(): number {
    return this.description.pretrainingSteps ?? 0;
  }

  /** Whether the data are too large to stay on the GPU, and their rows are sent as steps need them. */
  get isStreamed(): boolean {
    return this.description.batches.windowSteps !== undefined;
  }

  private get description(): Description {
    return this.learner.description;
  }

  private async make(device: Device): Promise<Runner> {
    const runner = await this.learner.run(device, this.tuned);
    this.tuned = runner.tuned;
    return runner;
  }

  /** Brings a new device to where the last one was, while its kernels are being compiled. */
  private async begin(): Promise<void> {
    await this.beginState();
    await this.plan.ready();
  }

  private async beginState(): Promise<void> {
    this.snapshot.begin();
    this.looks.begin();
    const { state } = this.snapshot;
    if (state) {
      const { runner } = this;
      const changed = await this.numbers.again(runner.runtime, () => {
        runner.putBack(state);
        return runner.replay(this.reached);
      });
      if (changed) await this.save();
      return;
    }
    await this.runner.begin(this.options.initial);
    await this.save();
  }

  /**
   * Trains for `steps` steps and reports their mean metrics. A device that is lost on the way is
   * replaced and the steps are done again, from the last state that the host has. A run that is asked for
   * during another comes after it.
   *
   * @throws LatentGpuError `not-finite` if the loss or a parameter is, naming the step and the first
   *   tensor; the run is then back at the last good state, {@link lastState}
   */
  run(steps: number, options: RunOptions = {}): Promise<TrainingReport> {
    const mine = this.last.then(async () => {
      const target = this.step + steps;
      // As of the state from which a lost run goes on.
      const kept = { tally: new Tally(this.description.names) };
      return await this.protect(() => this.runTo(target, kept, options));
    });
    this.last = mine.catch(() => {});
    return mine;
  }

  private async runTo(
    target: number,
    kept: { tally: Tally },
    { signal, onProgress, snapshotAfter = 0 }: RunOptions,
  ): Promise<TrainingReport> {
    const { runner, looks, snapshot } = this;
    const tally = kept.tally.copy();
    let skips = 0;
    do {
      const began = performance.now();
      const ran = await runner.advance(Math.min(looks.steps, target - runner.step), signal);
      const { rows, skipped } = await runner.recorded(ran);
      await this.checkLosses(rows);
      skips = skipped;
      const recent = new Tally(tally.names);
      for (const { values } of rows) {
        tally.add(values);
        recent.add(values);
      }
      if (ran > 0) onProgress?.({ step: runner.step, metrics: recent.means() });
      looks.note(ran, performance.now() - began);
      if (snapshot.isDue(snapshotAfter)) {
        await this.save();
        kept.tally = tally.copy();
      }
    } while (runner.step < target && !signal?.aborted && !runner.isConverged);
    if (snapshot.isOlder(snapshotAfter)) await this.save();
    this.reached = runner.step;
    return {
      step: runner.step,
      epoch: runner.step / this.stepsPerEpoch,
      metrics: tally.means(),
      skipped: skips,
    };
  }

  /**
   * Does some work on the trainer's device; if the device is lost on the way, again on another one,
   * with the state that the last run reached.
   */
  protect<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    return this.device.protect(({ runtime }) => work(runtime));
  }

  /** @param rows what was recorded of the last steps */
  private async checkLosses(rows: Recorded['rows']): Promise<void> {
    const { columns, watched } = this.description;
    for (const { step, values } of rows) {
      for (const [name, root] of Object.entries(watched)) {
        if (Number.isFinite(values[columns.indexOf(name)])) continue;
        await this.failAt(step, name, root);
      }
    }
  }

  /** Finds the tensor that spoilt the loss of a step, and goes back to the last good state. */
  private async failAt(step: number, what: string, root: Tensor): Promise<never> {
    const { runner } = this;
    const good = this.snapshot.state as TrainerState;
    runner.putBack(good);
    await runner.replay(step);
    const found = await runner.firstNonFinite(root).catch((error: unknown) => {
      if (isLatentGpuError(error, 'device-lost')) throw error;
      // The reason is worth less than the fact.
      return undefined;
    });
    this.restore(good);
    throw badLoss(what, step, found, this.description.advice, good.step);
  }

  /**
   * Gives a number that the step reads another value, between runs; nothing is compiled again. Steps that
   * a lost device costs are done again with the number they were done with. A state does not hold it: a
   * run that is continued begins with what its `Live` says.
   *
   * @throws LatentGpuError `bad-input` if the value is not finite; `not-finite` as {@link run}
   */
  async set(live: Live, value: number): Promise<void> {
    checkNumber(live, value);
    if (!this.runtime.device.isLost) await this.currentState();
    const { runtime } = this;
    this.numbers.set(live, value, runtime.device.isLost ? undefined : runtime);
  }

  /** The state as of now, on the host. */
  state(): Promise<TrainerState> {
    return this.device.protect((runner) => runner.state());
  }

  /**
   * Takes the state to the host, as the one to go back to, unless it is there.
   *
   * @throws LatentGpuError `not-finite` if a parameter is; the run is then back at the last good state
   */
  private async save(): Promise<TrainerState> {
    const good = this.snapshot.state;
    if (good?.step === this.step) return good;
    const state = await this.runner.state();
    const { trained, advice } = this.description;
    const bad = firstBadIn(trained, state);
    if (bad) {
      if (good) this.restore(good);
      throw badState(bad, state.step, advice, good?.step);
    }
    this.keep(state);
    return state;
  }

  private keep(state: TrainerState): void {
    this.snapshot.keep(state);
    this.numbers.forget();
  }

  /** The last state known to be good: by default that at the end of the last run. */
  get lastState(): TrainerState | undefined {
    return this.snapshot.state;
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
    if (!this.runner.canContinue(state)) {
      throw new LatentGpuError(
        'bad-format',
        'the state is of a run whose kernels were tuned otherwise, and which would not go on with ' +
          'the same bits; create another trainer from it',
      );
    }
    this.runner.putBack(state);
    this.keep(state);
    this.reached = state.step;
  }

  /**
   * Bias-corrected exponential moving average of the parameters, if `ema` was asked for and an update
   * has been made.
   */
  async averagedParameters(): Promise<Float32Array | undefined> {
    return await this.runner.averagedParameters();
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
    const { parameters } = this.description.trained;
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

  /** Frees the GPU memory, and the device unless it is shared. */
  destroy(): void {
    this.device.end();
  }
}
