// latentgpu report: all that is known of a model, as one HTML file.
import { join } from 'node:path';
import type { Command } from 'commander';
import { isLatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { reportPage } from '../report/page.ts';
import { isFlow, type LoadedModel } from '../training/model-folder.node.ts';
import { REPORT_FILE } from '../training/run-files.ts';
import { type Context, common, countOption, runCommand } from './common/command.ts';
import { loadModel, withModel } from './common/device.ts';
import { outputFile } from './common/files.ts';
import { table, thousands } from './common/text.ts';
import { hasTestSplit } from './data/load.ts';
import { dataOptions, loadSubject, type Subject } from './data/subject.ts';
import { contentOf, type ReportOptions } from './report/content.ts';
import { accountOfFlow } from './report/flow.ts';
import { readRunHistory } from './report/history.ts';
import { accountOfLatent, SAMPLES } from './report/latent.ts';

export function reportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('Writes one HTML file with all that is known of a model.')
    .argument('<dir>', 'model folder')
    .option('--out <file>', `.html; default: ${REPORT_FILE} in the folder`)
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples of a row, default ${SAMPLES} (0: no likelihood); of a flow on grey levels: draws of the dequantising noise, default 1`,
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
  common(command, 'latentgpu report runs/mnist --limit 1000');
}

async function perform(dir: string, options: ReportOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, seed = 0 } = context;
  const asked = options.out === undefined ? undefined : await outputFile(options.out, ['html']);
  const loaded = await loadModel(dir, out);
  const file = asked ?? (await outputFile(join(dir, REPORT_FILE), ['html']));
  const notes: string[] = [];
  const history = await readRunHistory(dir, loaded, notes);
  const subject = await findSubject(dir, loaded, options, context, notes);
  const settled = { ...options, seed, samples: samplesOf(loaded, options.samples) };
  await withModel(loaded, async (runtime, device) => {
    const { evaluation, likelihood, portrait } = isFlow(loaded)
      ? await accountOfFlow(runtime, loaded, subject, settled, context)
      : await accountOfLatent(runtime, loaded, subject, settled, context);
    const missing = [...notes, ...portrait.notes];
    const page = reportPage(
      await contentOf({
        dir,
        loaded,
        history,
        portrait,
        likelihood,
        notes: missing,
        adapter: device.adapter.name,
        options: settled,
        subject,
      }),
    );
    await writeFileAtomic(file.path, page);
    const bytes = Buffer.byteLength(page);
    const { binarization, ...about } = subject?.summary ?? {};
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      {
        file: file.path,
        bytes,
        evaluation: evaluation ?? null,
        ...about,
        ...(!isFlow(loaded) && { binarization }),
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

/** Draws of a row, where there are any: to find its likelihood, or what a grey level stands for. */
function samplesOf(loaded: LoadedModel, asked: number | undefined): number | undefined {
  if (!isFlow(loaded)) return asked ?? SAMPLES;
  return loaded.model.isDequantized ? asked || 1 : undefined;
}

/** The data to show the model, or a note of why there are none, unless they were asked for. */
async function findSubject(
  dir: string,
  loaded: LoadedModel,
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
