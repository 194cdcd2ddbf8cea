// One training run into one folder: what `train` and `start` do.
import { openDevice } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import {
  buildModel,
  evaluateModel,
  type Family,
  Inference,
  type Model,
  type ModelConfig,
  unpackParameters,
} from '../models/index.ts';
import { nest, type Value, type Values } from '../models/schema.ts';
import { checkOutput, RunFolder, type TrainingRecord } from '../training/folder.node.ts';
import {
  type Binarization,
  binarizedRows,
  type Checkpoint,
  type EpochReport,
  type FitResult,
  fit,
  lossOf,
  makeOptimizer,
  outputBias,
  runConfig,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingConfig,
  totalSteps,
} from '../training/index.ts';
import type { Context } from './command.ts';
import {
  checkShape,
  chooseBinarization,
  type DataChoice,
  loadTraining,
  recordOf,
  type TrainingData,
} from './data.ts';
import { picturesOf } from './pictures.ts';
import type { Bar } from './progress.ts';
import { version } from './version.ts';

export interface RunRequest {
  readonly family: Family;
  /** Settled keys. */
  readonly values: Values;
  readonly data: DataChoice;
  readonly folder: string;
  readonly force: boolean;
  /** The run to continue. */
  readonly resume: { readonly record: TrainingRecord; readonly checkpoint: Checkpoint } | undefined;
}

export interface RunSummary {
  readonly folder: string;
  readonly family: Family;
  readonly reason: FitResult['reason'];
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | null;
  /** Of the evaluation data, for the parameters that were kept. */
  readonly negativeElbo: number | null;
  readonly binarization: Binarization;
  readonly parameters: number;
  readonly skipped: number;
  readonly files: readonly string[];
  readonly adapter: string;
  readonly seconds: number;
  readonly msPerStep: number | null;
}

/** A run with everything checked and nothing done. */
interface Prepared {
  readonly request: RunRequest;
  readonly data: TrainingData;
  readonly record: Omit<TrainingRecord, 'adapter'>;
  readonly config: { readonly model: ModelConfig; readonly training: TrainingConfig };
  readonly binarization: Binarization;
  readonly model: Model;
  readonly total: number;
  readonly trainer: TrainerOptions;
}

