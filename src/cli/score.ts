// latentgpu score: the log-likelihood of each row.
import { type Command, Option } from 'commander';
import { IMPORTANCE_SAMPLES } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { csvText, float32Text } from '../formats/csv-text.ts';
import {
  exactEvaluationOf,
  inUnitsOf,
  likelihoodOf,
  logDensities,
  type Model,
  need,
  plainOf,
  rowsFrom,
  scoreRows,
} from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import { annealedScores, annealOptions, type ChainFlags, refuseChains } from './chains.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { thousands } from './common/text.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';
import { LISTED, type MeasureOptions, measure, type Scores, type Shard } from './measure.ts';

const SAMPLES: number = IMPORTANCE_SAMPLES.scores;

interface ScoreOptions extends CommonOptions, SubjectOptions, ChainFlags {
  out: string;
  by: 'importance' | 'ais';
  samples?: number;
  /** To be listed, or `a-b`: to be scored. */
  rows?: true | string;
}

export function scoreCommand(program: Command): void {
  const command = program
    .command('score')
    .description('log p(x) of each row in nats: by importance sampling; of a flow: exactly.')
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.npy: float32 [n]; .csv: a line a row, with errors')
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples of a row, default ${SAMPLES}; of a flow on grey levels: draws of the dequantising noise, default 1`,
      ),
    )
    .addOption(
      new Option(
        '--by <how>',
        'ais: by annealed importance sampling, chains from prior to posterior',
      )
        .choices(['importance', 'ais'])
        .default('importance'),
    );
  annealOptions(command)
    .option(
      '--rows [a-b]',
      `a-b: these rows alone, from 0 (files of parts concatenate); alone: list each row with --json, beyond ${thousands(LISTED)}`,
    )
    .action((dir: string, options: ScoreOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(
    command,
    'latentgpu score runs/mnist --limit 100 --out logp.npy --json\n' +
      'latentgpu score runs/mnist --rows 0-4999 --out logp.0.npy',
  );
}

async function perform(dir: string, options: ScoreOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out } = context;
  const file = await outputFile(options.out, ['npy', 'csv']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const isAnnealed = options.by === 'ais';
  if (isAnnealed) {
    need(model, 'joint', dir);
    if (options.samples !== undefined) {
      throw new LatentGpuError('bad-config', '--samples: --by ais weighs chains; give --chains');
    }
  } else refuseChains('--by ais', options);
  const { exact } = need(model, 'logWeights', dir);
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  const { first, count } = shardOf(options.rows, subject.dataset.count);
  const rows = rowsFrom(subject.rows, first, count);
  const shard = { rows, count };
  checkRoom(file, `${count} rows`, count, 1);
  await measure({ label: 'scoring', loaded, subject, began }, context, async (runtime, whole) => {
    const { logScale } = whole;
    const isEach = typeof logScale !== 'number';
    const scales = isEach ? logScale.subarray(first, first + count) : logScale;
    const work = { ...whole, logScale: scales };
    const {
      logProb,
      figures,
      lines,
      rows: each,
    } = isAnnealed
      ? await annealedScores(runtime, model, shard, work, options)
      : exact
        ? await exactly(runtime, model, shard, work, options.samples)
        : await bySamples(runtime, model, shard, work, options.samples);
    if (file.kind === 'npy') await writeArray(file, Float32Array.from(logProb), [count]);
    else await writeFileAtomic(file.path, table({ logProb, ...each }, first));
    const wrong = logProb.filter((value) => Number.isNaN(value)).length;
    if (wrong > 0) {
      out.remark(
        `log p(x) of ${wrong} of ${count} rows is no number, first of row ${first + logProb.findIndex((value) => Number.isNaN(value))}: such rows lie further out than float32 reaches`,
      );
    }
    return {
      figures: { file: file.path, ...(typeof options.rows === 'string' && { first }), ...figures },
      lines: out.quiet ? [] : [...lines, ['file', `${file.path}: [${count}]`]],
      ...((options.rows || count <= LISTED) && {
        details: { rows: { logProb: [...logProb], ...each } },
      }),
    };
  });
}

/** @param first the number of the first row */
function table(columns: Readonly<Record<string, ArrayLike<number>>>, first: number): string {
  const own = Object.values(columns);
  const rows = Array.from({ length: own[0]?.length ?? 0 }, (_, i) => [
    String(first + i),
    ...own.map((values) => float32Text(values[i] as number)),
  ]);
  return csvText(rows, ['row', ...Object.keys(columns)]);
}

/**
 * Which rows `--rows a-b` names, both included.
 *
 * @throws LatentGpuError `bad-input` for what names no rows of the data
 */
function shardOf(
  asked: true | string | undefined,
  count: number,
): { first: number; count: number } {
  if (typeof asked !== 'string') return { first: 0, count };
  const [, first, last] = /^(\d+)-(\d+)$/.exec(asked) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (from <= to && to < count) return { first: from, count: to - from + 1 };
  throw new LatentGpuError(
    'bad-input',
    `--rows ${asked}: the data have rows 0-${count - 1}; name some as 0-${Math.max(0, Math.floor(count / 2) - 1)}`,
  );
}

async function bySamples(
  runtime: Runtime,
  model: Model,
  { count, rows }: Shard,
  { logScale, ...work }: MeasureOptions,
  samples = SAMPLES,
): Promise<Scores> {
  const found = await scoreRows(runtime, model, rows, count, { ...work, samples });
  const scores = { ...found, logProb: inUnitsOf(found.logProb, logScale) };
  const { value, standardError, effectiveSampleSize } = likelihoodOf(scores, samples);
  const monteCarloError = Math.hypot(...scores.standardError) / count;
  return {
    logProb: scores.logProb,
    figures: {
      count,
      samples,
      logProb: -value,
      standardError,
      monteCarloError,
      effectiveSampleSize,
    },
    lines: [
      ['log p(x)', `${(-value).toFixed(3)} ± ${standardError.toFixed(2)} nats`],
      [
        'sampling',
        `${thousands(samples)} samples a row, effective ${effectiveSampleSize.toFixed(1)}` +
          (samples > 1 ? `; error of the mean ${monteCarloError.toFixed(3)} nats` : ''),
      ],
    ],
    rows: {
      standardError: [...scores.standardError],
      effectiveSampleSize: [...scores.effectiveSampleSize],
    },
  };
}

/** Exact, but for the noise that dequantises grey levels. */
async function exactly(
  runtime: Runtime,
  model: Model,
  { count, rows }: Shard,
  { logScale, ...work }: MeasureOptions,
  draws = 1,
): Promise<Scores> {
  const found = await logDensities(runtime, model, rows, count, { ...work, draws });
  const logProb = inUnitsOf(found, logScale);
  const evaluation = exactEvaluationOf(model, logProb, draws);
  const { negativeLogLikelihood: _, ...about } = plainOf(evaluation) as Record<string, unknown>;
  const { loss, standardError } = evaluation;
  return {
    logProb,
    figures: { logProb: -loss, ...about },
    lines: [['log p(x)', `${(-loss).toFixed(4)} ± ${standardError.toFixed(4)} nats`]],
    rows: {},
  };
}
