// latentgpu score: the log-likelihood of each row.
import type { Command } from 'commander';
import { logScale } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import {
  Autoencoder,
  flowEvaluationOf,
  likelihoodOf,
  logDensities,
  scoreRows,
} from '../models/index.ts';
import { isFlow, type LoadedFlow } from '../training/model-folder.node.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import { loadModel, withModel } from './device.ts';
import { checkRoom, type OutputFile, outputFile, writeArray } from './files.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './subject.ts';
import { table, thousands } from './text.ts';

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
  const { out, signal, seed = 0 } = context;
  const { samples = SAMPLES } = options;
  const file = await outputFile(options.out, ['npy']);
  const loaded = await loadModel(dir, out);
  if (isFlow(loaded)) return await ofFlow(dir, loaded, file, options, context);
  const { model, standardization } = loaded;
  if (model instanceof Autoencoder) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds an autoencoder, which gives data no probability; train a vae to score them`,
    );
  }
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  const { count } = subject.dataset;
  checkRoom(file, `${count} rows`, count, 1);
  await withModel(loaded, async (runtime, device) => {
    const { logProb, ...errors } = await out.progress('scoring', (bar) =>
      scoreRows(runtime, model, subject.rows, count, {
        samples,
        seed,
        signal,
        onProgress: (done) => bar.update(done),
      }),
    );
    // Of the data, not of what the model sees of them.
    const scale = standardization ? logScale(standardization) : 0;
    const scores = { ...errors, logProb: logProb.map((value) => value - scale) };
    await writeArray(file, Float32Array.from(scores.logProb), [count]);
    const { value, standardError, effectiveSampleSize } = likelihoodOf(scores, samples);
    const monteCarloError = Math.hypot(...scores.standardError) / count;
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      {
        file: file.path,
        count,
        samples,
        logProb: -value,
        standardError,
        monteCarloError,
        effectiveSampleSize,
        ...subject.summary,
        seed,
        adapter: device.adapter.name,
        seconds,
        ...((options.rows || count <= LISTED) && {
          rows: {
            logProb: [...scores.logProb],
            standardError: [...scores.standardError],
            effectiveSampleSize: [...scores.effectiveSampleSize],
          },
        }),
      },
      out.quiet
        ? ''
        : table([
            ['data', subject.title],
            ['log p(x)', `${(-value).toFixed(3)} ± ${standardError.toFixed(2)} nats`],
            [
              'sampling',
              `${thousands(samples)} samples a row, effective ${effectiveSampleSize.toFixed(1)}` +
                (samples > 1 ? `; error of the mean ${monteCarloError.toFixed(3)} nats` : ''),
            ],
            ['file', `${file.path}: [${count}]`],
            ['adapter', device.adapter.name],
            ['time', `${seconds.toFixed(1)} s`],
          ]),
    );
  });
}

/** Exact, but for the noise that dequantises grey levels. */
async function ofFlow(
  dir: string,
  loaded: LoadedFlow,
  file: OutputFile,
  options: ScoreOptions,
  context: Context,
): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  const { model, standardization } = loaded;
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  const { count } = subject.dataset;
  const draws = options.samples ?? 1;
  checkRoom(file, `${count} rows`, count, 1);
  await withModel(loaded, async (runtime, device) => {
    const found = await out.progress('scoring', (bar) =>
      logDensities(runtime, model, subject.rows, count, {
        draws,
        seed,
        signal,
        onProgress: (done) => bar.update(done),
      }),
    );
    const scale = standardization ? logScale(standardization) : 0;
    const logProb = found.map((value) => value - scale);
    await writeArray(file, Float32Array.from(logProb), [count]);
    const { negativeLogLikelihood, ...about } = flowEvaluationOf(model, logProb, draws);
    const { binarization: _, ...summary } = subject.summary;
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      {
        file: file.path,
        logProb: -negativeLogLikelihood,
        ...about,
        ...summary,
        seed,
        adapter: device.adapter.name,
        seconds,
        ...((options.rows || count <= LISTED) && { rows: { logProb: [...logProb] } }),
      },
      out.quiet
        ? ''
        : table([
            ['data', subject.title],
            [
              'log p(x)',
              `${(-negativeLogLikelihood).toFixed(4)} ± ${about.standardError.toFixed(4)} nats`,
            ],
            ['file', `${file.path}: [${count}]`],
            ['adapter', device.adapter.name],
            ['time', `${seconds.toFixed(1)} s`],
          ]),
    );
  });
}
