// What a trained model is asked for: codes, reconstructions, draws. Plans are compiled once for a
// batch of rows and replayed; the host feeds and reads.
import type { Distribution } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { input, type Variable } from '../graph/variable.ts';
import { randomNormal, step } from '../ops/index.ts';
import { seedWords } from '../random.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import { Autoencoder } from './autoencoder.ts';
import { withNoise } from './noise.ts';
import { rowsAtOnce } from './rows.ts';
import type { Vae } from './vae.ts';

/** The most rows that a plan computes at once. */
const ROWS = 64;

/** What a decoded row is shown as: its mean, or a draw. */
export type Shown = 'mean' | 'draw';

interface Made {
  readonly plan: Plan;
  /** What the host writes before a run; a plan that draws its own codes has none. */
  readonly fed: Variable | undefined;
}

/** Rows that the host feeds: [count, width]. */
interface Given {
  readonly name: string;
  readonly values: ArrayLike<number>;
  readonly width: number;
}

/**
 * A model at work. Noise follows from the seed given and the row's place alone; a training run on
 * the same runtime does not notice.
 */
export class Inference {
  readonly model: Vae | Autoencoder;
  readonly runtime: Runtime;
  private readonly rows: number;
  private readonly plans = new Map<string, Promise<Made>>();

  constructor(runtime: Runtime, model: Vae | Autoencoder) {
    this.runtime = runtime;
    this.model = model;
    this.rows = rowsAtOnce(model, ROWS);
  }

  private get latent(): number {
    return this.model.config.latent;
  }

  private make(
    key: string,
    width: number,
    build: (x: Tensor) => Record<string, Tensor>,
    isFed: boolean,
  ): Promise<Made> {
    let made = this.plans.get(key);
    if (!made) {
      const x = isFed ? input(key, [this.rows, width]) : randomNormal([this.rows, width]);
      const fed = isFed ? (x as Variable) : undefined;
      made = this.runtime.compile({ outputs: build(x) }).then((plan) => ({ plan, fed }));
      this.plans.set(key, made);
      // A failure is the caller's to handle, and need not happen again.
      made.catch(() => this.plans.delete(key));
    }
    return made;
  }

  /** Runs a plan over `count` rows, a batch at a time; the outputs' rows, joined. */
  private async overRows(
    { plan, fed }: Made,
    count: number,
    given: Given | undefined,
    outputs: readonly string[],
    drawSeed: number,
  ): Promise<Map<string, Float32Array>> {
    const result = new Map<string, Float32Array>();
    const batch = new Float32Array(fed?.size ?? 0);
    await withNoise(this.runtime, seedWords(drawSeed), async () => {
      for (let start = 0; start < count; start += this.rows) {
        const rows = Math.min(this.rows, count - start);
        if (fed && given) {
          const { values, width } = given;
          batch.fill(0);
          for (let i = 0; i < rows * width; i++) batch[i] = values[start * width + i] as number;
          this.runtime.write(fed, batch);
        }
        this.runtime.write(step, [start / this.rows]);
        await plan.run();
        for (const name of outputs) {
          const got = (await plan.read(name)) as Float32Array;
          const each = got.length / this.rows;
          const whole = result.get(name) ?? new Float32Array(count * each);
          whole.set(got.subarray(0, rows * each), start * each);
          result.set(name, whole);
        }
      }
    });
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
    const given = checked({ name: 'data', values: x, width: model.features }, count);
    const build = (data: Tensor): Record<string, Tensor> => {
      if (model instanceof Autoencoder) return { mean: model.code(data) };
      const { mean, logStd } = model.encode(data);
      return { mean, logStd };
    };
    const made = await this.make('encode', model.features, build, true);
    const names = model instanceof Autoencoder ? ['mean'] : ['mean', 'logStd'];
    const got = await this.overRows(made, count, given, names, 0);
    return { mean: got.get('mean') as Float32Array, logStd: got.get('logStd') };
  }

  /** Data rows [count, D] for codes [count, M]. */
  async decode(
    z: ArrayLike<number>,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
  ): Promise<Float32Array> {
    const given = checked({ name: 'codes', values: z, width: this.latent }, count);
    return await this.decoded(`decode ${shown}`, count, given, shown, drawSeed);
  }

  /** Decoded posterior means of data rows [count, D]. */
  async reconstruct(
    x: ArrayLike<number>,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
  ): Promise<Float32Array> {
    const { mean } = await this.encode(x, count);
    return await this.decode(mean, count, shown, drawSeed);
  }

  /** Data rows [count, D] decoded from draws of the prior N(0, I). */
  async sample(count: number, shown: Shown = 'mean', drawSeed = 0): Promise<Float32Array> {
    checkCount(count);
    return await this.decoded(`sample ${shown}`, count, undefined, shown, drawSeed);
  }

  private async decoded(
    key: string,
    count: number,
    given: Given | undefined,
    shown: Shown,
    drawSeed: number,
  ): Promise<Float32Array> {
    const build = (z: Tensor) => ({ x: shownAs(this.model.decode(z), shown) });
    const made = await this.make(key, this.latent, build, given !== undefined);
    const got = await this.overRows(made, count, given, ['x'], drawSeed);
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

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new LatentGpuError(
    'bad-input',
    `count is ${count}; it must be a whole number of at least 1`,
  );
}

function checked(given: Given, count: number): Given {
  checkCount(count);
  const { name, values, width } = given;
  if (values.length !== count * width) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${count} rows of ${name} need ${count} × ${width} values; ${values.length} were given`,
    );
  }
  return given;
}

function shownAs(px: Distribution, shown: Shown): Tensor {
  return shown === 'mean' ? px.mean : px.sample();
}
