// Expectation maximisation (Dempster, Laird and Rubin 1977) of mixtures, several starts side by side: a pass
// adds up statistics on the GPU, the host settles them in float64, and the best mixture is the model's.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import type { Batch } from '../../../nn/index.ts';
import { add, assign, div, max, neg, sub, sum, unsqueeze, where } from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { Sweep, SweepLearner, TrainingRows } from '../../learner.ts';
import { filledRows } from '../../seen-rows.ts';
import { type Collapse, checkSpans, collapsed, collapseOf } from './collapse.ts';
import { factorShape } from './covariance.ts';
import type { Mixtures } from './density.ts';
import { type MStep, mStep } from './m-step.ts';
import type { MixtureValues } from './mixture-values.ts';
import { type StartOptions, sampleOf, startOf } from './start.ts';
import { statisticsOf } from './statistics.ts';
import { stepwiseEffects } from './stepwise.ts';

export interface EmOptions extends StartOptions {
  /** After how much of the data parameters change: a pass, or a batch. Of `gradient`, the start alone is taken. */
  readonly fit: 'em' | 'stepwise' | 'gradient';
  /** Of stepwise EM: statistics of a batch count (step + 2)^-power. */
  readonly power: number;
  readonly starts: number;
  /** Nats a row that several passes must bring together, or they are the last. */
  readonly tolerance: number;
}

/** Passes without progress before a start is done: float32 makes a mean flicker. */
const QUIET = 10;
/** How often a mixture's components may be given other rows, for each of them. */
const REVIVALS = 2;
/** Below any mean log-density. */
const LOWEST = -3e38;

/** Where the mixture that is kept lies. */
export interface Kept {
  readonly logWeights: Variable;
  readonly mean: Variable;
  readonly factor: Variable;
}

const held = (name: string, shape: readonly number[], fill = 0): Variable =>
  variable(name, [...shape], {
    init: ([...extents]) => new Float32Array(extents.reduce((a, b) => a * b, 1)).fill(fill),
  });

export class Em {
  private readonly options: EmOptions;
  private readonly kept: Kept;
  private readonly mixtures: Record<keyof Mixtures, Variable>;
  private readonly statistics: Record<'weight' | 'first' | 'second' | 'excess' | 'rows', Variable>;
  /** Of each start: mean log-density, how far the best one lies above it, passes since that rose, … */
  private readonly progress: Record<'reference' | 'above' | 'quiet' | 'lost' | 'revived', Variable>;
  private readonly deviation: Variable;
  private readonly converged = held('converged', []);

  /** @param kept what becomes of the best start after each pass */
  constructor(options: EmOptions, kept: Kept) {
    const { kind, starts, components, features } = options;
    const factors = factorShape(kind, starts, components, features);
    this.options = options;
    this.kept = kept;
    this.mixtures = {
      logWeights: held('logWeights', [starts, components]),
      mean: held('mean', [starts, components, features]),
      factor: held('factor', factors),
    };
    this.statistics = {
      weight: held('weight', [starts, components]),
      first: held('first', [starts, components, features]),
      second: held('second', factors),
      excess: held('excess', [starts]),
      rows: held('rows', []),
    };
    this.progress = {
      reference: held('reference', [starts]),
      above: held('above', [starts], LOWEST),
      quiet: held('quiet', [starts]),
      lost: held('lost', [starts]),
      revived: held('revived', [starts]),
    };
    this.deviation = held('deviation', [features]);
  }

  get learner(): SweepLearner {
    return { initial: (data, seed) => this.initial(data, seed), sweep: this.sweep };
  }

  private initial(data: TrainingRows, seed: number): Map<Variable, Float32Array> {
    const { options, mixtures } = this;
    const sample = sampleOf(filledRows(data, options.features), options, seed);
    if (options.fit !== 'em') checkSpans(sample, options);
    const found = Array.from({ length: options.starts }, (_, s) =>
      startOf(sample, options, seed, s),
    );
    const values = new Map<Variable, Float32Array>([
      [this.deviation, Float32Array.from(sample.deviation)],
    ]);
    for (const name of ['logWeights', 'mean', 'factor'] as const) {
      const all = new Float32Array(mixtures[name].size);
      found.forEach((mixture, s) => {
        all.set(mixture[name], s * mixture[name].length);
      });
      values.set(mixtures[name], all);
      values.set(this.kept[name], all.slice(0, this.kept[name].size));
    }
    return values;
  }

  /** Of the model alone, for whoever learns without passes. */
  initialOfKept(data: TrainingRows, seed: number): Map<Variable, Float32Array> {
    const { logWeights, mean, factor } = this.kept;
    const own: readonly Variable[] = [logWeights, mean, factor];
    return new Map([...this.initial(data, seed)].filter(([held]) => own.includes(held)));
  }

