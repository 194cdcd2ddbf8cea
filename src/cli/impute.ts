// latentgpu impute: fills in what is missing, given what is seen.
import { type Command, Option } from 'commander';
import { imageSize } from '../data/dataset.ts';
import { missingCount } from '../data/missing.ts';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { impute, type Model, meanField, need } from '../models/index.ts';
import { holesPicture } from '../pictures/holes.ts';
import type { Picture } from '../pictures/png.ts';
import { appearanceOf, inDataUnits } from '../pictures/points.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import {
  checkRoom,
  type OutputFile,
  outputFile,
  outputFiles,
  writeArray,
  writePicture,
} from './common/files.ts';
import { thousands } from './common/text.ts';
import { filled, filledTable, type Imputation, imputation } from './data/filled.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { type MeasureOptions, measure } from './measure.ts';

const SAMPLES = 1000;
/** Particles, each of which is drawn a step after the other. */
const PARTICLES = 200;
/** Gradient steps of a mean field. */
const STEPS = 300;
/** Columns of a picture. */
const PICTURED = 10;

interface ImputeOptions extends CommonOptions, SubjectOptions {
  out: string;
  samples?: number;
  draws?: number;
  by: 'importance' | 'mean-field';
}

export function imputeCommand(program: Command): void {
  const command = program
    .command('impute')
    .description(
      'Fills in missing values: means given what is seen, exactly or by importance sampling; or draws.',
    )
    .argument('<dir>', 'model folder')
    .requiredOption(
      '--out <file>',
      '.csv or .npy: the data, filled; .png: what is seen of images or sequences, what is put in, the truth',
    )
    .addOption(
      countOption(
        '--samples <n>',
        `codes weighed for each row, default ${SAMPLES}; of a causal decoder ${PARTICLES} particles`,
        2,
      ),
    )
    .addOption(
      countOption('--draws <n>', 'draws in place of means; of a .csv a file each, f.1.csv …'),
    )
    .addOption(
      new Option('--by <how>', 'mean-field: a probability for each missing 0/1 value, fitted')
        .choices(['importance', 'mean-field'])
        .default('importance'),
    )
    .action((dir: string, options: ImputeOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(
    command,
    'latentgpu impute runs/iris --data holes.csv --out filled.csv\n' +
      'latentgpu impute runs/mnist --hide top --limit 10 --out halves.png\n' +
      'latentgpu impute runs/ecg-vae --hide last:32 --limit 12 --out forecasts.png',
  );
}

async function perform(dir: string, options: ImputeOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out } = context;
  const file = await outputFile(options.out, ['csv', 'npy', 'png']);
  const loaded = await loadModel(dir, out);
  need(loaded.model, 'impute', dir);
  checkWay(dir, loaded.model, options);
  const pictured = file.kind === 'png' && options.limit === undefined ? { limit: PICTURED } : {};
  const { draws = 1 } = options;
  const paths = await outputFiles(file, file.kind === 'csv' ? draws : 1);
  const wanted = { ...options, ...pictured, out: paths };
  const subject = await loadSubject(dir, loaded, wanted, context, 'densities');
  checkKind(file, subject, options);
  await measure({ label: 'filling in', loaded, subject, began }, context, async (runtime, work) => {
    const made = await make(runtime, loaded.model, subject, options, work);
    const { standardization } = loaded;
    await write(file, paths, made, subject, loaded);
    const error = imputation(subject.original, made.mean, standardization);
    const unit = standardization ? ' deviations²' : '';
    const count = subject.dataset.count;
    const missing = missingCount(subject.dataset);
    return {
      figures: {
        file: paths[0],
        ...(paths.length > 1 && { files: paths }),
        ...{ count, missing, by: made.by, ...made.figures, ...error },
      },
      lines: out.quiet
        ? []
        : [...made.lines, ...(error ? errorLines(error, unit) : []), ['file', paths.join(', ')]],
    };
  });
}

/** What was measured of what had been hidden: numbers, words or both. */
function errorLines(
  { hidden, mse, meanMse, interpolationMse, words }: Imputation,
  unit: string,
): string[][] {
  const lines = words ? [['words', wordsLine(words)]] : [];
  if (mse === undefined || meanMse === undefined) return lines;
  const straight =
    interpolationMse === undefined
      ? ''
      : `, ${interpolationMse.toFixed(4)} by straight lines and the last value`;
  const over = `${thousands(hidden)} hidden ${words ? 'numbers' : 'values'}`;
  const error = `${mse.toFixed(4)}${unit} over ${over}; ${meanMse.toFixed(4)} by each feature's mean${straight}`;
  return [['error', error], ...lines];
}

const wordsLine = ({ hidden, accuracy, frequentAccuracy }: NonNullable<Imputation['words']>) =>
  `${accuracy.toFixed(4)} of ${thousands(hidden)} hidden ones are right; ${frequentAccuracy.toFixed(4)} by each column's most frequent`;

/** Rows as the model sees them, whole. */
interface Made {
  readonly by: ImputeOptions['by'] | 'exact';
  readonly mean: Float32Array;
  /** [draws, count, D]. */
  readonly draws: readonly Float32Array[];
  readonly figures: object;
  readonly lines: readonly (readonly string[])[];
}

async function make(
  runtime: Runtime,
  model: Model,
  { dataset: { count }, rows }: Subject,
  { by, samples: asked, draws = 0 }: ImputeOptions,
  { logScale: _, ...work }: MeasureOptions,
): Promise<Made> {
  if (by === 'mean-field') {
    const { mean, bound } = await meanField(runtime, model, rows, count, { ...work, steps: STEPS });
    const reached = bound.reduce((sum, value) => sum + value, 0) / count;
    return {
      by,
      mean,
      draws: [],
      figures: { steps: STEPS, bound: reached },
      lines: [['bound', `${reached.toFixed(3)} nats of log p(what is seen), mean field`]],
    };
  }
  const samples = asked ?? (model.can.impute?.kind === 'particles' ? PARTICLES : SAMPLES);
  const found = await impute(runtime, model, rows, count, { ...work, samples, draws });
  const size = found.mean.length;
  const ess = found.effectiveSampleSize;
  const effective = ess && ess.reduce((sum, value) => sum + value, 0) / count;
  return {
    by: effective === undefined ? 'exact' : by,
    mean: found.mean,
    draws: Array.from({ length: draws }, (_, d) => found.draws.subarray(d * size, (d + 1) * size)),
    figures:
      effective === undefined ? { draws } : { samples, effectiveSampleSize: effective, draws },
    lines:
      effective === undefined
        ? []
        : [['sampling', `${thousands(samples)} samples a row, effective ${effective.toFixed(1)}`]],
  };
}

/** @throws LatentGpuError `bad-config` for a way that this model does not allow */
function checkWay(dir: string, { can }: Model, { by, draws, samples }: ImputeOptions): void {
  if (by !== 'mean-field') return;
  const given = draws !== undefined ? '--draws' : samples !== undefined ? '--samples' : undefined;
  if (given) {
    throw new LatentGpuError(
      'bad-config',
      `${given}: --by mean-field draws no codes; leave it out`,
    );
  }
  if (can.describes?.kind === 'bernoulli' && can.refine) return;
  throw new LatentGpuError(
    'bad-config',
    `--by mean-field gives 0/1 values a probability each, and ${dir} describes other data; leave it out`,
  );
}

/** @throws LatentGpuError `bad-input` for what such a file does not hold */
function checkKind(
  file: OutputFile,
  { dataset }: Subject,
  { draws = 0, hide }: ImputeOptions,
): void {
  const isVector = dataset.shape.length === 1 && !dataset.sequence;
  const bad = (why: string) => new LatentGpuError('bad-input', `--out ${file.path}: ${why}`);
  if (file.kind === 'png' && isVector) {
    throw bad(`a picture shows images, and ${dataset.name} holds vectors; write a .csv or a .npy`);
  }
  if (file.kind === 'csv' && dataset.shape.length > 1) {
    const what = dataset.sequence ? 'sequences of several channels' : 'images';
    throw bad(`a table holds vectors, and ${dataset.name} holds ${what}; write a .npy or a .png`);
  }
  if (missingCount(dataset) === 0) {
    const why =
      hide === undefined || hide === 'none'
        ? 'no value is missing; name data with holes, or hide some with --hide random:0.5'
        : `--hide ${hide} hides nothing of data points of [${dataset.shape.join(', ')}], of which one value at least is seen; hide another part, or name data with holes`;
    throw new LatentGpuError('bad-input', `${dataset.name}: ${why}`);
  }
  checkRoom(file, `${dataset.count} rows`, dataset.count * (draws + 1), imageSize(dataset));
}

/** @param paths of a table, one for each draw */
async function write(
  file: OutputFile,
  paths: readonly string[],
  { mean, draws }: Made,
  subject: Subject,
  loaded: LoadedModel,
): Promise<void> {
  const { original, dataset } = subject;
  const { count, shape } = dataset;
  const versions = (draws.length > 0 ? draws : [mean]).map((made) =>
    filled(original, made, loaded.standardization),
  );
  if (file.kind === 'png') {
    await writePicture(file, pictureOf(mean, draws, subject, loaded));
    return;
  }
  if (file.kind === 'csv') {
    for (const [i, rows] of versions.entries()) {
      await writeFileAtomic(paths[i] as string, filledTable(original, rows));
    }
    return;
  }
  const [first] = versions as [(typeof versions)[0]];
  const all = draws.length > 0 ? joined(versions) : first;
  await writeArray(file, all, [...(draws.length > 0 ? [draws.length] : []), count, ...shape]);
}

function joined(parts: readonly (Float32Array | Float64Array)[]): Float32Array | Float64Array {
  const [first] = parts as [Float32Array | Float64Array];
  const size = first.length;
  const all =
    first instanceof Float64Array
      ? new Float64Array(parts.length * size)
      : new Float32Array(parts.length * size);
  for (const [i, part] of parts.entries()) all.set(part, i * size);
  return all;
}

/** What is seen, the means, the draws, and the truth where it is known. */
function pictureOf(
  mean: Float32Array,
  draws: readonly Float32Array[],
  { dataset, original, rows }: Subject,
  loaded: LoadedModel,
): Picture {
  const look = appearanceOf(loaded);
  const { count } = dataset;
  const mask = dataset.mask as Uint8Array;
  const seen = inDataUnits(rows(0, count), look);
  const versions = [mean, ...draws].map((made) => {
    const values = inDataUnits(made, look);
    return values.map((value, i) => (mask[i] ? (seen[i] as number) : value));
  });
  const { withheld } = original;
  const unit = withheld?.data instanceof Uint8Array ? 1 / 255 : 1;
  const truth = withheld && [Float32Array.from(withheld.data, (value) => unit * value)];
  return holesPicture(seen, mask, [...versions, ...(truth ?? [])], count, look, Boolean(truth));
}
