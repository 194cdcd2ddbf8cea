// What a trained model is asked for: codes, reconstructions, draws. Plans are compiled once for a
// number of rows and replayed; the host feeds and reads.
import type { Distribution } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { input, type Variable } from '../graph/variable.ts';
import { randomNormal, step } from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import { Autoencoder } from './autoencoder.ts';
import { exclusively, withNoise } from './noise.ts';
import { replay } from './replay.ts';
import {
  checkStop,
  checkWhole,
  fullBatch,
  type RowSource,
  type Rows,
  rowsAtOnce,
  type WorkOptions,
} from './rows.ts';
import type { Vae } from './vae.ts';

/** The most rows that a plan computes at once. */
const ROWS = 64;
/** Fewer, for whoever wants an image or a few of them. */
const FEW = [1, 8];
/** Batches that may be under way at once: the GPU goes on while the host reads. */
const AHEAD = 3;

/** What a decoded row is shown as: its mean, or a draw. */
export type Shown = 'mean' | 'draw';

/**
 * Posterior means and log standard deviations, [count, M]; an autoencoder has no deviations, nor has a
 * posterior with a flow, whose codes are where that carries the mean.
 */
export interface Codes {
  readonly mean: Float32Array;
  readonly logStd: Float32Array | undefined;
}

/** What is computed for each row of [R, width], by name. */
interface Task {
  readonly key: string;
  readonly width: number;
  readonly outputs: readonly string[];
  readonly build: (rows: Tensor) => Record<string, Tensor>;
}

/** A task for a fixed number of rows. */
interface Made {
  readonly plan: Plan;
  /** What the host writes before a run; a plan that draws its own codes has none. */
  readonly fed: Variable | undefined;
}

/**
 * A model at work. Noise follows from the seed given and the row's place alone, however many rows are
 * asked for. Requests may overlap: they wait for each other. A training run on the same runtime does
 * not notice, if they are made between its runs of steps.
 */
export class Inference {
  readonly model: Vae | Autoencoder;
  readonly runtime: Runtime;
  /** Numbers of rows for which there may be plans, ascending; the last is that of a whole batch. */
  private readonly sizes: readonly number[];
  private readonly plans = new Map<string, Promise<Made>>();

  constructor(runtime: Runtime, model: Vae | Autoencoder) {
    this.runtime = runtime;
    this.model = model;
    const most = rowsAtOnce(model, ROWS);
    this.sizes = [...FEW.filter((size) => size < most), most];
  }

  private get latent(): number {
    return this.model.config.latent;
  }

  private planFor({ key, width, build }: Task, size: number, isFed: boolean): Promise<Made> {
    const name = `${key}, ${size}`;
    let made = this.plans.get(name);
    if (!made) {
      const x = isFed ? input(key, [size, width]) : randomNormal([size, width]);
      const fed = isFed ? (x as Variable) : undefined;
      made = this.runtime.compile({ outputs: build(x) }).then((plan) => ({ plan, fed }));
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
  private async overRows(
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
          const { plan, fed } = await this.planFor(task, size, rows !== undefined);
          if (fed && rows) this.runtime.write(fed, fullBatch(rows, start, end, size));
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

  /** Codes of data rows [count, D]. */
  async encode(x: Rows, count: number, options: WorkOptions = {}): Promise<Codes> {
    const { model } = this;
    const rows = rowsOf('data', x, count, model.features);
    const hasDeviations = !(model instanceof Autoencoder) && !model.posteriorFlow;
    const task: Task = {
      key: 'encode',
      width: model.features,
      outputs: hasDeviations ? ['mean', 'logStd'] : ['mean'],
      build: (data): Record<string, Tensor> => {
        if (model instanceof Autoencoder || model.posteriorFlow) return { mean: model.code(data) };
        const { mean, logStd } = model.encode(data);
        return { mean, logStd };
      },
    };
    const got = await this.overRows(task, count, rows, undefined, options);
    return { mean: got.get('mean') as Float32Array, logStd: got.get('logStd') };
  }

  /**
   * One draw of q(z | x) for each data row [count, D]: [count, M].
   *
   * @throws LatentGpuError `bad-input` for an autoencoder, whose codes have no distribution
   */
  async drawCodes(
    x: Rows,
    count: number,
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const { model } = this;
    if (model instanceof Autoencoder) {
      throw new LatentGpuError(
        'bad-input',
        "an autoencoder's codes have no distribution to draw from; ask for the codes themselves",
      );
    }
    const rows = rowsOf('data', x, count, model.features);
    const task: Task = {
      key: 'draw codes',
      width: model.features,
      outputs: ['z'],
      build: (data) => ({ z: model.drawCode(data) }),
    };
    const got = await this.overRows(task, count, rows, drawSeed, options);
    return got.get('z') as Float32Array;
  }

  /** Data rows [count, D] for codes [count, M]. */
  async decode(
    z: Rows,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const rows = rowsOf('codes', z, count, this.latent);
    const noise = shown === 'draw' ? drawSeed : undefined;
    return await this.decoded(`decode ${shown}`, count, rows, shown, noise, options);
  }

  /** Decoded posterior means of data rows [count, D]. */
  async reconstruct(
    x: Rows,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const { onProgress, ...rest } = options;
    const part = (from: number): WorkOptions =>
      onProgress ? { ...rest, onProgress: (done) => onProgress(from + done / 2) } : rest;
    const { mean } = await this.encode(x, count, part(0));
    return await this.decode(mean, count, shown, drawSeed, part(0.5));
  }

  /** Data rows [count, D] decoded from draws of the prior. */
  async sample(
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    checkWhole('count', count, 1);
    return await this.decoded(`sample ${shown}`, count, undefined, shown, drawSeed, options);
  }

  private async decoded(
    key: string,
    count: number,
    rows: RowSource | undefined,
    shown: Shown,
    drawSeed: number | undefined,
    options: WorkOptions,
  ): Promise<Float32Array> {
    const task: Task = {
      key,
      width: this.latent,
      outputs: ['x'],
      build: (given) => {
        const { model } = this;
        const z = rows || model instanceof Autoencoder ? given : model.codeOfNoise(given);
        return { x: shownAs(model.decode(z), shown) };
      },
    };
    const got = await this.overRows(task, count, rows, drawSeed, options);
    return got.get('x') as Float32Array;
  }

  /** Frees the plans and their inputs; the model's parameters stay. */
  async destroy(): Promise<void> {
    for (const made of this.plans.values()) {
      const { plan, fed } = await made;
      plan.destroy();
      if (fed) this.runtime.release(fed);
    }
    this.plans.clear();
  }
}

/** Rows as they are asked for; those that are there already are checked. */
export function rowsOf(name: string, rows: Rows, count: number, width: number): RowSource {
  checkWhole('count', count, 1);
  if (typeof rows === 'function') return rows;
  if (rows.length !== count * width) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${count} rows of ${name} need ${count} × ${width} values; ${rows.length} were given`,
    );
  }
  const whole = rows instanceof Float32Array ? rows : Float32Array.from(rows);
  return (start, end) => whole.subarray(start * width, end * width);
}

function shownAs(px: Distribution, shown: Shown): Tensor {
  return shown === 'mean' ? px.mean : px.sample();
}