  private get sweep(): Sweep {
    const { statistics, progress, mixtures, deviation, converged } = this;
    const { excess, rows } = statistics;
    const reached = where(progress.lost, LOWEST, add(progress.reference, div(excess, rows)));
    return {
      gather: (batch) => this.gather(batch),
      settle: (runtime) => this.settle(runtime),
      metrics: { loss: neg(max(reached)) },
      state: { ...mixtures, ...progress, deviation },
      isShuffled: this.options.fit === 'stepwise',
      converged,
    };
  }

  private gather({ x, mask }: Batch): Tensor[] {
    const { kind } = this.options;
    const { weight, first, second, excess, rows } = this.statistics;
    const { logDensity, ...sums } = statisticsOf(kind, x, this.mixtures, mask);
    // Sums about what the last pass found are small and keep their digits.
    const beyond = sub(logDensity, unsqueeze(this.progress.reference, 1));
    const found = { ...sums, rows: x.shape[0] as number };
    return [
      ...(this.options.fit === 'stepwise'
        ? stepwiseEffects(this.mixtures, found, this.options)
        : [
            assign(weight, add(weight, found.weight)),
            assign(first, add(first, found.first)),
            assign(second, add(second, found.second)),
          ]),
      assign(excess, add(excess, sum(beyond, 1))),
      assign(rows, add(rows, found.rows)),
    ];
  }

  private async settle(runtime: Runtime): Promise<void> {
    const { options, statistics, mixtures, progress } = this;
    const { starts, kind, features, regularize, tolerance, components } = options;
    const all = { ...statistics, ...mixtures, ...progress, deviation: this.deviation };
    const names = Object.keys(all) as (keyof typeof all)[];
    const read = await Promise.all(names.map((name) => runtime.read(all[name])));
    const values = Object.fromEntries(
      names.map((name, i) => [name, Float64Array.from(read[i] as Float32Array)]),
    ) as Record<keyof typeof all, Float64Array>;
    const of = (name: keyof typeof all, s: number) => {
      const each = values[name].length / starts;
      return values[name].subarray(s * each, (s + 1) * each);
    };
    const rows = values.rows[0] as number;
    const reached = new Float64Array(starts).fill(LOWEST);
    let collapse: Collapse | undefined;
    for (let s = 0; s < starts; s++) {
      if (values.lost[s]) continue;
      const mixture: MixtureValues = {
        logWeights: of('logWeights', s),
        mean: of('mean', s),
        factor: of('factor', s),
      };
      const revived = values.revived[s] as number;
      const result =
        options.fit === 'stepwise'
          ? this.asItIs(mixture, values.deviation)
          : mStep(
              mixture,
              { weight: of('weight', s), first: of('first', s), second: of('second', s) },
              {
                kind,
                features,
                regularize,
                deviation: values.deviation,
                revives: revived < REVIVALS * components,
              },
            );
      if ('collapse' in result) {
        values.lost[s] = 1;
        collapse = result.collapse;
        continue;
      }
      mixture.logWeights.set(result.mixture.logWeights);
      mixture.mean.set(result.mixture.mean);
      mixture.factor.set(result.mixture.factor);
      const beyond = (values.excess[s] as number) / rows;
      const reference = values.reference[s] as number;
      const above = values.above[s] as number;
      const mean = reference + beyond;
      const isQuiet = beyond < above + tolerance && result.revived === 0;
      values.reference[s] = Math.fround(mean);
      values.above[s] = (isQuiet ? reference + above : mean) - Math.fround(mean);
      values.quiet[s] = isQuiet ? (values.quiet[s] as number) + 1 : 0;
      values.revived[s] = revived + result.revived;
      reached[s] = mean;
    }
    const best = reached.indexOf(Math.max(...reached));
    if (values.lost[best]) throw collapsed(collapse as Collapse, options);
    const isDone = values.quiet.every((quiet, s) => values.lost[s] || quiet >= QUIET);
    for (const name of [
      ...Object.keys(mixtures),
      ...Object.keys(progress),
    ] as (keyof typeof all)[]) {
      runtime.write(all[name], Float32Array.from(values[name]));
    }
    for (const name of ['logWeights', 'mean', 'factor'] as const) {
      runtime.write(this.kept[name], Float32Array.from(of(name, best)));
    }
    for (const sum of Object.values(statistics)) runtime.write(sum, new Float32Array(sum.size));
    if (isDone) runtime.write(this.converged, [1]);
  }

  /** Stepwise, batches have changed it already. */
  private asItIs(mixture: MixtureValues, deviation: Float64Array): MStep {
    const collapse = collapseOf(mixture.factor, this.options.kind, deviation);
    return collapse ? { collapse } : { mixture, revived: 0 };
  }
}
