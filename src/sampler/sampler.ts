// A loaded model: what it draws, decodes and goes through.
import type { Category } from '../categories.ts';
import { sizeOf } from './network.ts';
import { bad } from './open.ts';
import type { Abilities, CodesOptions, DecodeOptions, Painter, SampleOptions } from './painter.ts';

export interface InterpolateOptions extends DecodeOptions {
  /** Images in all, both ends included; default 7. */
  readonly steps?: number;
  /** Along the arc between the codes and not the straight line. */
  readonly spherical?: boolean;
}

function checkWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw bad(`${name} is ${value}; it must be a whole number of at least ${least}`);
}

/** What is loaded: whose it is, and who draws it. */
export interface Loaded {
  readonly family: string;
  readonly shape: readonly number[];
  readonly categories: readonly Category[];
  readonly painter: Painter;
}

/**
 * A loaded model: get one with {@link load}. Images are rows of D numbers, in data units.
 *
 * ```ts
 * const model = await load('models/digits/');
 * const codes = await model.codes(2, { seed: 7 });
 * const [a, b] = [codes.subarray(0, model.latent), codes.subarray(model.latent)];
 * const images = await model.interpolate(a, b, { steps: 8 }); // [8, D]
 * model.destroy();
 * ```
 */
export class Sampler implements Abilities {
  /** `vae`, `realnvp`, `gmm` and so on. */
  declare readonly family: string;
  /** Extents of one data point, e.g. `[28, 28]`; D is their product. */
  declare readonly shape: readonly number[];
  declare readonly features: number;
  /** Columns of words of a table: each word is a number of a row, `at` and so on, its probability or 1 where it is drawn. */
  declare readonly categories: readonly Category[];
  declare readonly latent: number;
  declare readonly classes: readonly string[];
  declare readonly clusters: number;
  declare readonly layers: readonly number[];
  declare readonly hasTemperature: boolean;
  readonly #painter: Painter;

  /** @internal */
  constructor({ family, shape, categories, painter }: Loaded) {
    const {
      latent,
      classes = [],
      clusters = 0,
      layers = [],
      hasTemperature = false,
    } = painter.abilities;
    const features = sizeOf(shape);
    const own = {
      ...{ family, shape, features, categories },
      ...{ latent, classes, clusters, layers, hasTemperature },
    };
    Object.assign(this, own);
    this.#painter = painter;
  }

  /**
   * What computes; changes if the GPU fails for good. A few images of a small model, asked for
   * without naming a backend, are computed in JavaScript, which is quicker than a trip to the GPU.
   */
  get backend(): 'webgpu' | 'javascript' {
    return this.#painter.backend.name;
  }

  /** The adapter's name, or `JavaScript`. */
  get adapter(): string {
    return this.#painter.backend.adapter;
  }

  /**
   * Images [count, D] of codes drawn from the prior: the decoder's means, or draws. A seed gives the
   * numbers that `latentgpu sample` gives.
   *
   * @throws LatentGpuError `bad-input`, `device-lost`; what `signal` was aborted with
   */
  async sample(count: number, options: SampleOptions = {}): Promise<Float32Array> {
    checkWhole('count', count, 1);
    this.#checkTold(options);
    return await this.#painter.sample(count, options);
  }

  /** The codes [count, M] that {@link sample} decodes. */
  async codes(count: number, options: CodesOptions = {}): Promise<Float32Array> {
    checkWhole('count', count, 1);
    this.#checkTold(options);
    return await this.#painter.codes(count, options);
  }

  /**
   * Images [count, D] for codes [count, M].
   *
   * @throws LatentGpuError `bad-input` for codes of another size, `device-lost`; what `signal` was aborted with
   */
  async decode(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Float32Array> {
    const own = this.#checked(codes);
    this.#checkTold(options);
    return await this.#painter.decode(own, options);
  }

  /**
   * Images [steps, D] from code a [M] to code b [M], both included.
   *
   * @throws LatentGpuError `bad-input` for codes of another size or fewer than two steps, `device-lost`
   */
  async interpolate(
    a: ArrayLike<number>,
    b: ArrayLike<number>,
    options: InterpolateOptions = {},
  ): Promise<Float32Array> {
    const { steps = 7, spherical = false } = options;
    const { latent } = this;
    for (const code of [a, b]) {
      if (code.length !== latent) throw bad(`a code is ${latent} numbers, not ${code.length}`);
    }
    checkWhole('steps', steps, 2);
    const dot = (u: ArrayLike<number>, v: ArrayLike<number>) => {
      let sum = 0;
      for (let i = 0; i < latent; i++) sum += u[i]! * v[i]!;
      return sum;
    };
    const cosine = spherical ? dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) : 1;
    const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
    const sine = Math.sin(angle);
    const codes = new Float32Array(steps * latent);
    for (let s = 0; s < steps; s++) {
      const t = s / (steps - 1);
      // Codes in one line, or of length 0, have no arc between them.
      const [p, q] =
        sine > 1e-6 ? [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] : [1 - t, t];
      for (let i = 0; i < latent; i++) codes[s * latent + i] = p * a[i]! + q * b[i]!;
    }
    return await this.decode(codes, options);
  }

  /** Image `index` of `images` for a canvas: values from 0 to 1, one channel or three. */
  toImageData(images: ArrayLike<number>, index = 0): ImageData {
    const [height = 1, width = 1, channels = 1] =
      this.shape.length > 1 ? this.shape : [1, this.features];
    const pixels = new Uint8ClampedArray(4 * height * width).fill(255);
    for (let p = 0; p < height * width; p++) {
      for (let c = 0; c < 3; c++) {
        const from = index * this.features + p * channels + Math.min(c, channels - 1);
        pixels[4 * p + c] = 255 * images[from]!;
      }
    }
    return new ImageData(pixels, width, height);
  }

  /** Frees the GPU's memory. */
  destroy(): void {
    this.#painter.destroy();
  }

  /** Refuses what this model is not told. */
  #checkTold(options: SampleOptions): void {
    const isTold = {
      cluster: this.clusters,
      label: this.classes.length,
      temperature: this.hasTemperature,
      temperatures: this.layers.length,
    };
    for (const [key, isKnown] of Object.entries(isTold)) {
      const isGiven = options[key as keyof SampleOptions] !== undefined;
      if (isGiven && !isKnown) throw bad(`the model is told no ${key}`);
    }
  }

  #checked(codes: ArrayLike<number>): Float32Array {
    if (!this.latent) throw bad('the model has no codes; sample it');
    const own = Float32Array.from(codes);
    if (own.length === 0 || own.length % this.latent) {
      throw bad(`codes are rows of ${this.latent} numbers; ${own.length} numbers are no such rows`);
    }
    if (!own.every(Number.isFinite)) throw bad('a code holds a number that is not finite');
    return own;
  }
}
