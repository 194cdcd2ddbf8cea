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

const message = (error: unknown) => (error as Error)?.message ?? error;

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
export interface Held<B extends Computer> {
  readonly backend: B;
  /**
   * Does some work on the backend, from its beginning on another one if that fails.
   *
   * @param isQuick JavaScript has done it before the GPU would have answered
   * @throws LatentGpuError `bad-input`, `device-lost`; what `signal` was aborted with
   */
  run<T>(
    work: (backend: B) => Promise<T>,
    signal: AbortSignal | undefined,
    isQuick?: boolean,
  ): Promise<T>;
  /** Frees the GPU's memory. */
  destroy(): void;
}

/** @throws LatentGpuError of `ways.webgpu` if `backend` asks for that alone */
export async function hold<B extends Computer>(
  ways: Ways<B>,
  options: OpenOptions,
): Promise<Held<B>> {
  let current = await opened(ways, options);
  let replacing: Promise<void> | undefined;
  let isDestroyed = false;

  async function replace(failed: B, isSecond: boolean, cause: unknown): Promise<void> {
    // Calls that overlap fail together.
    if (current !== failed) return;
    failed.destroy();
    if (isSecond && options.backend === 'webgpu') {
      throw new LatentGpuError('device-lost', `the GPU failed twice: ${message(cause)}`, { cause });
    }
    replacing ??= (async () => {
      if (isSecond) warn(cause);
      const next = isSecond ? ways.javascript() : await opened(ways, options);
      if (isDestroyed) next.destroy();
      current = next;
    })().finally(() => {
      replacing = undefined;
    });
    await replacing;
  }

  return {
    get backend() {
      return current;
    },
    async run(work, signal, isQuick) {
      for (let attempt = 0; ; attempt++) {
        signal?.throwIfAborted();
        if (isDestroyed) throw bad('the sampler was destroyed');
        const isHere = isQuick && options.backend === 'auto';
        const backend = isHere ? ways.javascript() : current;
        try {
          return await work(backend);
        } catch (error) {
          signal?.throwIfAborted();
          if (isDestroyed) continue;
          if (backend.name === 'javascript') throw error;
          await replace(backend, attempt > 0, error);
        }
      }
    },
    destroy() {
      isDestroyed = true;
      current.destroy();
    },
  };
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
