// latentgpu predict: what a model tells of rows: another column, classes.
import type { Command } from 'commander';
import type { Standardization } from '../data/standardize.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { csvText, float32Text } from '../formats/csv-text.ts';
import { need, type PredictAbility, predictions } from '../models/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';
import { measure } from './measure.ts';

/** Of models that do not. */
const PREDICTS =
  'a model that predicts nothing beside its data; train a classifier, or bayes-linear for a column';

interface PredictOptions extends CommonOptions, SubjectOptions {
  out: string;
}

export function predictCommand(program: Command): void {
  const command = program
    .command('predict')
    .description(
      'Tells of each row the mean and deviation of a predicted column, or p(class | row).',
    )
    .argument('<dir>', 'model folder of bayes-linear or classifier')
    .requiredOption('--out <file>', '.csv with headings, or .npy: float32 [n, columns]')
    .action((dir: string, options: PredictOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(
    command,
    'latentgpu predict runs/boston --data new.csv --out y.csv\n' +
      'latentgpu predict runs/digits-classifier --out p.npy',
  );
}

async function perform(dir: string, options: PredictOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out } = context;
  const file = await outputFile(options.out, ['csv', 'npy']);
  const loaded = await loadModel(dir, out);
  const { model, standardization } = loaded;
  const predict = need(model, 'predict', dir, PREDICTS);
  const { columns, feature } = predict;
  const lacking = feature === undefined ? {} : { lacking: feature };
  const subject = await loadSubject(dir, loaded, { ...options, ...lacking }, context, 'densities');
  const { count } = subject.dataset;
  checkRoom(file, `${count} rows`, count, columns.length);
  await measure({ label: 'predicting', loaded, subject, began }, context, async (runtime, work) => {
    const told = await predictions(runtime, model, subject.rows, count, work);
    const values = inUnits(told, predict, standardization);
    if (file.kind === 'npy') await writeArray(file, values, [count, columns.length]);
    else await writeFileAtomic(file.path, text(values, columns));
    return {
      figures: { file: file.path, count, columns },
      lines: out.quiet
        ? []
        : [
            [
              'file',
              `${file.path}: ${columns.slice(0, 10).join(', ')}${columns.length > 10 ? ', …' : ''} of ${count} rows`,
            ],
          ],
    };
  });
}

/** A mean and deviations of a feature in the units of the data. */
function inUnits(
  told: Float32Array,
  { columns, feature }: PredictAbility,
  standardization: Standardization | undefined,
): Float32Array {
  if (feature === undefined || !standardization) return told;
  const scale = standardization.std[feature] as number;
  const shift = standardization.mean[feature] as number;
  return told.map((value, i) => scale * value + (i % columns.length === 0 ? shift : 0));
}

function text(values: Float32Array, columns: readonly string[]): string {
  const width = columns.length;
  const rows = Array.from({ length: values.length / width }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width), float32Text),
  );
  return csvText(rows, columns);
}
