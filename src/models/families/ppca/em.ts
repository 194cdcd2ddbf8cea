// Probabilistic PCA by EM (Tipping and Bishop 1999, appendix B), for covariances that are too large to
// decompose, and for rows with holes, of which each has the posterior of what is seen of it. Statistics are
// of what the old W leaves, so that σ² is no difference of large numbers.
import { type Variable, variable } from '../../../graph/variable.ts';
import { type Batch, constantInit } from '../../../nn/index.ts';
import { add, assign, div, neg, sub, sum } from '../../../ops/index.ts';
import { boxMuller, Random } from '../../../random.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { STREAMS } from '../../../streams.ts';
import { meanOf } from '../../covariance-learner.ts';
import type { SweepLearner, TrainingRows } from '../../learner.ts';
import { filledRows } from '../../seen-rows.ts';
import { type Kept, writeKept } from './kept.ts';
import { mStep } from './m-step.ts';
import { posteriorOf } from './posterior.ts';
import { alongAxes } from './solve.ts';
import { ofSeen, ofWhole, type Statistics } from './statistics.ts';

interface EmOptions {
  readonly features: number;
  readonly latent: number;
  readonly tolerance: number;
}

/** Passes without progress before the run is done: float32 makes a mean flicker. */
const QUIET = 10;

export function emLearner(kept: Kept, { features, latent, tolerance }: EmOptions): SweepLearner {
  const held = (name: string, fill = 0): Variable =>
    variable(name, [], { init: constantInit(fill) });
  const [excess, rows] = [held('excess'), held('rows')];
  const progress = {
    reference: held('reference'),
    above: held('above', -3e38),
    quiet: held('quiet'),
  };
  const converged = held('converged');
  // Whether rows have holes is known from the first batch on.
  let statistics: Statistics | undefined;
  const gather = (batch: Batch) => {
    statistics ??= batch.mask ? ofSeen(features, latent, kept) : ofWhole(features, latent);
    const posterior = posteriorOf(batch, kept);
    const parts = Object.entries(statistics.of(posterior, batch.mask));
    const sums = new Map<string, Variable>(Object.entries(statistics.held));
    return [
      ...parts.map(([name, part]) => {
        const total = sums.get(name) as Variable;
        return assign(total, add(total, part));
      }),
      assign(excess, add(excess, sum(sub(posterior.logProb, progress.reference)))),
      assign(rows, add(rows, batch.x.shape[0] as number)),
    ];
  };
  const settle = async (runtime: Runtime) => {
    const { held: sums, sums: sumsOf } = statistics as Statistics;
    const added = { ...sums, excess, rows };
    const all = Object.entries({
      ...added,
      ...progress,
      weight: kept.weight,
      mean: kept.mean,
      logStd: kept.logStd,
    });
    const values = new Map(
      await Promise.all(
        all.map(
          async ([name, each]) => [name, Float64Array.from(await runtime.read(each))] as const,
        ),
      ),
    );
    const read = (name: string) => values.get(name) as Float64Array;
    const one = (name: string) => read(name)[0] as number;
    const before = {
      weight: read('weight'),
      mean: read('mean'),
      variance: Math.exp(2 * one('logStd')),
    };
    const next = mStep(before, sumsOf(read, one('rows'), before), latent);
    // Codes may be turned at will: along the axes of largest variance they are those of the exact solution.
    writeKept(runtime, kept, { ...next, weight: alongAxes(next.weight, features, latent) });
    const beyond = one('excess') / one('rows');
    const isQuiet = beyond < one('above') + tolerance;
    const mean = one('reference') + beyond;
    const quiet = isQuiet ? one('quiet') + 1 : 0;
    runtime.write(progress.reference, [mean]);
    runtime.write(progress.above, [
      (isQuiet ? one('reference') + one('above') : mean) - Math.fround(mean),
    ]);
    runtime.write(progress.quiet, [quiet]);
    for (const each of Object.values(added)) runtime.write(each, new Float32Array(each.size));
    if (quiet >= QUIET) runtime.write(converged, [1]);
  };
  return {
    initial: (data, seed) => initialOf(kept, data, seed, features, latent),
    sweep: {
      gather,
      settle,
      metrics: { loss: neg(add(progress.reference, div(excess, rows))) },
      state: progress,
      converged,
    },
  };
}

/** The mean of what is seen, half of its variance for σ², and the other half in random directions. */
export function initialOf(kept: Kept, data: TrainingRows, seed: number, d: number, m: number) {
  const { mean, variance } = meanOf(filledRows(data, d), d);
  const random = new Random(seed, STREAMS.mixtureStart, 0);
  const scale = Math.sqrt((variance / 2) * (1 / m));
  const weight = Float32Array.from({ length: d * m }, () =>
    boxMuller(() => random.uniform(), scale),
  );
  return new Map<Variable, Float32Array>([
    [kept.mean, Float32Array.from(mean)],
    [kept.weight, weight],
    [kept.logStd, Float32Array.of(0.5 * Math.log(variance / 2))],
  ]);
}
