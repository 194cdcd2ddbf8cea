// Which of several variants is the fastest: measured in turns, so that whatever else the machine
// does meanwhile falls on all of them alike.
import { median, quantile } from '../quantile.ts';

export interface Runner {
  readonly variant: string;
  /** Takes a sample: milliseconds of one dispatch, repeated until the clock can tell. */
  time(): Promise<number>;
}

export interface RaceOptions {
  /** Milliseconds by any clock that goes on evenly. */
  readonly now: () => number;
  /** By that clock; a race that is not decided then is not decided. */
  readonly deadline: number;
}

export interface Verdict {
  readonly winner: string;
  /** Medians of the default and of the winner. */
  readonly defaultMs: number;
  readonly winnerMs: number;
}

/** Samples by which those far behind are found. */
const HEATS = 2;
/** Slower than the fastest by this factor: far behind. */
const BEHIND = 1.4;
const ROUNDS = 7;
/** Rounds below which quartiles say little. */
const MIN_ROUNDS = 5;
/** The default stays unless another is faster by this factor. */
const WORTHWHILE = 1.05;

/**
 * The fastest runner, or the first, the default, unless another is faster beyond noise: by five
 * percent in the median, and with its upper quartile below the default's lower one.
 *
 * @returns undefined if time ran out
 */
export async function race(
  runners: readonly Runner[],
  { now, deadline }: RaceOptions,
): Promise<Verdict | undefined> {
  const samples = new Map<Runner, number[]>(runners.map((runner) => [runner, []]));
  /** @returns whether there was time for it */
  const round = async (of: readonly Runner[], turn: number): Promise<boolean> => {
    for (let i = 0; i < of.length; i++) {
      if (now() > deadline) return false;
      const runner = of[(i + turn) % of.length] as Runner;
      samples.get(runner)?.push(await runner.time());
    }
    return true;
  };
  for (let heat = 0; heat < HEATS; heat++) if (!(await round(runners, heat))) return undefined;
  const best = (runner: Runner) => Math.min(...(samples.get(runner) as number[]));
  const fastest = Math.min(...runners.map(best));
  const left = runners.filter((runner, i) => i === 0 || best(runner) <= BEHIND * fastest);
  // The heats decide who stays, and no more: a lucky sample would count twice.
  for (const runner of left) samples.set(runner, []);
  let rounds = 0;
  if (left.length > 1) while (rounds < ROUNDS && (await round(left, rounds))) rounds++;
  else if (await round(left, 0)) rounds = MIN_ROUNDS;
  return rounds < MIN_ROUNDS ? undefined : verdict(left, samples);
}

function verdict(
  left: readonly Runner[],
  samples: ReadonlyMap<Runner, readonly number[]>,
): Verdict {
  const of = (runner: Runner) => samples.get(runner) as readonly number[];
  const first = left[0] as Runner;
  const ms = (runner: Runner) => median(of(runner));
  const winner = left.reduce((a, b) => (ms(b) < ms(a) ? b : a));
  const isFaster =
    ms(winner) * WORTHWHILE < ms(first) && quantile(of(winner), 0.75) < quantile(of(first), 0.25);
  const chosen = isFaster ? winner : first;
  return { winner: chosen.variant, defaultMs: ms(first), winnerMs: ms(chosen) };
}
