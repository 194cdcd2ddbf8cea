// The training loop's engine: one plan that holds a whole step, replayed; its state can be taken
// out and put back, so that a run goes on after a stop or on another device.
import type { ImageDataset } from '../data/dataset.ts';
import type { Device } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import { add, addUint, modUint, mulUint, seed, step, store } from '../ops/index.ts';
import { type Minimization, type MinimizeOptions, minimize } from '../optim/index.ts';
import { type Plan, Runtime } from '../scheduler/index.ts';
import { type Batches, type Binarization, batchesOf } from './batches.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
const HISTORY = 4096;

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

export interface RunOptions {
  /** Called after each submission, with the steps done in this call. */
  onProgress?: (steps: number) => void;
  /** Stops after the submission under way. */
  signal?: AbortSignal;
}

/** What a trainer builds once: the graph of a step, without a device. */
interface Description {
  readonly batches: Batches;
  readonly step: Minimization;
  readonly names: readonly string[];
  readonly history: Variable;
  readonly effects: readonly Tensor[];
}

export class Trainer {
  readonly options: TrainerOptions;
  private readonly description: Description;
  private readonly open: () => Promise<Device>;
  private bound: { runtime: Runtime; plan: Plan } | undefined;
  private snapshot: TrainerState | undefined;
  private done = 0;
  /** Devices lost and replaced so far. */
  recoveries = 0;

  private constructor(options: TrainerOptions, open: () => Promise<Device>) {
    this.options = options;
    this.open = open;
    this.description = describe(options);
  }

  /**
   * @param open gives a device; called again if the device is lost
   * @param from a state to continue from
   */
  static async create(
    options: TrainerOptions,
    open: () => Promise<Device>,
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

  private async bind(): Promise<void> {
    const { batches, effects } = this.description;
    const options = this.options;
    const device = await this.open();
    const runtime = new Runtime(device, { seed: options.seed ?? 0 });
    const plan = await runtime.compile({ effects });
    runtime.write(batches.table, batches.values);
    runtime.write(seed, seedWords(options.seed ?? 0));
    this.bound = { runtime, plan };
    if (this.snapshot) this.restore(this.snapshot);
    else this.snapshot = await this.state();
  }

  /**
   * Trains for `steps` steps and reports their mean metrics.
   *
   * @throws LatentGpuError `not-finite` if the loss is; the last good state is in {@link lastState}
   */
  async run(steps: number, options: RunOptions = {}): Promise<TrainingReport> {
    const target = this.done + steps;
    const start = this.done;
    const sums = new Map<string, number>();
    let counted = 0;
    while (this.done < target && !options.signal?.aborted) {
      const before = this.done;
      try {
        const chunk = Math.min(target - before, HISTORY);
        const ran = await this.plan.run(chunk, {
          ...(options.signal && { signal: options.signal }),
          onProgress: (n) => options.onProgress?.(before - start + n),
        });
        const metrics = await this.readHistory(before, ran);
        this.done = before + ran;
        for (const [name, values] of metrics) {
          sums.set(
            name,
            values.reduce((a, b) => a + b, sums.get(name) ?? 0),
          );
        }
        counted += ran;
      } catch (error) {
        if (!isLatentGpuError(error, 'device-lost')) throw error;
        await this.recover(error);
        counted = 0;
        sums.clear();
      }
    }
    this.snapshot = await this.state();
    const metrics = Object.fromEntries([...sums].map(([name, sum]) => [name, sum / counted]));
    return {
      step: this.done,
      epoch: this.done / this.stepsPerEpoch,
      metrics,
      skipped: (await this.runtime.read(this.description.step.skipped))[0] as number,
    };
  }

  /** Opens another device and goes back to the last state taken. */
  private async recover(cause: LatentGpuError): Promise<void> {
    this.recoveries += 1;
    if (this.recoveries > 100) throw cause;
    await this.bind();
  }

  private async readHistory(from: number, count: number): Promise<Map<string, number[]>> {
    const { names, history } = this.description;
    const values = await this.runtime.read(history);
    const result = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let i = 0; i < count; i++) {
      const row = (from + i) % HISTORY;
      names.forEach((name, k) => {
        result.get(name)?.push(values[row * names.length + k] as number);
      });
    }
    const bad = result.get('loss')?.findIndex((x) => !Number.isFinite(x)) ?? -1;
    if (bad >= 0) {
      throw new LatentGpuError(
        'not-finite',
        `the loss is not finite at step ${from + bad}; the updates since then were skipped. ` +
          'Lower the learning rate or set clipNorm, and continue from the last checkpoint.',
      );
    }
    return result;
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
    for (const [name, held] of Object.entries(this.description.step.state)) {
      const values = state.tensors.get(name);
      if (values?.length !== held.size) {
        throw new LatentGpuError(
          'bad-format',
          `the checkpoint's '${name}' has ${values?.length ?? 'no'} values and this run needs ${held.size}; ` +
            'resume with the model and optimizer it was made with',
        );
      }
      this.runtime.write(held, values);
    }
    this.done = state.step;
    this.snapshot = state;
  }

  /** Bias-corrected exponential moving average of the parameters, if `ema` was asked for. */
  async averagedParameters(): Promise<Float32Array | undefined> {
    const { average, updates } = this.description.step;
    const { ema } = this.options;
    if (!average || ema === undefined) return undefined;
    const count = (await this.runtime.read(updates))[0] as number;
    const values = await this.runtime.read(average);
    const scale = 1 / (1 - ema ** count);
    return Float32Array.from(values, (x) => x * scale);
  }

  /** Frees the GPU memory and the device. */
  destroy(): void {
    const { device } = this.runtime;
    if (!device.isLost) this.runtime.destroy();
    device.destroy();
  }
}

function describe(options: TrainerOptions): Description {
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

/** A seed as two 32-bit words. */
export function seedWords(value: number): [number, number] {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new LatentGpuError(
      'bad-config',
      `seed is ${value}; it must be a whole number from 0 to 2^53 - 1`,
    );
  }
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}
