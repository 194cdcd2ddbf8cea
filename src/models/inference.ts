// What a trained model is asked for: codes, reconstructions, draws. Plans are compiled once for a
// batch of rows and replayed; the host feeds and reads.
import type { Distribution } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { input, type Variable } from '../graph/variable.ts';
import { randomNormal, seed, step } from '../ops/index.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import { Autoencoder } from './autoencoder.ts';
import type { Vae } from './vae.ts';

/** Rows a plan computes at once. */
const ROWS = 64;

/** What a decoded row is shown as: its mean, or a draw. */
export type Shown = 'mean' | 'draw';

interface Feeder {
  plan: Plan;
  fed: Variable | undefined;
}

export class Inference {
  readonly model: Vae | Autoencoder;
  readonly runtime: Runtime;
  private readonly plans = new Map<string, Promise<Feeder>>();

  constructor(runtime: Runtime, model: Vae | Autoencoder) {
    this.runtime = runtime;
    this.model = model;
  }

  private get latent(): number {
    return this.model.config.latent;
  }

  private plan(
    key: string,
    width: number,
    build: (x: Tensor) => Record<string, Tensor>,
  ): Promise<Feeder> {
    let made = this.plans.get(key);
    if (!made) {
      const fed = input(key, [ROWS, width]);
      made = this.runtime.compile({ outputs: build(fed) }).then((plan) => ({ plan, fed }));
      this.plans.set(key, made);
    }
    return made;
  }

  /** Runs a plan over `count` rows of `values`, a batch at a time; the outputs' rows, joined. */
  private async overRows(
    feeder: Feeder,
    values: ArrayLike<number>,
    count: number,
    outputs: readonly string[],
  ): Promise<Map<string, Float32Array>> {
    const width = values.length / count;
    const result = new Map<string, Float32Array>();
    const batch = new Float32Array(ROWS * width);
    for (let start = 0; start < count; start += ROWS) {
      const rows = Math.min(ROWS, count - start);
      batch.fill(0);
      for (let i = 0; i < rows * width; i++) batch[i] = values[start * width + i] as number;
      this.runtime.write(feeder.fed as Variable, batch);
      this.runtime.write(step, [start / ROWS]);
      await feeder.plan.run();
      for (const name of outputs) {
        const got = (await feeder.plan.read(name)) as Float32Array;
        const each = got.length / ROWS;
        const whole = result.get(name) ?? new Float32Array(count * each);
        whole.set(got.subarray(0, rows * each), start * each);
        result.set(name, whole);
      }
    }
    return result;
  }

  /**
   * Codes of data rows [count, D]: posterior means and deviations [count, M]; an autoencoder's
   * codes have no deviation.
   */
  async encode(
    x: ArrayLike<number>,
    count: number,
  ): Promise<{ mean: Float32Array; logStd: Float32Array | undefined }> {
    const { model } = this;
    const feeder = await this.plan('encode', model.features, (data): Record<string, Tensor> => {
      if (model instanceof Autoencoder) return { mean: model.code(data) };
      const q = model.encode(data);
      return { mean: q.mean, logStd: q.logStd };
    });
    const names = model instanceof Autoencoder ? ['mean'] : ['mean', 'logStd'];
    const got = await this.overRows(feeder, x, count, names);
    return { mean: got.get('mean') as Float32Array, logStd: got.get('logStd') };
  }

  /** Data rows [count, D] for codes [count, M]. */
  async decode(z: ArrayLike<number>, count: number, shown: Shown = 'mean'): Promise<Float32Array> {
    const feeder = await this.plan(`decode ${shown}`, this.latent, (codes) => ({
      x: shownAs(this.model.decode(codes), shown),
    }));
    return (await this.overRows(feeder, z, count, ['x'])).get('x') as Float32Array;
  }

  /** Decoded posterior means of data rows [count, D]. */
  async reconstruct(
    x: ArrayLike<number>,
    count: number,
    shown: Shown = 'mean',
  ): Promise<Float32Array> {
    const { mean } = await this.encode(x, count);
    return this.decode(mean, count, shown);
  }

  /** Data rows [count, D] decoded from draws of the prior N(0, I). */
  async sample(count: number, shown: Shown = 'mean', drawSeed = 0): Promise<Float32Array> {
    this.runtime.write(seed, [drawSeed >>> 0, Math.floor(drawSeed / 2 ** 32) >>> 0]);
    const feeder = await this.plan(`sample ${shown}`, 1, () => ({
      x: shownAs(this.model.decode(randomNormal([ROWS, this.latent])), shown),
    }));
    const nothing = new Float32Array(count);
    return (await this.overRows(feeder, nothing, count, ['x'])).get('x') as Float32Array;
  }

  /** Frees the plans; the model's parameters stay. */
  async destroy(): Promise<void> {
    for (const made of this.plans.values()) (await made).plan.destroy();
    this.plans.clear();
  }
}

function shownAs(px: Distribution, shown: Shown): Tensor {
  return shown === 'mean' ? px.mean : px.sample();
}
