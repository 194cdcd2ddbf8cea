// The likelihood is measured beside the training, which waits; whatever makes another model stops that.
import { isLatentGpuError } from '../../src/index.ts';
import type { Likelihood, Request } from '../protocol.ts';
import { measureLikelihood } from './likelihood.ts';
import type { Task } from './task.ts';

/** Requests that want the model at once. */
const IMPATIENT: readonly Request['type'][] = ['reset', 'files', 'train', 'lose'];

export class Measuring {
  private wanted: AbortController | undefined;

  get isWanted(): boolean {
    return this.wanted !== undefined;
  }

  /** Told of every request as it comes in, and not when its turn comes. */
  heard(request: Request): void {
    if (request.type === 'measure' && request.on) this.wanted ??= new AbortController();
    else if (request.type === 'measure' || IMPATIENT.includes(request.type)) this.stop();
  }

  stop(): void {
    this.wanted?.abort();
    this.wanted = undefined;
  }

  async run(task: Task, told: (likelihood: Likelihood) => void): Promise<void> {
    const { wanted } = this;
    if (!wanted) return;
    try {
      await measureLikelihood(task, told, wanted.signal);
    } catch (error) {
      if (!isLatentGpuError(error, 'interrupted')) throw error;
    } finally {
      if (this.wanted === wanted) this.wanted = undefined;
    }
  }
}
