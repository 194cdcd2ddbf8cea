// Rounds over all subjects, one sample each, instead of one subject after another: what else the
// machine does meanwhile then falls on all of them alike, and their ratios hold.
import type { Timing } from '../device/stopwatch.ts';

export interface Subject {
  /** Takes one sample. */
  sample(): Promise<Timing>;
}

export interface RoundOptions {
  /** Time to spend; the round under way is finished. */
  seconds: number;
  /** Rounds to take however long they last. */
  minRounds?: number;
  /**
   * After the rounds: which subjects are to be sampled on, by their indices, until none is or half as
   * much time again has gone.
   */
  unsettled?: (samples: readonly (readonly Timing[])[]) => readonly number[];
  /** Called after each sample with the share of the work that is done, 0 to 1. */
  onProgress?: (done: number) => void;
  /** Called after each round with all samples so far. */
  onRound?: (samples: readonly (readonly Timing[])[]) => void;
  signal?: AbortSignal;
}

/** Rounds below which quartiles say little. */
export const MIN_ROUNDS = 5;

/** @returns every subject's samples, in the order of the subjects */
export async function measureInRounds(
  subjects: readonly Subject[],
  {
    seconds,
    minRounds = MIN_ROUNDS,
    unsettled = () => [],
    onProgress,
    onRound,
    signal,
  }: RoundOptions,
): Promise<Timing[][]> {
  const samples: Timing[][] = subjects.map(() => []);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / (1000 * seconds);
  for (let round = 0; round < minRounds || elapsed() < 1; round++) {
    for (const [i, subject] of subjects.entries()) {
      signal?.throwIfAborted();
      (samples[i] as Timing[]).push(await subject.sample());
      const byRounds = (round + (i + 1) / subjects.length) / minRounds;
      onProgress?.(Math.min(1, elapsed(), byRounds));
    }
    onRound?.(samples);
    if (subjects.length === 0) break;
  }
  for (const end = performance.now() + 500 * seconds; performance.now() < end; ) {
    const wanted = unsettled(samples);
    if (wanted.length === 0) break;
    for (const i of wanted) {
      signal?.throwIfAborted();
      (samples[i] as Timing[]).push(await (subjects[i] as Subject).sample());
    }
  }
  return samples;
}