async function prepare(request: RunRequest, { out }: Context): Promise<Prepared> {
  const { family, folder, force, resume } = request;
  await checkOutput({ folder, force, resume: resume !== undefined });
  const holdOut = request.values.get('holdOut') as number;
  const data = await loadTraining(request.data, holdOut, out);
  const { train, test } = data;
  const values = new Map<string, Value>(request.values);
  const described = { shape: train.shape, name: train.name };
  const config = runConfig(family, described, values);
  const { training } = config;
  if (test) checkShape(test, train.shape);
  const { batch } = training;
  if (batch > train.count) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${batch} and ${train.name} has ${train.count} rows to train on; lower it with --batch`,
    );
  }
  if (training.patience !== null && (!test || training.evaluate.every === 0)) {
    throw new LatentGpuError(
      'bad-config',
      'patience needs data to evaluate on; hold some out with --set holdOut=0.1, with evaluate.every above 0',
    );
  }
  const binarization = chooseBinarization(training.binarize, config.model.likelihood, train);
  values.set('binarize', binarization);
  const perEpoch = Math.floor(train.count / batch);
  const total = totalSteps(training, perEpoch);
  // A cosine keeps its length when the run is continued beyond it.
  if (training.schedule.kind === 'cosine' && training.schedule.steps === null) {
    values.set('schedule.steps', total);
  }
  const found = await recordOf(request.data, train);
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
  const model = buildModel(config.model);
  const { clipNorm, ema, seed } = training;
  return {
    request,
    data,
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
      data: train,
      batch,
      binarize: binarization,
      seed,
      optimizer: makeOptimizer(runConfig(family, described, values).training, perEpoch, total),
      ...(clipNorm !== null && { clipNorm }),
      ...(ema !== null && { ema }),
      ...(training.outputBias === 'data' && {
        initial: new Map([outputBias(model, train, binarization)]),
      }),
    },
  };
}

/**
 * Trains, evaluates, draws, and leaves a model folder.
 *
 * @throws LatentGpuError whatever is wrong, before anything is written where that can be known
 */
export async function train(request: RunRequest, context: Context): Promise<RunSummary> {
  const began = performance.now();
  const { out } = context;
  const prepared = await prepare(request, context);
  const { model, total, config, data } = prepared;
  const { resume, folder } = request;
  const trainer = await Trainer.create(
    prepared.trainer,
    () => openDevice(),
    resume?.checkpoint.state,
  );
  try {
    const run = new RunFolder(folder);
    const { adapter, subgroupSize } = trainer.runtime.device;
    const record: TrainingRecord = {
      ...prepared.record,
      adapter: {
        name: adapter.name,
        isSoftware: adapter.isSoftware,
        ...(subgroupSize !== undefined && { subgroupSize }),
        source: adapter.source,
      },
    };
    if (resume) await run.goOn(record, trainer.step);
    else await run.begin(record, { state: trainer.lastState as TrainerState, best: undefined });
    out.say(
      `${request.family} ${config.model.data.shape.join('×')} → ${config.model.latent}, ` +
        `${model.parameterCount().toLocaleString('en-US')} parameters; ` +
        `${data.train.name}, ${data.train.count} rows, binarize ${prepared.binarization}`,
    );
    out.say(`${adapter.name}${adapter.isSoftware ? ', software' : ''}; writing to ${folder}`);
    if (resume) out.say(`continuing at step ${trainer.step} of ${total}`);
    const start = trainer.step;
    const clock = performance.now();
    const result = await fitInto(run, trainer, prepared, context);
    const trained = (performance.now() - clock) / 1000;
    const kept = unpackParameters(model, result.parameters);
    await run.writeModel(config.model, kept, version);
    const files = ['model.json', 'weights.safetensors'];
    if (result.reason !== 'interrupted') {
      out.say('drawing samples, reconstructions and the latent space');
      files.push(...(await draw(run, trainer, result.parameters, prepared)));
    }
    const done = result.step - start;
    return {
      folder,
      family: request.family,
      reason: result.reason,
      step: result.step,
      epoch: result.epoch,
      loss: result.last?.metrics.loss ?? null,
      negativeElbo: result.best?.negativeElbo ?? result.last?.evaluation?.negativeElbo ?? null,
      binarization: prepared.binarization,
      parameters: model.parameterCount(),
      skipped: result.last?.skipped ?? 0,
      files,
      adapter: adapter.name,
      seconds: (performance.now() - began) / 1000,
      msPerStep: done > 0 ? (1000 * trained) / done : null,
    };
  } finally {
    trainer.destroy();
  }
}

async function fitInto(
  run: RunFolder,
  trainer: Trainer,
  prepared: Prepared,
  { out, signal }: Context,
): Promise<FitResult> {
  const { total, config, data, binarization, model, request } = prepared;
  const { training } = config;
  const { patience, checkpointEvery } = training;
  const best = request.resume?.checkpoint.best;
  const { test } = data;
  const { every, limit, samples } = training.evaluate;
  const perEpoch = trainer.stepsPerEpoch;
  const save = async (checkpoint: Checkpoint) => {
    await run.writeCheckpoint(checkpoint);
    const flat = checkpoint.best?.parameters ?? (await trainer.keptParameters());
    await run.writeModel(config.model, unpackParameters(model, flat), version);
  };
  try {
    return await out.progress('training', (bar) =>
      fit(trainer, {
        steps: total,
        checkpointEvery,
        signal,
        ...(patience !== null && { patience }),
        ...(best && { best }),
        ...(test && {
          evaluate: {
            every,
            run: (runtime) =>
              evaluateModel(
                runtime,
                model,
                test,
                (a, b) => binarizedRows(test, a, b, binarization, training.seed),
                { limit: Math.min(limit, test.count), samples },
              ),
          },
        }),
        onProgress: progressOn(bar, total, trainer.step),
        onEpoch: async (report) => {
          await run.report(metricsLine(report));
          out.say(epochLine(report, total / perEpoch));
        },
        onCheckpoint: save,
      }),
    );
  } catch (error) {
    const { lastState } = trainer;
    // What was good is kept, for a second try with other settings.
    if (isLatentGpuError(error, 'not-finite') && lastState) await save({ state: lastState, best });
    throw error;
  }
}

/** Shows loss and speed, the speed as a running mean. */
function progressOn(bar: Bar, total: number, start: number) {
  let before = { step: start, at: performance.now() };
  let speed: number | undefined;
  return ({ step, metrics }: { step: number; metrics: Readonly<Record<string, number>> }) => {
    const at = performance.now();
    const now = (1000 * (step - before.step)) / (at - before.at);
    speed = speed === undefined ? now : 0.7 * speed + 0.3 * now;
    before = { step, at };
    bar.update(step / total, `loss ${metrics.loss?.toFixed(1)}  ${speed.toFixed(1)} steps/s`);
  };
}

function metricsLine(report: EpochReport): Record<string, unknown> {
  const { step, epoch, steps, metrics, skipped, seconds, evaluation, isBest } = report;
  return {
    step,
    epoch,
    steps,
    ...metrics,
    skipped,
    seconds: Number(seconds.toFixed(3)),
    ...(evaluation && { evaluation }),
    ...(isBest !== undefined && { best: isBest }),
  };
}

function epochLine(report: EpochReport, epochs: number): string {
  const { step, epoch, steps, metrics, seconds, skipped, evaluation, isBest } = report;
  const total = Number(epochs.toFixed(2));
  const parts = [
    `epoch ${Number(epoch.toFixed(2))}/${total}`,
    `step ${step}`,
    `loss ${metrics.loss?.toFixed(2)}`,
    ...(metrics.kl !== undefined ? [`kl ${metrics.kl.toFixed(2)}`] : []),
    ...(evaluation ? [`test ${evaluation.negativeElbo.toFixed(2)}${isBest ? ' (best)' : ''}`] : []),
    ...(evaluation?.nll ? [`nll ${evaluation.nll.value.toFixed(2)}`] : []),
    `${(steps / seconds).toFixed(1)} steps/s`,
    ...(skipped > 0 ? [`${skipped} updates skipped`] : []),
  ];
  return parts.join('  ');
}

/** @returns the names of the files */
async function draw(
  run: RunFolder,
  trainer: Trainer,
  parameters: Float32Array,
  { data, binarization, model, config }: Prepared,
): Promise<string[]> {
  const pictures = await trainer.withParameters(parameters, async (runtime) => {
    const inference = new Inference(runtime, model);
    try {
      return await picturesOf(inference, {
        dataset: data.test ?? data.train,
        binarization,
        seed: config.training.seed,
      });
    } finally {
      await inference.destroy();
    }
  });
  for (const [name, png] of pictures) await run.writePicture(name, png);
  return [...pictures.keys()];
}
