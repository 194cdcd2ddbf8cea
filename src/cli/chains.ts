// Markov chains on the command line: `encode --posterior hmc`, `score --by ais`.
import type { Command } from 'commander';
import { LatentGpuError } from '../errors.ts';
import {
  annealed,
  inUnitsOf,
  likelihoodOf,
  type Model,
  need,
  type PosteriorDraws,
  samplePosterior,
} from '../models/index.ts';
import { quantile } from '../quantile.ts';
import type { Runtime } from '../scheduler/index.ts';
import { type Context, countOption } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { thousands } from './common/text.ts';
import { loadSubject, type SubjectOptions } from './data/subject.ts';
import { LISTED, type MeasureOptions, measure, type Scores, type Shard } from './measure.ts';

/** What chains are told. */
export interface ChainFlags {
  readonly chains?: number;
  readonly leapfrog?: number;
  readonly warmUp?: number;
  readonly draws?: number;
  readonly trace?: boolean;
  readonly temperatures?: number;
}

const POSTERIOR = { chains: 4, warmUp: 200, draws: 250, leapfrog: 8 } as const;
const ANNEALED = { chains: 16, temperatures: 200, leapfrog: 5 } as const;
/** R-hat above which chains have not met. */
const APART = 1.05;

export function chainOptions(command: Command): Command {
  return command
    .addOption(
      countOption('--chains <n>', `with hmc: chains of a row, default ${POSTERIOR.chains}`),
    )
    .addOption(
      countOption(
        '--warm-up <n>',
        `with hmc: draws before those that count, default ${POSTERIOR.warmUp}`,
      ),
    )
    .addOption(
      countOption('--draws <n>', `with hmc: draws of a chain, default ${POSTERIOR.draws}`, 4),
    )
    .addOption(
      countOption('--leapfrog <n>', `with hmc: steps of a draw, default ${POSTERIOR.leapfrog}`),
    )
    .option('--trace', 'with hmc: all draws, [n, chains, draws, latent]');
}

export function annealOptions(command: Command): Command {
  return command
    .addOption(countOption('--chains <n>', `with ais: chains of a row, default ${ANNEALED.chains}`))
    .addOption(
      countOption(
        '--temperatures <n>',
        `with ais: from prior to posterior, default ${ANNEALED.temperatures}`,
      ),
    )
    .addOption(
      countOption('--leapfrog <n>', `with ais: steps at each, default ${ANNEALED.leapfrog}`),
    );
}

/** @throws LatentGpuError `bad-config` for what chains are told where there are none */
export function refuseChains(asked: string, options: ChainFlags): void {
  const flags = ['chains', 'warmUp', 'draws', 'leapfrog', 'trace', 'temperatures'] as const;
  const given = flags.find((flag) => options[flag] !== undefined);
  if (!given) return;
  const flag = given === 'warmUp' ? 'warm-up' : given;
  throw new LatentGpuError('bad-config', `--${flag} is for chains, which ${asked} asks for`);
}

export interface PosteriorOptions extends SubjectOptions, ChainFlags {
  readonly out: string;
  readonly draw?: boolean;
  readonly std?: boolean;
}

