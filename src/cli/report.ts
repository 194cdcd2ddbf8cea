// latentgpu report: all that is known of a model, as one HTML file.
import { join } from 'node:path';
import type { Command } from 'commander';
import { IMPORTANCE_SAMPLES } from '../constants.ts';
import { isLatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { type Model, plainOf } from '../models/index.ts';
import { makeReport } from '../report/report.ts';
import { readRunHistory } from '../report/run-history.ts';
import type { Subject as ReportSubject } from '../report/subject.ts';
import { greyed, rowSourceOf } from '../training/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { REPORT_FILE } from '../training/run-files.ts';
import { isBinary } from '../training/traits.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel, withModel } from './common/device.ts';
import { outputFile } from './common/files.ts';
import { table, thousands } from './common/text.ts';
import { version } from './common/version.ts';
import { hasTestSplit } from './data/load.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { tableChoice } from './data/table-options.ts';
import { trainingRows } from './data/training-rows.ts';

/** Importance samples of a row. */
const SAMPLES = IMPORTANCE_SAMPLES.scores;

interface ReportOptions extends CommonOptions, SubjectOptions {
  out?: string;
  samples?: number;
  curve?: boolean;
}

export function reportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('Writes one HTML file with all that is known of a model.')
    .argument('<dir>', 'model folder')
    .option('--out <file>', `.html; default: ${REPORT_FILE} in the folder`)
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples of a row, default ${SAMPLES}; 0: none; of grey levels: draws of their noise, default 1`,
        0,
      ),
    )
    .action((dir: string, { split, ...options }: ReportOptions, self: Command) => {
      const isAsked = self.getOptionValueSource('split') !== 'default';
      return runCommand(options, (context) =>
        perform(dir, { ...options, ...(isAsked && split && { split }) }, context),
      );
    });
  dataOptions(command, 'look at the first n rows only');
  command.option('--curve', 'the bound for 1 to 5000 samples a row, too');
  common(command, 'latentgpu report runs/mnist --limit 1000');
}

async function perform(dir: string, options: ReportOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  const asked = options.out === undefined ? undefined : await outputFile(options.out, ['html']);
  const loaded = await loadModel(dir, out);
  const file = asked ?? (await outputFile(join(dir, REPORT_FILE), ['html']));
  const notes: string[] = [];
  const history = await readRunHistory(dir, loaded.model, notes);
  const subject = await findSubject(dir, loaded, options, context, notes);
  const trained =
    subject && loaded.model.can.decode?.isLinear && (await trainingRows(dir, loaded, context));
  const samples = samplesOf(loaded.model, options.samples);
  await withModel(loaded, async (runtime, device) => {
    const { page, evaluation, pictures, missing } = await makeReport(
      runtime,
      {
        dir,
        loaded,
        history,
        subject: subject && shownOf(subject, options),
        ...(trained && { trained }),
        notes,
        asking: { ...options, seed, samples },
        version,
      },
      (label, work) =>
        out.progress(label, (bar) =>
          work({ signal, onProgress: (fraction) => bar.update(fraction) }),
        ),
    );
    await writeFileAtomic(file.path, page);
    const bytes = Buffer.byteLength(page);
    const adapter = device.adapter.name;
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      {
        file: file.path,
        bytes,
        evaluation: evaluation ? plainOf(evaluation) : null,
        ...subject?.summary,
        pictures,
        missing,
        seed,
        adapter,
        seconds,
      },
      out.quiet
        ? ''
        : [
            table([
              ['file', `${file.path}: ${thousands(Math.ceil(bytes / 1024))} KiB`],
              ...(subject ? [['data', subject.title]] : []),
              ['adapter', adapter],
              ['time', `${seconds.toFixed(1)} s`],
            ]),
            ...missing,
          ].join('\n'),
    );
  });
}

/** Draws of a row, where there are any: to find its likelihood, or what a grey level stands for. */
function samplesOf({ can }: Model, asked: number | undefined): number | undefined {
  if (!can.logWeights) return undefined;
  if (!can.logWeights.exact) return asked ?? SAMPLES;
  return can.grey ? asked || 1 : undefined;
}

/** Draws in pictures are those of the evaluation, if they were asked for. */
function shownOf(
  { dataset, binarization, rows, isUnseen, summary: { split } }: Subject,
  { binarize }: ReportOptions,
): ReportSubject {
  const shown = binarize ?? greyed(binarization);
  return {
    dataset,
    binarization,
    isBinary: binarization !== 'none' || isBinary(dataset),
    split,
    isUnseen,
    evaluated: rows,
    shown: shown === binarization ? rows : rowSourceOf(dataset, shown, 0),
  };
}

/** The data to show the model, or a note of why there are none, unless they were asked for. */
async function findSubject(
  dir: string,
  loaded: LoadedModel,
  options: ReportOptions,
  context: Context,
  notes: string[],
): Promise<Subject | undefined> {
  const { record, model } = loaded;
  const { data, dataDir, split, binarize, hide, array, window, stride, rate } = options;
  const isOpen = data === undefined && split === undefined && record !== undefined;
  const hasNone = isOpen && !hasTestSplit(record.data, Number(record.config.holdOut ?? 0));
  const hasOwn = isOpen && model.can.trainingRows !== undefined;
  try {
    const subject = await loadSubject(
      dir,
      loaded,
      { ...options, split: split ?? (hasNone || hasOwn ? 'train' : 'test') },
      context,
      'densities',
    );
    if (hasNone || hasOwn) {
      const why = hasNone
        ? 'There is no test split'
        : 'The model has codes of its training rows alone';
      notes.push(
        `${why}: what follows is of the rows that the model was trained on, which flatters it.`,
      );
    }
    return subject;
  } catch (error) {
    const said = [data, dataDir, split, binarize, hide, array, window, stride, rate];
    const isAsked = tableChoice(options) || said.some((value) => value !== undefined);
    if (isAsked || !isLatentGpuError(error) || error.code === 'interrupted') throw error;
    notes.push(`There is nothing here that needs data: ${error.message}.`);
    return undefined;
  }
}
