// The training loop's engine: one plan that holds a whole step, replayed; its state can be taken
// out and put back, so that a run goes on after a stop or on another device.
import type { ImageDataset } from '../data/dataset.ts';
import { type Device, openDevice } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import { add, addUint, modUint, mulUint, seed, step, store } from '../ops/index.ts';
import { type Minimization, type MinimizeOptions, minimize } from '../optim/index.ts';
import { seedWords } from '../random.ts';
import { type Plan, Runtime } from '../scheduler/index.ts';
import { type Batches, type Binarization, batchesOf } from './batches.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
const HISTORY = 4096;
/** The host looks about this often. */
const LOOK_MS = 400;

export interface LossTerms {
  /** Scalar to be lowered. */
  readonly loss: Tensor;
  /** Scalars to be recorded beside it. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
}

export interface TrainerOptions extends MinimizeOptions {
  readonly model: Module;
  /** The loss of a batch x [B, D]. */
  readonly loss: (x: Tensor) => LossTerms;
  readonly data: ImageDataset;
  readonly batch: number;
  /** Default: `none`. */
  readonly binarize?: Binarization;
  /** Of initial values, noise and shuffling. */
  readonly seed?: number;
  /** Initial values in place of those the parameters would give themselves. */
  readonly initial?: ReadonlyMap<Variable, Float32Array>;
}

/** Everything a run needs to go on bit for bit. */
export interface TrainerState {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, Float32Array | Uint32Array>;
}

export interface TrainingReport {
  /** Steps done since the run began. */
  readonly step: number;
  readonly epoch: number;
  /** Means over the steps since the last report. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Updates skipped so far because their gradient was not usable. */
  readonly skipped: number;
}

export interface Progress {
  /** Steps done since the run began. */
  readonly step: number;
  /** Means over the steps since the last call. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunOptions {
  /** Called a few times a second. */
  onProgress?: (progress: Progress) => void;
  /** Stops after the submission under way. */
  signal?: AbortSignal;
}

/** The graph of a training step, without a device. */
export interface StepDescription {
  readonly batches: Batches;
  readonly step: Minimization;
  readonly names: readonly string[];
  readonly history: Variable;
  readonly effects: readonly Tensor[];
}

export class Trainer {
  readonly options: TrainerOptions;
  private readonly description: StepDescription;
  private readonly open: () => Promise<Device>;
  private readonly words: [number, number];
  private bound: { runtime: Runtime; plan: Plan } | undefined;
  private snapshot: TrainerState | undefined;
  private done = 0;
  /** Devices lost and replaced so far. */
  recoveries = 0;

  private constructor(options: TrainerOptions, open: () => Promise<Device>) {
    this.options = options;
    this.open = open;
    this.words = seedWords(options.seed ?? 0);
    this.description = describeStep(options);
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
    await trainer.bind();
    return trainer;
  }

  get runtime(): Runtime {
    return (this.bound as { runtime: Runtime }).runtime;
  }

  get plan(): Plan {
    return (this.bound as { plan: Plan }).plan;
  }

  /** Steps done since the run began. */
  get step(): number {
    return this.done;
  }

  get stepsPerEpoch(): number {
    return this.description.batches.perEpoch;
  }

