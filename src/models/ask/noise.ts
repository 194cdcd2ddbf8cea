// Work beside a training run, with which it shares the device: one piece at a time, and with random
// numbers of its own.
import { variable } from '../../graph/variable.ts';
import { seed as currentSeed, step } from '../../ops/index.ts';
import { seedWords } from '../../random.ts';
import type { Runtime } from '../../scheduler/index.ts';

const queues = new WeakMap<Runtime, Promise<unknown>>();

/** Does some work on a runtime's plans and variables after all that was asked for before. */
export function exclusively<T>(runtime: Runtime, work: () => Promise<T>): Promise<T> {
  const before = queues.get(runtime);
  const mine = before ? before.then(work, work) : work();
  queues.set(runtime, mine);
  const done = () => {
    if (queues.get(runtime) === mine) queues.delete(runtime);
  };
  mine.then(done, done);
  return mine;
}

/** Where a runtime keeps its seed and step meanwhile. */
const kept = variable('kept seed and step', [4], { dtype: 'u32' });

/** Copies the run's seed and step aside, or back, without waiting for them. */
function copyState(runtime: Runtime, direction: 'aside' | 'back'): void {
  const { device } = runtime;
  const aside = runtime.storageOf(kept).buffer;
  const encoder = device.gpu.createCommandEncoder({ label: `seed and step ${direction}` });
  for (const [own, at] of [
    [currentSeed, 0],
    [step, 8],
  ] as const) {
    const { buffer } = runtime.storageOf(own);
    const bytes = 4 * own.size;
    if (direction === 'aside') encoder.copyBufferToBuffer(buffer, 0, aside, at, bytes);
    else encoder.copyBufferToBuffer(aside, at, buffer, 0, bytes);
  }
  device.submit([encoder.finish()]);
}

/** Does some work with a seed of its own from step 0 on; the run's seed and step are put back. */
export function withNoise<T>(
  runtime: Runtime,
  words: readonly [number, number],
  work: () => Promise<T>,
): Promise<T> {
  return exclusively(runtime, async () => {
    copyState(runtime, 'aside');
    runtime.write(currentSeed, words);
    runtime.write(step, [0]);
    try {
      return await work();
    } finally {
      if (!runtime.device.isLost) copyState(runtime, 'back');
    }
  });
}

/**
 * The same with noise that is a question's own: that of one seed is shared neither with training nor with
 * other questions.
 *
 * @param question a word that tells questions apart
 */
export function withOwnNoise<T>(
  runtime: Runtime,
  seed: number,
  question: number,
  work: () => Promise<T>,
): Promise<T> {
  const [low, high] = seedWords(seed);
  return withNoise(runtime, [low, (high ^ question) >>> 0], work);
}
