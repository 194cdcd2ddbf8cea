/** What goes wrong on the GPU, which tells it after the call that caused it: collected, then thrown. */
import { patiently } from '#host';
import { LatentGpuError } from '../errors.ts';
import type { Loss } from './loss.ts';

const ALL = ['internal', 'out-of-memory', 'validation'] as const;

/** What wgpu says of a device that is lost, and of what belongs to it. */
const HERALDS = /\bis (?:invalid|lost)\b|\bdestroyed\b/;

function typedError(error: GPUError, what: string): LatentGpuError {
  const kind = error.constructor.name;
  if (kind === 'GPUOutOfMemoryError') {
    return new LatentGpuError(
      'out-of-memory',
      `${what}: the GPU is out of memory${error.message ? ` (${error.message.trim()})` : ''}. ` +
        'Use a smaller batch or model, or destroy what is no longer needed.',
      { cause: error },
    );
  }
  return new LatentGpuError('validation', `${what}: ${error.message.trim()}`, { cause: error });
}

/**
 * The error scopes of a device. One of each kind always stands open and catches whatever no other
 * does. The event `uncapturederror` would not do: Chrome sends it some time after the work in question
 * is reported as done.
 */
export class ErrorScopes {
  readonly #gpu: GPUDevice;
  readonly #loss: Loss;
  readonly #errors: LatentGpuError[] = [];
  /** Scopes that are closed and have not reported yet. */
  readonly #pending = new Set<Promise<void>>();

  constructor(gpu: GPUDevice, loss: Loss) {
    this.#gpu = gpu;
    this.#loss = loss;
    this.#open(ALL);
  }

  /**
   * Calls `f`; what its calls cause, up to its first `await`, is an error of `what`. (Held across an
   * await the scopes would swallow the errors of others.)
   */
  around<T>(what: string, f: () => T, filters: readonly GPUErrorFilter[] = ALL): T {
    this.#open(filters);
    try {
      return f();
    } finally {
      this.#close(what, filters);
    }
  }

  /** Resolves when every error of the calls made before this one has been collected. */
  async collect(what = 'a GPU command'): Promise<void> {
    this.#close(what, ALL);
    this.#open(ALL);
    await patiently(Promise.all(this.#pending));
  }

  /** Whether an error waits for {@link check}. */
  get hasErrors(): boolean {
    return this.#errors.length > 0;
  }

  /**
   * Throws the first collected error, which usually caused the others, and forgets them all.
   *
   * @throws LatentGpuError that error; `device-lost`, which explains the others
   */
  async check(): Promise<void> {
    const [first, ...others] = this.#errors.splice(0);
    // On wgpu a loss shows first as errors of validation: what belongs to a lost device is invalid.
    if (first) await this.#loss.settle(HERALDS.test(first.message));
    this.#loss.assertAlive();
    if (!first) return;
    if (others.length > 0) first.message += ` (and ${others.length} more)`;
    throw first;
  }

  #open(filters: readonly GPUErrorFilter[]): void {
    for (const filter of filters) this.#gpu.pushErrorScope(filter);
  }

  /** Closes the innermost scopes; what they caught are errors of `what`. */
  #close(what: string, filters: readonly GPUErrorFilter[]): void {
    for (const _ of filters) {
      const scope = this.#gpu.popErrorScope().then(
        (error) => {
          if (error) this.#errors.push(typedError(error, what));
        },
        // Rejected only when the device is lost, which is reported by itself.
        () => {},
      );
      this.#pending.add(scope);
      void scope.then(() => this.#pending.delete(scope));
    }
  }
}
