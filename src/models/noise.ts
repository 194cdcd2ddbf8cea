// Random numbers for work beside a training run, whose seed and step counter share the device.
import { seed, step } from '../ops/index.ts';
import type { Runtime } from '../scheduler/index.ts';

/** Does some work with a seed of its own from step 0 on; the run's seed and step are put back. */
export async function withNoise<T>(
  runtime: Runtime,
  words: readonly [number, number],
  work: () => Promise<T>,
): Promise<T> {
  const [oldSeed, oldStep] = await Promise.all([runtime.read(seed), runtime.read(step)]);
  runtime.write(seed, words);
  runtime.write(step, [0]);
  try {
    return await work();
  } finally {
    if (!runtime.device.isLost) {
      runtime.write(seed, oldSeed);
      runtime.write(step, oldStep);
    }
  }
}
