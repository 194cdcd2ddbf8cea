// Ctrl-C: the first one asks the work to stop and save, the second one stops the process.
import { LatentGpuError } from '../../errors.ts';
import { EXIT } from './failure.ts';

/** Ctrl-C, a polite request to end, a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Listens for these from when somebody first asks for the signal: work that does not look at it is stopped
 * as any process is.
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
      for (const name of SIGNALS) process.on(name, this.stop);
    }
    return this.controller.signal;
  }

  private readonly stop = (name: NodeJS.Signals): void => {
    if (this.controller.signal.aborted) {
      // A terminal that is closed says so twice: by its shell, and by the system when that has ended.
      if (name === 'SIGHUP') return;
      process.exit(EXIT.interrupted);
    }
    this.controller.abort();
    this.onFirst();
  };

  /** Stops listening. */
  release(): void {
    for (const name of SIGNALS) process.off(name, this.stop);
  }
}

/** @throws LatentGpuError `interrupted` if the signal has been given */
export function checkInterrupt(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw new LatentGpuError('interrupted', `${what} was stopped`);
}