/** Draws p(z | x), and writes what was asked for of the draws. */
export async function drawPosterior(
  dir: string,
  options: PosteriorOptions,
  context: Context,
): Promise<void> {
  const began = performance.now();
  const { out } = context;
  const file = await outputFile(options.out, ['npy']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  need(model, 'joint', dir);
  const { size } = need(model, 'code', dir);
  const kinds = { draw: options.draw, std: options.std, trace: options.trace };
  const asked = Object.entries(kinds).flatMap(([name, is]) => (is ? [name] : []));
  if (asked.length > 1) {
    throw new LatentGpuError(
      'bad-config',
      `--${asked.join(' and --')} exclude each other; leave one out`,
    );
  }
  const { chains, warmUp, draws, leapfrog } = { ...POSTERIOR, ...given(options) };
  const how = { chains, warmUp, draws, leapfrog };
  // Chains need no posterior that was fitted: rows that a model has none for have one all the same.
  const subject = await loadSubject(dir, loaded, { ...options, refine: 1 }, context, 'densities');
  const { count } = subject.dataset;
  const { trace = false } = options;
  const shape = trace ? [count, chains, draws, size] : [count, size];
  checkRoom(file, `${count} rows`, count, trace ? chains * draws * size : size);
  await measure(
    { label: 'drawing codes', loaded, subject, began },
    context,
    async (runtime, work) => {
      const { logScale: _, ...rest } = work;
      const found = await samplePosterior(runtime, model, subject.rows, count, {
        ...rest,
        ...how,
        keeps: trace,
      });
      const { mean, std, last, draws: all } = found;
      await writeArray(file, all ?? (options.draw ? last : options.std ? std : mean), shape);
      const values = trace || options.draw ? 'draws' : options.std ? 'deviations' : 'means';
      const { figures, lines, warning, rows } = toldOf(found, how, size);
      if (warning !== undefined) out.remark(warning);
      return {
        figures: {
          file: file.path,
          count,
          latent: size,
          values,
          posterior: 'hmc',
          ...how,
          ...figures,
        },
        lines: out.quiet
          ? []
          : [...lines, ['file', `${file.path}: ${values} [${shape.join(', ')}]`]],
        ...(count <= LISTED && { details: { rows } }),
      };
    },
  );
}

/** Chains as told, where they were told anything. */
const given = (options: ChainFlags): ChainFlags =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** Acceptance, R-hat and effective draws, in words and numbers. */
function toldOf(
  { acceptance, rHat, effectiveSampleSize }: PosteriorDraws,
  { chains, draws, warmUp }: { chains: number; draws: number; warmUp: number },
  size: number,
) {
  const count = acceptance.length;
  /** The worst number of each row's code. */
  const worst = (of: Float64Array, pick: (...values: number[]) => number) =>
    Array.from({ length: count }, (_, row) => pick(...of.subarray(row * size, (row + 1) * size)));
  const ofRows = { rHat: worst(rHat, Math.max), effective: worst(effectiveSampleSize, Math.min) };
  const accepted = acceptance.reduce((a, b) => a + b, 0) / count;
  const largest = Math.max(...ofRows.rHat);
  const least = Math.min(...ofRows.effective);
  const median = quantile([...effectiveSampleSize], 0.5);
  const apart = ofRows.rHat.filter((value) => !(value <= APART)).length;
  const total = thousands(chains * draws);
  return {
    figures: {
      acceptance: accepted,
      rHat: { largest, median: quantile([...rHat], 0.5), apart },
      effectiveSampleSize: { least, median },
    },
    rows: { acceptance: [...acceptance], rHat: ofRows.rHat, effectiveSampleSize: ofRows.effective },
    warning:
      apart === 0
        ? undefined
        : `the chains of ${thousands(apart)} of ${thousands(count)} rows have not met: R-hat is above ${APART}, ${largest.toFixed(2)} at most (row ${ofRows.rHat.indexOf(largest)}); raise --warm-up, --draws or --leapfrog`,
    lines: [
      [
        'chains',
        `${chains} a row, ${draws} draws each after ${warmUp}, acceptance ${accepted.toFixed(3)}`,
      ],
      [
        'R-hat',
        `${largest.toFixed(3)} at most, ${quantile([...rHat], 0.5).toFixed(3)} in the median`,
      ],
      [
        'effective',
        `${median.toFixed(0)} of ${total} draws in the median, ${least.toFixed(0)} at least`,
      ],
    ],
  };
}

/** log p(x) by chains from prior to posterior. */
export async function annealedScores(
  runtime: Runtime,
  model: Model,
  { count, rows }: Shard,
  { logScale, ...work }: MeasureOptions,
  options: ChainFlags,
): Promise<Scores> {
  const { chains, temperatures, leapfrog } = { ...ANNEALED, ...given(options) };
  const how = { chains, temperatures, leapfrog };
  const found = await annealed(runtime, model, rows, count, { ...work, ...how });
  const scores = { ...found, logProb: inUnitsOf(found.logProb, logScale) };
  const { value, standardError, effectiveSampleSize } = likelihoodOf(scores, chains);
  const monteCarloError = Math.hypot(...scores.standardError) / count;
  const accepted = found.acceptance.reduce((a, b) => a + b, 0) / count;
  return {
    logProb: scores.logProb,
    figures: {
      ...{ count, by: 'ais', ...how, logProb: -value, standardError, monteCarloError },
      ...{ effectiveSampleSize, acceptance: accepted },
    },
    lines: [
      ['log p(x)', `${(-value).toFixed(3)} ± ${standardError.toFixed(2)} nats`],
      [
        'annealing',
        `${temperatures} temperatures, ${chains} chains a row, effective ${effectiveSampleSize.toFixed(1)}, ` +
          `acceptance ${accepted.toFixed(3)}; error of the mean ${monteCarloError.toFixed(3)} nats`,
      ],
    ],
    rows: {
      standardError: [...scores.standardError],
      effectiveSampleSize: [...scores.effectiveSampleSize],
      acceptance: [...found.acceptance],
    },
  };
}