  /** Opens a device and gives it the run as of the last state. */
  private async bind(): Promise<void> {
    const device = await this.open();
    try {
      await this.bindTo(device);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  private async bindTo(device: Device): Promise<void> {
    const { batches, effects } = this.description;
    const options = this.options;
    const runtime = new Runtime(device, { seed: options.seed ?? 0 });
    const plan = await runtime.compile({ effects });
    runtime.write(batches.table, batches.values());
    runtime.write(seed, this.words);
    this.bound = { runtime, plan };
    if (this.snapshot) {
      this.restore(this.snapshot);
      return;
    }
    for (const [parameter, values] of options.initial ?? []) runtime.write(parameter, values);
    this.snapshot = await this.state();
  }

  /**
   * Trains for `steps` steps and reports their mean metrics. A device that is lost on the way is
   * replaced and the steps are done again, from the state in which this call began.
   *
   * @throws LatentGpuError `not-finite` if the loss is; the last good state is in {@link lastState}
   */
  async run(steps: number, options: RunOptions = {}): Promise<TrainingReport> {
    const target = this.done + steps;
    return await this.protect(() => this.runTo(target, options));
  }

  private async runTo(target: number, options: RunOptions): Promise<TrainingReport> {
    const { names, step: description } = this.description;
    const start = this.done;
    const sums = names.map(() => 0);
    let chunk = 8;
    while (this.done < target && !options.signal?.aborted) {
      const began = performance.now();
      const ran = await this.plan.run(Math.min(chunk, target - this.done), {
        ...(options.signal && { signal: options.signal }),
      });
      this.done += ran;
      const rows = await this.readHistory(this.done - ran, ran);
      const recent = names.map(() => 0);
      for (const row of rows) {
        for (let k = 0; k < names.length; k++) {
          sums[k] = (sums[k] as number) + (row[k] as number);
          recent[k] = (recent[k] as number) + (row[k] as number);
        }
      }
      if (ran > 0) options.onProgress?.({ step: this.done, metrics: means(names, recent, ran) });
      const elapsed = performance.now() - began;
      const factor = Math.min(4, Math.max(0.25, LOOK_MS / elapsed));
      chunk = Math.min(HISTORY, Math.max(1, Math.round(chunk * factor)));
    }
    const state = await this.state();
    const skipped = (await this.runtime.read(description.skipped))[0] as number;
    this.snapshot = state;
    return {
      step: this.done,
      epoch: this.done / this.stepsPerEpoch,
      metrics: means(names, sums, this.done - start),
      skipped,
    };
  }

  /**
   * Does some work on the trainer's device; if the device is lost on the way, again on another one,
   * with the last state taken.
   */
  async protect<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        // The new device may be lost while the run is moving there.
        if (this.runtime.device.isLost) await this.bind();
        return await work(this.runtime);
      } catch (error) {
        if (!isLatentGpuError(error, 'device-lost')) throw error;
        this.recoveries += 1;
        if (this.recoveries > 100) throw error;
      }
    }
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
    if (bad >= 0) {
      throw new LatentGpuError(
        'not-finite',
        `the loss is not finite at step ${from + bad}; the updates since then were skipped. ` +
          'Lower the learning rate or set clipNorm, and continue from the last checkpoint.',
      );
    }
    return rows;
  }

  /** The state as of now, on the host. */
  async state(): Promise<TrainerState> {
    const tensors = new Map<string, Float32Array | Uint32Array>();
    for (const [name, held] of Object.entries(this.description.step.state)) {
      tensors.set(name, await this.runtime.read(held));
    }
    return { step: this.done, tensors };
  }

  /** The last state known to be good: taken at the end of each run. */
  get lastState(): TrainerState | undefined {
    return this.snapshot;
  }

  /** Puts a state back. @throws LatentGpuError `bad-format` if it belongs to another model or optimizer */
  restore(state: TrainerState): void {
    const held = Object.entries(this.description.step.state).map(([name, variable]) => {
      const values = state.tensors.get(name);
      if (values?.length === variable.size) return { variable, values };
      throw new LatentGpuError(
        'bad-format',
        `the checkpoint's '${name}' has ${values?.length ?? 'no'} values and this run needs ${variable.size}; ` +
          'resume with the model and optimizer it was made with',
      );
    });
    for (const { variable, values } of held) this.runtime.write(variable, values);
    this.done = state.step;
    this.snapshot = state;
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

  /**
   * The parameters that are worth keeping, end to end: their moving average if one is kept and has
   * begun, else as they are in the last state.
   */
  async keptParameters(): Promise<Float32Array> {
    const raw = (this.snapshot as TrainerState).tensors.get('parameters') as Float32Array;
    return (await this.protect(() => this.averagedParameters())) ?? raw;
  }

  /**
   * Does some work, an evaluation say, with other parameters than those in training, which are put
   * back afterwards.
   */
  async withParameters<T>(flat: Float32Array, work: (runtime: Runtime) => Promise<T>): Promise<T> {
    const { parameters } = this.description.step;
    const raw = (this.snapshot as TrainerState).tensors.get('parameters') as Float32Array;
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

function means(
  names: readonly string[],
  sums: readonly number[],
  count: number,
): Record<string, number> {
  if (count === 0) return {};
  return Object.fromEntries(names.map((name, k) => [name, (sums[k] as number) / count]));
}

/**
 * The graph of a training step: batch, loss, gradient, update, record. Needs no device and reads no
 * data, so that `schedule({ effects })` can tell how a step would run.
 */
export function describeStep(options: TrainerOptions): StepDescription {
  const { model, data, batch, binarize = 'none' } = options;
  const batches = batchesOf(data, batch, binarize, options.seed ?? 0);
  const { loss, metrics = {} } = options.loss(batches.x);
  const minimization = minimize(loss, model.parameters(), options);
  const recorded: Record<string, Tensor> = {
    loss,
    ...metrics,
    gradientNorm: minimization.gradientNorm,
    learningRate: add(minimization.learningRate, 0),
  };
  const names = Object.keys(recorded);
  const history = variable('history', [HISTORY * names.length]);
  const row = mulUint(modUint(step, HISTORY), names.length);
  const stores = names.map((name, i) => store(history, addUint(row, i), recorded[name] as Tensor));
  return {
    batches,
    step: minimization,
    names,
    history,
    effects: [...minimization.effects, ...stores],
  };
}
