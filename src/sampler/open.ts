// Which backend computes a model, and what happens when the GPU fails.
import { LatentGpuError } from '../errors.ts';

export interface OpenOptions {
  /** `auto`: WebGPU, and JavaScript where it is missing or fails. */
  readonly backend?: 'auto' | 'webgpu' | 'javascript';
  /** Where WebGPU is; default `navigator.gpu`. Node.js: `create([])` of the package `webgpu`. */
  readonly gpu?: GPU;
}

/** What computes. */
export interface Computer {
  readonly name: 'webgpu' | 'javascript';
  /** The adapter's name. */
  readonly adapter: string;
  destroy(): void;
}

export const bad = (why: string) => new LatentGpuError('bad-input', why);

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

function warn(error: unknown): void {
  console.warn(`latentgpu: going on in JavaScript, because WebGPU failed: ${message(error)}`);
}

/** How a model is computed in either way. */
export interface Ways<B extends Computer> {
  javascript(): B;
  /** @throws LatentGpuError `no-adapter`, `limit-exceeded`, `validation` */
  webgpu(gpu: GPU | undefined): Promise<B>;
}

/** A backend, or the next one when it fails: a new device in its place, after a second failure JavaScript. */
export class Held<B extends Computer> {
  readonly #ways: Ways<B>;
  readonly #options: OpenOptions;
  #backend: B;
  #replacing: Promise<void> | undefined;
  #isDestroyed = false;

  private constructor(ways: Ways<B>, options: OpenOptions, backend: B) {
    this.#ways = ways;
    this.#options = options;
    this.#backend = backend;
  }

  /** @throws LatentGpuError of `ways.webgpu` if `backend` asks for that alone */
  static async open<B extends Computer>(ways: Ways<B>, options: OpenOptions): Promise<Held<B>> {
    return new Held(ways, options, await opened(ways, options));
  }

  get backend(): B {
    return this.#backend;
  }

  /**
   * Does some work on the backend, from its beginning on another one if that fails.
   *
   * @param isQuick JavaScript has done it before the GPU would have answered
   * @throws LatentGpuError `bad-input`, `device-lost`; what `signal` was aborted with
   */
  async run<T>(
    work: (backend: B) => Promise<T>,
    signal: AbortSignal | undefined,
    isQuick = false,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      if (this.#isDestroyed) throw bad('the sampler was destroyed');
      const isHere = isQuick && (this.#options.backend ?? 'auto') === 'auto';
      const backend = isHere ? this.#ways.javascript() : this.#backend;
      try {
        return await work(backend);
      } catch (error) {
        signal?.throwIfAborted();
        if (this.#isDestroyed) continue;
        if (backend.name === 'javascript') throw error;
        await this.#replace(backend, attempt > 0, error);
      }
    }
  }

  /** Frees the GPU's memory. */
  destroy(): void {
    this.#isDestroyed = true;
    this.#backend.destroy();
  }

  async #replace(failed: B, isSecond: boolean, cause: unknown): Promise<void> {
    // Calls that overlap fail together.
    if (this.#backend !== failed) return;
    failed.destroy();
    if (isSecond && this.#options.backend === 'webgpu') {
      throw new LatentGpuError('device-lost', `the GPU failed twice: ${message(cause)}`, { cause });
    }
    this.#replacing ??= (async () => {
      if (isSecond) warn(cause);
      const next = isSecond ? this.#ways.javascript() : await opened(this.#ways, this.#options);
      if (this.#isDestroyed) next.destroy();
      this.#backend = next;
    })().finally(() => {
      this.#replacing = undefined;
    });
    await this.#replacing;
  }
}

async function opened<B extends Computer>(ways: Ways<B>, options: OpenOptions): Promise<B> {
  const { backend, gpu } = options;
  if (backend === 'javascript') return ways.javascript();
  try {
    return await ways.webgpu(gpu ?? globalThis.navigator?.gpu);
  } catch (error) {
    if (backend === 'webgpu') throw error;
    // That a visitor has no WebGPU is no news.
    if (!(error instanceof LatentGpuError && error.code === 'no-adapter')) warn(error);
    return ways.javascript();
  }
}
