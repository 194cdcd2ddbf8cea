// latentgpu report: all that is known of a model, as one HTML file.
import { join } from 'node:path';
import type { Command } from 'commander';
import { logScale } from '../data/standardize.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { Autoencoder, type Evaluation, evaluateModel, Inference } from '../models/index.ts';
import { bitsPerDimension } from '../report/bits.ts';
import type { LikelihoodCard } from '../report/content.ts';
import { reportPage } from '../report/page.ts';
import { binarizedRows } from '../training/index.ts';
import { isFlow, type LoadedLatent } from '../training/model-folder.node.ts';
import { REPORT_FILE } from '../training/run-files.ts';
import { type Context, common, countOption, runCommand } from './common/command.ts';
import { loadModel, withModel } from './common/device.ts';
import { outputFile } from './common/files.ts';
import { table, thousands } from './common/text.ts';
import { hasTestSplit } from './data/load.ts';
import { dataOptions, loadSubject, type Subject } from './data/subject.ts';
import { greyed, isBinary } from './data/traits.ts';
import { contentOf, type ReportOptions, readRunHistory } from './report/content.ts';
import { portraitOf, type Sitters } from './report/portrait.ts';

/** Rows whose likelihood is estimated, as `eval` does. */
const LIKELIHOOD_ROWS = 1000;

export function reportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('Writes one HTML file with all that is known of a model.')
    .argument('<dir>', 'model folder')
    .option('--out <file>', `.html; default: ${REPORT_FILE} in the folder`)
    .addOption(
      countOption('--samples <n>', 'importance samples of a row; 0: no likelihood', 0).default(500),
    )
    .action((dir: string, { split, ...options }: ReportOptions, self: Command) => {
      const isAsked = self.getOptionValueSource('split') !== 'default';
      return runCommand(options, (context) =>
        perform(dir, { ...options, ...(isAsked && split && { split }) }, context),
      );
    });
  dataOptions(command, 'look at the first n rows only');
  common(command, 'latentgpu report runs/mnist --limit 1000');
}

async function perform(dir: string, options: ReportOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  const asked = options.out === undefined ? undefined : await outputFile(options.out, ['html']);
  const loaded = await loadModel(dir, out);
  if (isFlow(loaded)) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds a flow (${loaded.config.family}), which has no report yet; eval, score, sample and certify tell of it`,
    );
  }
  const file = asked ?? (await outputFile(join(dir, REPORT_FILE), ['html']));
  const notes: string[] = [];
  const history = await readRunHistory(dir, loaded, notes);
  const subject = await findSubject(dir, loaded, options, context, notes);
  await withModel(loaded, async (runtime, device) => {
    const evaluation =
      subject &&
      (await out.progress('evaluating', (bar) =>
        evaluateModel(runtime, loaded.model, subject.dataset, subject.rows, {
          samples: options.samples,
          likelihoodLimit: options.limit ?? LIKELIHOOD_ROWS,
          seed,
          logScale: logScale(loaded.standardization),
          signal,
          onProgress: (fraction) => bar.update(fraction),
        }),
      ));
    const inference = new Inference(runtime, loaded.model);
    const portrait = await out.progress('drawing', (bar) =>
      portraitOf(inference, loaded, subject && sittersOf(subject, options), seed, {
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const page = reportPage(
      await contentOf({
        dir,
        loaded,
        history,
        portrait,
        likelihood: evaluation && subject && cardOf(loaded, subject, evaluation, seed),
        notes: [...notes, ...portrait.notes],
        adapter: device.adapter.name,
        options: { ...options, seed },
        subject,
      }),
    );
    await writeFileAtomic(file.path, page);
    const bytes = Buffer.byteLength(page);
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    const missing = [...notes, ...portrait.notes];
    out.result(
      {
        file: file.path,
        bytes,
        evaluation: evaluation ?? null,
        ...subject?.summary,
        pictures: portrait.pictures.map(({ title }) => title),
        missing,
        seed,
        adapter: device.adapter.name,
        seconds,
      },
      out.quiet
        ? ''
        : [
            table([
              ['file', `${file.path}: ${thousands(Math.ceil(bytes / 1024))} KiB`],
              ...(subject ? [['data', subject.title]] : []),
              ['adapter', device.adapter.name],
              ['time', `${seconds.toFixed(1)} s`],
            ]),
            ...missing,
          ].join('\n'),
    );
  });
}

/** The data to show the model, or a note of why there are none, unless they were asked for. */
async function findSubject(
  dir: string,
  loaded: LoadedLatent,
  options: ReportOptions,
  context: Context,
  notes: string[],
): Promise<Subject | undefined> {
  const { record } = loaded;
  const { data, dataDir, split, binarize } = options;
  const hasNone =
    data === undefined &&
    split === undefined &&
    record !== undefined &&
    !hasTestSplit(record.data, Number(record.config.holdOut ?? 0));
  try {
    const subject = await loadSubject(
      dir,
      loaded,
      { ...options, split: split ?? (hasNone ? 'train' : 'test') },
      context,
      'densities',
    );
    if (hasNone) {
      notes.push(
        'There is no test split: what follows is of the rows that the model was trained on, which flatters it.',
      );
    }
    return subject;
  } catch (error) {
    const isAsked = [data, dataDir, split, binarize].some((value) => value !== undefined);
    if (isAsked || !isLatentGpuError(error) || error.code === 'interrupted') throw error;
    notes.push(`There is nothing here that needs data: ${error.message}.`);
    return undefined;
  }
}

function sittersOf({ dataset, binarization, rows }: Subject, { binarize }: ReportOptions): Sitters {
  const shown = binarize ?? greyed(binarization);
  return {
    dataset,
    evaluated: rows,
    // Draws are those of the evaluation, where there are any.
    shown:
      shown === binarization ? rows : (start, end) => binarizedRows(dataset, start, end, shown, 0),
  };
}

function cardOf(
  { config, model, standardization }: LoadedLatent,
  { dataset, binarization, summary }: Subject,
  evaluation: Evaluation,
  seed: number,
): LikelihoodCard {
  const isVae = !(model instanceof Autoencoder);
  const { likelihood, latent } = config;
  const part = summary.split === 'train' ? 'training split' : 'test split';
  const how = standardization
    ? 'standardised for the model (densities are those of the data as they were)'
    : binarization === 'none'
      ? 'values as they are, not binarised'
      : `binarised (${BINARIZED[binarization]})`;
  return {
    evaluation,
    isVae,
    latent,
    data: `${dataset.name}, ${thousands(dataset.count)} rows`,
    treatment: `${part}, ${how}, ${likelihood.kind} likelihood`,
    seed,
    bits: bitsPerDimension(evaluation.nll?.value ?? evaluation.negativeElbo, {
      likelihood,
      isVae,
      isBinary: binarization !== 'none' || isBinary(dataset),
      features: model.features,
    }),
  };
}

const BINARIZED = {
  resampled: 'resampled: drawn anew in training, drawn once here',
  once: 'once: drawn once, the same in training',
  static: 'static: 1 from one half up',
} as const;
