// What a training run needs, read and checked before anything is written.
import { classNamesOf, type LoadedDataset } from '../../data/dataset.ts';
import { toFloat32 } from '../../data/float32.ts';
import { hideLabels } from '../../data/hide-labels.ts';
import { inColour } from '../../data/image-stack.ts';
import { NAMED_DATA } from '../../data/load.node.ts';
import { checkColumnsSeen } from '../../data/missing.ts';
import { PLANE_DATA } from '../../data/plane.ts';
import { type Standardization, standardizationOf, standardize } from '../../data/standardize.ts';
import { LatentGpuError } from '../../errors.ts';
import {
  buildModel,
  type Family,
  families,
  type Model,
  type ModelConfig,
  wantsOf,
} from '../../models/index.ts';
import { nest, type Values } from '../../schema/index.ts';
import {
  type Binarization,
  type Decoding,
  initialOf,
  layoutOf,
  makeOptimizer,
  outputBias,
  runConfig,
  type SweepOptions,
  settleData,
  settleRun,
  type TrainerOptions,
  type TrainingConfig,
  totalSteps,
  trainerOf,
} from '../../training/index.ts';
import { checkOutput } from '../../training/output.node.ts';
import type { TrainingRecord } from '../../training/record.ts';
import { chooseBinarization, traitsOf } from '../../training/traits.ts';
import type { Context } from '../common/command.ts';
import { isReadWith } from '../common/files.ts';
import { version } from '../common/version.ts';
import { checkRange, checkRate, checkShape } from '../data/checks.ts';
import { loadTraining, recordOf, type TrainingData } from '../data/load.ts';
import { missingChoice } from '../data/missing.ts';
import { checkClasses, checkMeasured } from '../data/told.ts';
import { checkGiven } from '../data/where.ts';
import { wordsChoice } from '../data/words.ts';
import { columnKeys } from './named-columns.ts';
import type { RunRequest } from './request.ts';

/** Which classes are hidden does not depend on a run's seed: runs are to be compared. */
const HIDING_SEED = 0;

/** A run with everything checked and nothing done. */
export interface Prepared {
  readonly request: RunRequest;
  /** As the model sees them. */
  readonly data: TrainingData;
  readonly standardization: Standardization | undefined;
  readonly record: Omit<TrainingRecord, 'adapter'>;
  readonly config: { readonly model: ModelConfig; readonly training: TrainingConfig };
  readonly binarization: Binarization;
  readonly model: Model;
  readonly total: number;
  readonly trainer: TrainerOptions | SweepOptions;
}

/**
 * Reads the data, settles every key and builds the model.
 *
 * @throws LatentGpuError whatever is wrong with what was asked for; nothing has been written
 */
