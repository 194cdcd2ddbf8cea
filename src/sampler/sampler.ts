// A loaded model: what it draws, decodes and goes through, and what happens when the GPU fails.
import { LatentGpuError } from '../errors.ts';
import { seedWords } from '../random.ts';
import { FIRST_UNNAMED_STREAM, samplingStreams } from '../streams.ts';
import type { Backend, Sink } from './backend.ts';
import { coder, drawer } from './draw.ts';
import { openJavaScript, ROWS } from './javascript.ts';
import type { Network } from './network.ts';
import { message, type OpenOptions, open, warn } from './open.ts';

export interface CodesOptions {
  /** Of all random numbers; default 0. */
  readonly seed?: number;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

export interface DecodeOptions extends CodesOptions {
  /** Draws from the decoder's distribution, not its means. */
  readonly draw?: boolean;
}

export interface InterpolateOptions extends DecodeOptions {
  /** Images in all, both ends included; default 7. */
  readonly steps?: number;
  /** Along the arc between the codes and not the straight line. */
  readonly spherical?: boolean;
}

/** Multiplications that JavaScript has done before the GPU would have answered. */
const QUICK = 2 ** 20;
/** The page gets its turn after so many milliseconds. */
const SLICE = 20;
const bad = (why: string) => new LatentGpuError('bad-input', why);

/** Keeps long work from holding up the page. */
function pacer(signal: AbortSignal | undefined) {
  let start = 0;
  const restart = () => {
    signal?.throwIfAborted();
    start = performance.now();
  };
  restart();
  return {
    /** The page has just had a turn. */
    restart,
    /** A turn for the page, once a slice of time is used up. */
    due: (): Promise<void> | undefined =>
      performance.now() - start > SLICE
        ? new Promise((resolve) => setTimeout(resolve)).then(restart)
        : undefined,
  };
}

function allocate(count: number, width: number): Float32Array {
  try {
    return new Float32Array(count * width);
  } catch {
    throw new LatentGpuError(
      'out-of-memory',
      `there is no memory for ${count} rows of ${width} numbers; ask for fewer at a time`,
    );
  }
}

/** A loaded model: get one with {@link load}. Images are rows of D numbers, in data units. */
export class Sampler {
  /** `vae`, `iwae` or `ae`. */
  readonly family: string;
  /** Extents of one data point, e.g. `[28, 28]`; D is their product. */
  readonly shape: readonly number[];
  readonly features: number;
  /** Numbers of a code, M. */
  readonly latent: number;
  readonly #network: Network;
  readonly #options: OpenOptions;
  #backend: Backend;
  #replacing: Promise<void> | undefined;
  #isDestroyed = false;

  /** @internal */
  constructor(network: Network, options: OpenOptions, backend: Backend) {
    const { family, shape, features, latent } = network;
    this.family = family;
    this.shape = shape;
    this.features = features;
    this.latent = latent;
    this.#network = network;
    this.#options = options;
    this.#backend = backend;
  }

  /**
   * What computes; changes if the GPU fails for good. A few images of a small model, asked for
   * without naming a backend, are computed in JavaScript, which is quicker than a trip to the GPU.
   */
  get backend(): 'webgpu' | 'javascript' {
    return this.#backend.name;
  }

  /** The adapter's name, or `JavaScript`. */
  get adapter(): string {
    return this.#backend.adapter;
  }

