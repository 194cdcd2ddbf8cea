// Ctrl-C: the first one asks the work to stop and save, the second one stops the process.
import { LatentGpuError } from '../../errors.ts';
import { EXIT } from './failure.ts';

/**
 * Listens for Ctrl-C, and for a polite request to end, from when somebody first asks for the signal:
 * work that does not look at it is stopped as any process is.
 */
export class Interrupt {
  private readonly controller = new AbortController();
  private readonly onFirst: () => void;
  private listening = false;

  /** @param onFirst told once, right when it happens */
  constructor(onFirst: () => void) {
    this.onFirst = onFirst;
  }

  get signal(): AbortSignal {
    if (!this.listening) {
      this.listening = true;
      process.on('SIGINT', this.stop);
      process.on('SIGTERM', this.stop);
    }
    return this.controller.signal;
  }

  private readonly stop = (): void => {
    if (this.controller.signal.aborted) process.exit(EXIT.interrupted);
    this.controller.abort();
    this.onFirst();
  };

  /** Stops listening. */
  release(): void {
    process.off('SIGINT', this.stop);
    process.off('SIGTERM', this.stop);
  }
}

/** @throws LatentGpuError `interrupted` if the signal has been given */
export function checkInterrupt(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw new LatentGpuError('interrupted', `${what} was stopped`);
}