export async function prepare(request: RunRequest, { out }: Context): Promise<Prepared> {
  const { family, folder, force, resume } = request;
  await checkOutput({ folder, force, resume: resume !== undefined });
  // Keys are checked before anything is read, which may take long.
  const { holdOut, standardize: isStandardized } = settleData(request.sources);
  const choice = {
    ...request.data,
    ...missingChoice(family, request.data.hide),
    ...wordsChoice(family, request.data.table),
    ...(isStandardized && { standardize: true }),
    ...(isAnyRange(family, request.data.data) && { anyRange: true }),
    ...(family.takesUnlabelled && { takesUnlabelled: true }),
  };
  checkHidden(family, choice.hideLabels);
  const { train: own, test: other } = await loadTraining(choice, holdOut, out);
  const parts = { train: own, test: other && inColour(other, own.shape) };
  const read = withHidden(parts, choice.hideLabels);
  if (read.test) {
    checkShape(read.test, read.train.shape, read.train.categories);
    checkRate(read.test, read.train.sequence?.rate);
  }
  if (!resume && !read.train.sequence) await checkOutside(folder, [choice.data, choice.test]);
  checkColumnsSeen(read.train);
  const standardization = isStandardized ? standardizationOf(read.train) : undefined;
  const asSeen = seenBy(read, standardization);
  const { train } = asSeen;
  const sources = [...request.sources, ...columnKeys(request, read.train)];
  const open = settleRun(family, sources, { ...traitsOf(train), rows: train.count });
  const isTold = wantsOf(family, open).includes('labels');
  if (isTold) checkLabels(family, train);
  const described = {
    shape: train.shape,
    name: train.name,
    standardized: isStandardized,
    ...(train.columns && { columns: train.columns }),
    ...(train.categories && { categories: train.categories }),
    ...(train.sequence && { sequence: sequenceOf(train.sequence) }),
    ...(isTold && { classNames: classNamesOf(train) }),
  };
  const { model: modelConfig, training: asked } = runConfig(family, described, open);
  const { batch, seed } = asked;
  if (batch > train.count) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${batch} and ${train.name} has ${train.count} ${train.count === 1 ? 'row' : 'rows'} to train on; lower it with --batch`,
    );
  }
  const model = buildModel(modelConfig, seed);
  checkRange(model, train);
  for (const rows of [train, asSeen.test]) if (rows) checkGiven(model, rows);
  if (asSeen.test) {
    checkClasses(model, undefined, asSeen.test);
    checkMeasured(model, undefined, asSeen.test);
  }
  // Rows that have no code of their own cannot be evaluated on the way.
  const hasOwnRows = model.can.trainingRows !== undefined;
  const data = hasOwnRows ? { train, test: undefined } : asSeen;
  if (hasOwnRows) checkOwnRows(asked, model.can.trainingRows, train.count);
  if (asked.patience !== null && (!data.test || asked.evaluate.every === 0)) {
    throw new LatentGpuError(
      'bad-config',
      'patience needs data to evaluate on; hold some out with --set holdOut=0.1, with evaluate.every above 0',
    );
  }
  const { describes } = model.can;
  const binarization = describes
    ? chooseBinarization(asked.binarize ?? 'auto', describes, train)
    : 'none';
  const perEpoch = stepsAPass(model, train.count, batch);
  const total = totalSteps(asked, perEpoch);
  checkLength(model, total, perEpoch);
  const values = withSettled(open, asked, binarization, total);
  const config = runConfig(family, described, values);
  const { training } = config;
  const found = recordOf(choice, read.train, holdOut);
  if (resume && resume.record.data.sha256 !== found.sha256) {
    throw new LatentGpuError(
      'bad-data',
      `${train.source} is not what ${folder} was trained on; name the same data with --data`,
    );
  }
  if (resume && resume.checkpoint.state.step > total) {
    const { step } = resume.checkpoint.state;
    throw new LatentGpuError(
      'bad-config',
      `${folder} has done ${step} steps (${(step / perEpoch).toFixed(1)} epochs), more than the ${total} asked for; ask for a larger total`,
    );
  }
  const layout = resume?.checkpoint.layout;
  if (layout !== undefined && layout !== layoutOf(model)) {
    throw new LatentGpuError(
      'bad-format',
      `${folder}/checkpoint.safetensors is of another model; put back the one that belongs to ${folder}/training.json, or train anew with --force`,
    );
  }
  // A run that goes on has begun.
  const initial = resume
    ? undefined
    : training.outputBias === 'data'
      ? new Map([outputBias(model as Model & Decoding, train, binarization)])
      : initialOf(model, train, binarization, seed);
  return {
    request,
    data,
    standardization,
    config,
    binarization,
    model,
    total,
    record: {
      format: 2,
      version,
      family: family.name,
      config: nest(values),
      data: found,
      runtime: `Node.js ${process.versions.node}`,
    },
    trainer: {
      ...trainerOf(model, training, () => makeOptimizer(training, perEpoch, total)),
      data: train,
      binarize: binarization,
      ...(initial && { initial }),
    },
  };
}

/** @throws LatentGpuError `bad-input` for a folder whose pictures would be read as data the next time */
async function checkOutside(folder: string, data: readonly (string | undefined)[]): Promise<void> {
  for (const path of data) {
    if (path === undefined || NAMED_DATA.includes(path)) continue;
    if (!(await isReadWith(folder, path))) continue;
    throw new LatentGpuError(
      'bad-input',
      `--out ${folder}: its pictures would be among the images of ${path}; name a folder elsewhere`,
    );
  }
}

/** What a model remembers of its sequences. */
const sequenceOf = ({ rate, channels }: NonNullable<LoadedDataset['sequence']>) => ({
  ...(rate !== undefined && { rate }),
  ...(channels && { channels }),
});

/** Whether a family takes these data as they are, of whatever range. */
function isAnyRange({ range, takesAnyRange }: Family, data: string): boolean {
  return range === 'any' || (takesAnyRange === true && PLANE_DATA.includes(data));
}

/** Steps of an epoch: where every row counts once, the last of them has the rows that are left. */
function stepsAPass({ learner }: Model, rows: number, batch: number): number {
  const isWhole = 'sweep' in learner && !learner.sweep.isShuffled;
  return isWhole ? Math.ceil(rows / batch) : Math.floor(rows / batch);
}

/** @throws LatentGpuError `bad-config` for a run that would end within its pretraining */
function checkLength({ learner }: Model, total: number, perEpoch: number): void {
  const before = 'before' in learner ? learner.before : undefined;
  if (!before || total > before.epochs * perEpoch) return;
  throw new LatentGpuError(
    'bad-config',
    `the run has ${total} steps in all, and pretraining alone takes ${before.epochs * perEpoch} (${before.epochs} epochs of ${perEpoch}); ask for more with --epochs or --steps, or set ${before.key}=1`,
  );
}

/** @throws LatentGpuError `bad-config` for what a model with a code for each training row cannot keep */
function checkOwnRows({ patience, ema }: TrainingConfig, rows = 0, count = 0): void {
  if (rows !== count) {
    throw new LatentGpuError(
      'bad-config',
      `posterior.rows is ${rows}, and there are ${count} rows to train on; leave it out`,
    );
  }
  const said = patience !== null ? 'patience' : ema !== null ? 'ema' : undefined;
  if (said === undefined) return;
  throw new LatentGpuError(
    'bad-config',
    `${said} is for a model whose parameters are all that a run keeps, and this one keeps a code for each row; leave ${said} out`,
  );
}

/** What follows from the data alone, settled for good: a continued run has it from its record. */
function withSettled(
  values: Values,
  { schedule }: Partial<Pick<TrainingConfig, 'schedule'>>,
  binarization: Binarization,
  total: number,
): Values {
  const settled = new Map(values);
  if (values.has('binarize')) settled.set('binarize', binarization);
  // A cosine keeps its length when the run is continued beyond it.
  if (schedule?.kind === 'cosine' && schedule.steps === null) settled.set('schedule.steps', total);
  return settled;
}

/** @throws LatentGpuError `bad-config` for data without the labels that the family learns from */
function checkLabels({ name }: Family, { labels, name: data }: TrainingData['train']): void {
  if (labels) return;
  throw new LatentGpuError(
    'bad-config',
    `${name} learns from labels, and ${data} has none; name a table's column (an .npz's array) with --label-column, or data with classes`,
  );
}

/** @throws LatentGpuError `bad-config` for a family that needs every class it is told */
function checkHidden({ name, takesUnlabelled }: Family, share: number | undefined): void {
  if (share === undefined || takesUnlabelled) return;
  const others = families().filter((family) => family.takesUnlabelled);
  throw new LatentGpuError(
    'bad-config',
    `--hide-labels ${share}: ${name} takes no rows of unknown classes; leave it out, or train ${others.map((family) => family.name).join(' or ')}`,
  );
}

/** The classes of a share of the rows to train on hidden; those to evaluate on keep theirs. */
function withHidden(
  { train, test }: TrainingData<LoadedDataset>,
  share: number | undefined,
): TrainingData<LoadedDataset> {
  return { train: share === undefined ? train : hideLabels(train, share, HIDING_SEED), test };
}

/** Rows as the model sees them, in float32. */
function seenBy(
  { train, test }: TrainingData<LoadedDataset>,
  s: Standardization | undefined,
): TrainingData {
  const seen = (rows: LoadedDataset) => (s ? standardize(rows, s) : toFloat32(rows));
  return { train: seen(train), test: test && seen(test) };
}
