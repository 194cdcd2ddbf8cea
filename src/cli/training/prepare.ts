// What a training run needs, read and checked before anything is written.
import type { LoadedDataset } from '../../data/dataset.ts';
import { toFloat32 } from '../../data/float32.ts';
import { PLANE_DATA } from '../../data/plane.ts';
import { type Standardization, standardizationOf, standardize } from '../../data/standardize.ts';
import { LatentGpuError } from '../../errors.ts';
import {
  buildModel,
  FlowModel,
  isFlowConfig,
  isFlowFamily,
  type Model,
  type ModelConfig,
} from '../../models/index.ts';
import { nest, type Value } from '../../schema/index.ts';
import {
  type Binarization,
  layoutOf,
  lossOf,
  makeOptimizer,
  outputBias,
  runConfig,
  settleData,
  settleRun,
  startOf,
  type TrainerOptions,
  type TrainingConfig,
  totalSteps,
} from '../../training/index.ts';
import { checkOutput } from '../../training/output.node.ts';
import type { TrainingRecord } from '../../training/record.ts';
import type { Context } from '../common/command.ts';
import { version } from '../common/version.ts';
import { checkRange, checkShape } from '../data/checks.ts';
import { loadTraining, recordOf, type TrainingData } from '../data/load.ts';
import { chooseBinarization, traitsOf } from '../data/traits.ts';
import type { RunRequest } from './request.ts';

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
  readonly trainer: TrainerOptions;
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
    ...(isStandardized && { standardize: true }),
    ...(isFlowFamily(family) && PLANE_DATA.includes(request.data.data) && { anyRange: true }),
  };
  const read = await loadTraining(choice, holdOut, out);
  if (read.test) checkShape(read.test, read.train.shape);
  const standardization = isStandardized ? standardizationOf(read.train) : undefined;
  const data = seenBy(read, standardization);
  const { train, test } = data;
  const values = new Map<string, Value>(settleRun(family, request.sources, traitsOf(train)));
  const described = {
    shape: train.shape,
    name: train.name,
    standardized: isStandardized,
    ...(train.columns && { columns: train.columns }),
  };
  const config = runConfig(family, described, values);
  const { training } = config;
  const { batch } = training;
  if (batch > train.count) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${batch} and ${train.name} has ${train.count} ${train.count === 1 ? 'row' : 'rows'} to train on; lower it with --batch`,
    );
  }
  if (training.patience !== null && (!test || training.evaluate.every === 0)) {
    throw new LatentGpuError(
      'bad-config',
      'patience needs data to evaluate on; hold some out with --set holdOut=0.1, with evaluate.every above 0',
    );
  }
  const binarization = isFlowConfig(config.model)
    ? 'none'
    : chooseBinarization(training.binarize ?? 'auto', config.model.likelihood, train);
  if (values.has('binarize')) values.set('binarize', binarization);
  const perEpoch = Math.floor(train.count / batch);
  const total = totalSteps(training, perEpoch);
  // A cosine keeps its length when the run is continued beyond it.
  if (training.schedule.kind === 'cosine' && training.schedule.steps === null) {
    values.set('schedule.steps', total);
  }
  const found = recordOf(choice, read.train);
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
  const model: Model = buildModel(config.model, training.seed);
  if (model instanceof FlowModel) checkRange(model, train);
  const layout = resume?.checkpoint.layout;
  if (layout !== undefined && layout !== layoutOf(model)) {
    throw new LatentGpuError(
      'bad-format',
      `${folder}/checkpoint.safetensors is of another model; put back the one that belongs to ${folder}/training.json, or train anew with --force`,
    );
  }
  const { clipNorm, ema, seed } = training;
  return {
    request,
    data,
    standardization,
    config,
    binarization,
    model,
    total,
    record: {
      format: 1,
      version,
      family,
      config: nest(values),
      data: found,
      runtime: `Node.js ${process.versions.node}`,
    },
    trainer: {
      model,
      loss: lossOf(model),
      ...startOf(model),
      data: train,
      batch,
      binarize: binarization,
      seed,
      optimizer: makeOptimizer(runConfig(family, described, values).training, perEpoch, total),
      ...(clipNorm !== null && { clipNorm }),
      ...(ema !== null && { ema }),
      ...(training.outputBias === 'data' &&
        !(model instanceof FlowModel) && {
          initial: new Map([outputBias(model, train, binarization)]),
        }),
    },
  };
}

/** Rows as the model sees them, in float32. */
function seenBy(
  { train, test }: TrainingData<LoadedDataset>,
  s: Standardization | undefined,
): TrainingData {
  const seen = (rows: LoadedDataset) => (s ? standardize(rows, s) : toFloat32(rows));
  return { train: seen(train), test: test && seen(test) };
}
