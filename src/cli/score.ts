// latentgpu score: the log-likelihood of each row.
import type { Command } from 'commander';
import { LatentGpuError } from '../errors.ts';
import {
  Autoencoder,
  flowEvaluationOf,
  likelihoodOf,
  logDensities,
  scoreRows,
  type Vae,
} from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import { isFlow, type LoadedFlow } from '../training/model-folder.node.ts';
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
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { type Findings, type MeasureOptions, measure } from './measure.ts';

/** Rows that the JSON object lists without being asked. */
const LISTED = 1000;
/** Importance samples of a row. */
const SAMPLES = 500;

interface ScoreOptions extends CommonOptions, SubjectOptions {
  out: string;
  samples?: number;
  rows?: boolean;
}

export function scoreCommand(program: Command): void {
  const command = program
    .command('score')
    .description('log p(x) of each row in nats: by importance sampling; of a flow: exactly.')
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.npy: float32 [n]')
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples of a row, default ${SAMPLES}; of a flow on grey levels: draws of the dequantising noise, default 1`,
      ),
    )
    .option('--rows', `list each row with --json; without it, up to ${thousands(LISTED)} are`)
    .action((dir: string, options: ScoreOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(command, 'latentgpu score runs/mnist --limit 100 --out logp.npy --json');
}

async function perform(dir: string, options: ScoreOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out } = context;
  const file = await outputFile(options.out, ['npy']);
  const loaded = await loadModel(dir, out);
  if (loaded.model instanceof Autoencoder) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds an autoencoder, which gives data no probability; train a vae to score them`,
    );
  }
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  const { count } = subject.dataset;
  checkRoom(file, `${count} rows`, count, 1);
  await measure({ label: 'scoring', loaded, subject, began }, context, async (runtime, work) => {
    const { logProb, figures, lines, rows } = isFlow(loaded)
      ? await ofFlow(runtime, loaded, subject, work, options.samples)
      : await ofVae(runtime, loaded.model as Vae, subject, work, options.samples);
    await writeArray(file, Float32Array.from(logProb), [count]);
    return {
      figures: { file: file.path, ...figures },
      lines: out.quiet ? [] : [...lines, ['file', `${file.path}: [${count}]`]],
      ...((options.rows || count <= LISTED) && {
        details: { rows: { logProb: [...logProb], ...rows } },
      }),
    };
  });
}

interface Scores extends Findings {
  /** Of the data, not of what the model sees of them. */
  readonly logProb: Float64Array;
  /** What else is known of each row. */
  readonly rows: Readonly<Record<string, number[]>>;
}

async function ofVae(
  runtime: Runtime,
  model: Vae,
  { dataset: { count }, rows }: Subject,
  { logScale, ...work }: MeasureOptions,
  samples = SAMPLES,
): Promise<Scores> {
  const found = await scoreRows(runtime, model, rows, count, { ...work, samples });
  const scores = { ...found, logProb: found.logProb.map((value) => value - logScale) };
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
async function ofFlow(
  runtime: Runtime,
  { model }: LoadedFlow,
  { dataset: { count }, rows }: Subject,
  { logScale, ...work }: MeasureOptions,
  draws = 1,
): Promise<Scores> {
  const found = await logDensities(runtime, model, rows, count, { ...work, draws });
  const logProb = found.map((value) => value - logScale);
  const { negativeLogLikelihood, ...about } = flowEvaluationOf(model, logProb, draws);
  const logLikelihood = `${(-negativeLogLikelihood).toFixed(4)} ± ${about.standardError.toFixed(4)}`;
  return {
    logProb,
    figures: { logProb: -negativeLogLikelihood, ...about },
    lines: [['log p(x)', `${logLikelihood} nats`]],
    rows: {},
  };
}
