// How likely held-out rows are: the importance-weighted bound over K, and annealed importance sampling.
import {
  annealed,
  type BoundOfSamples,
  CURVE_SAMPLES,
  type LikelihoodEstimate,
  likelihoodOf,
  scoreRows,
} from '../../src/index.ts';
import type { Likelihood } from '../protocol.ts';
import type { Task } from './task.ts';

/** As many rows as go at once. */
const ROWS = 20;
const AIS = { chains: 4, temperatures: 100, leapfrog: 5 } as const;
/** What is annealed counts as so many samples of the work. */
const OF_AIS = 3000;

/**
 * @param told of what is known, now and then
 * @throws LatentGpuError `interrupted` where the signal has been given
 */
export async function measureLikelihood(
  task: Task,
  told: (likelihood: Likelihood) => void,
  signal: AbortSignal,
): Promise<void> {
  const { trainer, model, heldOut: rows } = task;
  const count = Math.min(ROWS, task.data.heldOut.count);
  const logScale = task.logScaleOf(count);
  const work = CURVE_SAMPLES.reduce((a, b) => a + b, OF_AIS);
  const curve: BoundOfSamples[] = [];
  let last: LikelihoodEstimate | undefined;
  let found: Likelihood['annealed'];
  let before = 0;
  const tell = (part: number, of: number) =>
    told({
      done: (before + part * of) / work,
      rows: count,
      curve: [...curve],
      effective: last?.effectiveSampleSize,
      annealed: found,
    });
  for (const samples of CURVE_SAMPLES) {
    tell(0, 0);
    const options = { samples, signal, onProgress: (part: number) => tell(part, samples) };
    const scores = await trainer.protect((runtime) =>
      scoreRows(runtime, model, rows, count, options),
    );
    last = likelihoodOf(scores, samples);
    curve.push({ samples, value: last.value + logScale, error: last.standardError });
    before += samples;
  }
  tell(0, 0);
  const options = { ...AIS, signal, onProgress: (part: number) => tell(part, OF_AIS) };
  const { acceptance, ...scores } = await trainer.protect((runtime) =>
    annealed(runtime, model, rows, count, options),
  );
  const { value, standardError } = likelihoodOf(scores, AIS.chains);
  const accepted = acceptance.reduce((a, b) => a + b, 0) / count;
  found = { value: value + logScale, error: standardError, acceptance: accepted };
  before = work;
  tell(0, 0);
}