  /**
   * Images [count, D] of codes drawn from the prior: the decoder's means, or draws. A seed gives the
   * numbers that `latentgpu sample` gives.
   *
   * @throws LatentGpuError `bad-input`, `device-lost`; what `signal` was aborted with
   */
  async sample(count: number, options: DecodeOptions = {}): Promise<Float32Array> {
    const { draw = false } = options;
    const streams = samplingStreams(draw && this.#network.kind === 'bernoulli');
    const codes = await this.#codes(count, options, streams.codes);
    return await this.#decode(codes, options, streams.decoder);
  }

  /** The codes [count, M] that {@link sample} decodes. */
  async codes(count: number, options: CodesOptions = {}): Promise<Float32Array> {
    return await this.#codes(count, options, FIRST_UNNAMED_STREAM);
  }

  /** Images [count, D] for codes [count, M]. */
  async decode(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Float32Array> {
    return await this.#decode(this.#checked(codes), options, FIRST_UNNAMED_STREAM);
  }

  /** Images [steps, D] from code a [M] to code b [M], both included. */
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
    if (!(Number.isInteger(steps) && steps > 1)) {
      throw bad(`steps is ${steps}; it must be a whole number of at least 2`);
    }
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
    this.#isDestroyed = true;
    this.#backend.destroy();
  }

  async #codes(
    count: number,
    { seed = 0, signal }: CodesOptions,
    stream: number,
  ): Promise<Float32Array> {
    if (this.family === 'ae') {
      throw bad(
        'an autoencoder has no distribution of codes to draw from; decode codes of your own',
      );
    }
    if (!(Number.isInteger(count) && count > 0)) {
      throw bad(`count is ${count}; it must be a whole number of at least 1`);
    }
    const { latent } = this;
    const draw = coder(this.#network, seedWords(seed), stream);
    const codes = allocate(count, latent);
    const pace = pacer(signal);
    for (let row = 0; row < count; row++) {
      draw(row, codes.subarray(row * latent, (row + 1) * latent));
      const turn = pace.due();
      if (turn) await turn;
    }
    return codes;
  }

  #checked(codes: ArrayLike<number>): Float32Array {
    const own = Float32Array.from(codes);
    if (own.length === 0 || own.length % this.latent) {
      throw bad(`codes are rows of ${this.latent} numbers; ${own.length} numbers are no such rows`);
    }
    if (!own.every(Number.isFinite)) throw bad('a code holds a number that is not finite');
    return own;
  }

  async #decode(
    codes: Float32Array,
    { draw = false, seed = 0, signal }: DecodeOptions,
    stream: number,
  ): Promise<Float32Array> {
    const { features, latent } = this;
    const network = this.#network;
    const count = codes.length / latent;
    const images = allocate(count, features);
    const finish = draw ? drawer(network, seedWords(seed), stream) : undefined;
    const isRaw = draw && network.perFeature > 1;
    const { mean, std } = network.original ?? {};
    const pace = pacer(signal);
    let backend = this.#backend;
    const sink: Sink = async (rows, stride, first, n) => {
      // Whoever waits for the GPU lets the page have its turn.
      if (backend.name === 'webgpu') pace.restart();
      for (let r = 0; r < n; r++) {
        const image = images.subarray((first + r) * features, (first + r + 1) * features);
        const outputs = rows.subarray(r * stride, (r + 1) * stride);
        if (finish) finish(outputs, first + r, image);
        else image.set(outputs.subarray(0, features));
        if (mean && std)
          for (let d = 0; d < features; d++) image[d] = image[d]! * std[d]! + mean[d]!;
        const turn = pace.due();
        if (turn) await turn;
      }
    };
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      if (this.#isDestroyed) throw bad('the sampler was destroyed');
      const isQuick =
        this.#options.backend === 'auto' && count <= ROWS && network.work * ROWS <= QUICK;
      backend = isQuick ? openJavaScript(network) : this.#backend;
      try {
        await backend.decode(codes, count, isRaw, sink);
        return images;
      } catch (error) {
        signal?.throwIfAborted();
        if (this.#isDestroyed) continue;
        if (backend.name === 'javascript') throw error;
        await this.#replace(backend, attempt > 0, error);
      }
    }
  }

  /** A new device in place of one that failed; after a second failure JavaScript. */
  async #replace(failed: Backend, isSecond: boolean, cause: unknown): Promise<void> {
    // Calls that overlap fail together.
    if (this.#backend !== failed) return;
    failed.destroy();
    if (isSecond && this.#options.backend === 'webgpu') {
      throw new LatentGpuError('device-lost', `the GPU failed twice: ${message(cause)}`, { cause });
    }
    this.#replacing ??= (async () => {
      if (isSecond) warn(cause);
      const next = isSecond
        ? openJavaScript(this.#network)
        : await open(this.#network, this.#options);
      if (this.#isDestroyed) next.destroy();
      this.#backend = next;
    })().finally(() => {
      this.#replacing = undefined;
    });
    await this.#replacing;
  }
}
