// Rounds over all engines, a sample each, so that whatever else the machine does falls on all alike.
import { ratioOfMedians, summarize } from '../../../src/bench/statistics.ts';
import type { Measured } from '../page/page.ts';
import { fromText } from '../page/wire.ts';
import type { ReferenceResults } from '../reference/models.ts';
import type { Work } from '../rows.ts';
import { checkResults, checkTimed } from './check.ts';
import type { EnginePage } from './chrome.ts';
import type { Cell, PerStep } from './report.ts';
import { SELF } from './report.ts';

/** A sample lasts at least this long: shorter work is repeated, not guessed. */
const SAMPLE_MS = 60;
const MOST_REPETITIONS = 2000;
const MOST_SAMPLES = 40;
/** Taken however long they last; of work that takes seconds fewer. */
const FEWEST_SAMPLES = 5;
const FEWEST_LONG = 3;
const LONG_MS = 2000;

/** An engine that takes part. */
export interface Runner {
  readonly label: string;
  readonly page: EnginePage;
}

interface Contest extends Runner {
  readonly ofTolerance: number;
  readonly repetitions: number;
  readonly samples: number[];
  readonly measured: Measured[];
  /** Steps done so far, warm-up included. */
  steps: number;
  /** Milliseconds spent on samples. */
  spent: number;
  failure?: string;
}

const said = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] as string;

/** Checks an engine's result, warms it up, and finds how often a sample repeats the work. */
async function enter(
  { label, page }: Runner,
  { kind, args, tolerance }: Work,
  reference: ReferenceResults,
): Promise<Contest | Cell> {
  const cell = (state: Cell['state'], reason: string): Cell => ({
    label,
    state,
    reason,
    samples: [],
  });
  try {
    const prepared = await page.call('prepare', kind, args);
    if ('absent' in prepared) return cell('absent', prepared.absent as string);
    const results = new Map(prepared.results.map(([name, text]) => [name, fromText(text)]));
    const verdict = checkResults(results, reference, tolerance);
    if (verdict.wrong) {
      return { ...cell('wrong', verdict.wrong), ofTolerance: verdict.ofTolerance };
    }
    let repetitions = 1;
    let steps = 0;
    // The first times are cold, and those of few repetitions hold the wait for the last result.
    for (let i = 0; i < 8; i++) {
      const { ms } = await page.call('measure', repetitions);
      steps += repetitions;
      if (ms * repetitions > 20 * SAMPLE_MS) break;
      if (i > 0 && ms * repetitions > SAMPLE_MS / 2) break;
      repetitions = Math.min(MOST_REPETITIONS, Math.max(1, Math.ceil(SAMPLE_MS / ms)));
    }
    const { ofTolerance } = verdict;
    return { label, page, ofTolerance, repetitions, samples: [], measured: [], steps, spent: 0 };
  } catch (error) {
    return cell('failed', said(error));
  }
}

async function sample(contest: Contest): Promise<void> {
  const { page, repetitions } = contest;
  try {
    const measured = await page.call('measure', repetitions);
    contest.samples.push(measured.ms);
    contest.measured.push(measured);
    contest.spent += measured.ms * repetitions;
    contest.steps += repetitions;
  } catch (error) {
    contest.failure = said(error);
  }
}

function perStep({ measured, repetitions }: Contest): PerStep {
  const total = (key: keyof PerStep) =>
    measured.reduce((sum, { counts }) => sum + counts[key], 0) / (measured.length * repetitions);
  return {
    dispatches: total('dispatches'),
    submissions: total('submissions'),
    buffers: total('buffers'),
    pipelines: total('pipelines'),
    writes: total('writes'),
  };
}

function cellOf(contest: Contest, work: Work, reference: ReferenceResults): Cell {
  const { label, samples, repetitions, ofTolerance, failure, measured, steps } = contest;
  if (failure) return { label, state: 'failed', reason: failure, samples };
  const last = measured.at(-1)?.last ?? [];
  const wrong = checkTimed(work, last, reference, steps);
  if (wrong) return { label, state: 'wrong', reason: wrong, samples };
  return {
    label,
    state: 'measured',
    samples,
    summary: summarize(samples),
    repetitions,
    ofTolerance,
    ...(label.endsWith('wasm') ? {} : { perStep: perStep(contest) }),
  };
}

/** Adds each engine's ratio to this library. */
export function withRatios(cells: readonly Cell[]): Cell[] {
  const own = cells.find(({ label, state }) => label === SELF && state === 'measured');
  if (!own) return [...cells];
  return cells.map((cell) =>
    cell === own || cell.state !== 'measured'
      ? cell
      : { ...cell, ratio: ratioOfMedians(cell.samples, own.samples).ratio },
  );
}

/** Engines take turns until each has had its time. */
async function turns(
  runners: readonly Runner[],
  work: Work,
  reference: ReferenceResults,
  seconds: number,
): Promise<Cell[]> {
  const entered: (Contest | Cell)[] = [];
  for (const runner of runners) entered.push(await enter(runner, work, reference));
  const contests = entered.filter((each): each is Contest => 'page' in each);
  const isDone = ({ samples, spent, failure }: Contest) => {
    const fewest = spent > LONG_MS * FEWEST_LONG ? FEWEST_LONG : FEWEST_SAMPLES;
    const isEnough = samples.length >= fewest && spent >= 1000 * seconds;
    return failure !== undefined || samples.length >= MOST_SAMPLES || isEnough;
  };
  for (let round = 0; ; round++) {
    const left = contests.filter((contest) => !isDone(contest));
    if (left.length === 0) break;
    // Another one begins each round: nobody always follows the same neighbour's work.
    for (let i = 0; i < left.length; i++) await sample(left[(i + round) % left.length] as Contest);
  }
  for (const { page } of runners) await page.call('finish').catch(() => {});
  return entered.map((each) => ('page' in each ? cellOf(each, work, reference) : each));
}

/**
 * One row of the table. Engines on WebAssembly come after those on WebGPU: a page of theirs may work on
 * after its result has been told.
 *
 * @param seconds for the samples of each engine
 */
export async function measureRow(
  runners: readonly Runner[],
  work: Work,
  reference: ReferenceResults,
  seconds: number,
): Promise<Cell[]> {
  const isWasm = ({ label }: Runner) => label.endsWith('wasm');
  const cells: Cell[] = [];
  for (const group of [runners.filter((each) => !isWasm(each)), runners.filter(isWasm)]) {
    cells.push(...(await turns(group, work, reference, seconds)));
  }
  return withRatios(runners.map(({ label }) => cells.find((c) => c.label === label) as Cell));
}
