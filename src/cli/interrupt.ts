// Ctrl-C: the first one asks the work to stop and save, the second one stops the process.
import { LatentGpuError } from '../errors.ts';
import { EXIT } from './failure.ts';

/**
 * Listens for Ctrl-C (and a polite request to end) while `work` runs.
 *
 * @param onFirst told once, right when it happens
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  onFirst: () => void,
): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    onFirst();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** @throws LatentGpuError `interrupted` if the signal has been given */
export function checkInterrupt(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw new LatentGpuError('interrupted', `${what} was stopped`);
}
