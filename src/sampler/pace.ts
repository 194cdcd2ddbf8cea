// Long work that leaves the page its turns, and the memory for what it makes.
import { LatentGpuError } from '../errors.ts';

/** The page gets its turn after so many milliseconds. */
const SLICE = 20;

export type Pace = ReturnType<typeof pacer>;

/** Keeps long work from holding up the page. */
export function pacer(signal: AbortSignal | undefined) {
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

/** @throws LatentGpuError `out-of-memory` */
export function allocate(count: number, width: number): Float32Array {
  try {
    return new Float32Array(count * width);
  } catch {
    throw new LatentGpuError(
      'out-of-memory',
      `there is no memory for ${count} rows of ${width} numbers; ask for fewer at a time`,
    );
  }
}
