// One training run into one folder: what `train` and `start` do.
import { logScale, type Standardization } from '../data/standardize.ts';
import { openDevice } from '../device/index.ts';
import { bitsPerDimension } from '../flows/index.ts';
import {
  codeSize,
  evaluateFlow,
  evaluateModel,
  type Family,
  FlowInference,
  FlowModel,
  GREY_LEVELS,
  Inference,
  isFlowConfig,
  type Model,
  unpackBuffers,
  unpackParameters,
} from '../models/index.ts';
import {
  type AnyEvaluation,
  type Binarization,
  binarizedRows,
  type Checkpoint,
  type EpochReport,
  type FitResult,
  fit,
  layoutOf,
  lossIn,
  Trainer,
  type TrainerState,
} from '../training/index.ts';
import { holdingFolder } from '../training/lock.node.ts';
import { checkOutput } from '../training/output.node.ts';
import type { TrainingRecord } from '../training/record.ts';
import { RunFolder } from '../training/run-folder.node.ts';
import type { Context } from './command.ts';
import { flowPictures } from './flow-pictures.ts';
import { picturesOf } from './pictures.ts';
import { type Prepared, prepare, type RunRequest } from './prepare.ts';
import type { Bar } from './progress.ts';
import { treatmentOf } from './subject.ts';
import { version } from './version.ts';

export interface RunSummary {
  readonly folder: string;
  readonly family: Family;
  readonly reason: FitResult['reason'];
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | null;
  /** Of the evaluation data, for the parameters that were kept; of latent-variable models. */
  readonly negativeElbo: number | null;
  /** The same of flows. */
  readonly negativeLogLikelihood: number | null;
  /** Of flows on grey levels. */
  readonly bitsPerDimension: number | null;
  readonly binarization: Binarization;
  readonly parameters: number;
  readonly skipped: number;
  readonly files: readonly string[];
  readonly adapter: string;
  readonly seconds: number;
  readonly msPerStep: number | null;
}

/** What is done to the data, and what the decoder describes. */
function treatment({ binarization, standardization, config }: Prepared): string {
  const { model } = config;
  const how = treatmentOf({ config: model, standardization }, binarization);
  return isFlowConfig(model) ? how : `${how}, likelihood ${model.likelihood.kind}`;
}

type Result = FitResult<AnyEvaluation>;
type Report = EpochReport<AnyEvaluation>;

/** Nats as bits for each of an image's numbers, of a flow on grey levels. */
function bitsOf(model: Model, nats: number): number | null {
  return model instanceof FlowModel && model.isDequantized
    ? bitsPerDimension(-nats, model.features, GREY_LEVELS)
    : null;
}

/**
 * Trains, evaluates, draws, and leaves a model folder.
 *
 * @throws LatentGpuError whatever is wrong, before anything is written where that can be known
 */
export async function train(request: RunRequest, context: Context): Promise<RunSummary> {
  const began = performance.now();
  const prepared = await prepare(request, context);
  const { resume, folder, force, tune } = request;
  // On a GPU, kernels that are not known there are measured while they are compiled.
  const trainer = await context.out.progress('compiling', (bar) =>
    Trainer.create(
      {
        ...prepared.trainer,
        tune: {
          ...(tune !== undefined && { mode: tune }),
          onProgress: (done, label) => bar.update(done, label.slice(0, 30)),
        },
      },
      () => openDevice(),
      resume?.checkpoint.state,
    ),
  );
  try {
    // Who continues a run has held its folder since before reading it.
    if (resume) return await trainInto(trainer, prepared, context, began);
    return await holdingFolder(folder, async () => {
      await checkOutput({ folder, force, resume: false });
      return await trainInto(trainer, prepared, context, began);
    });
  } finally {
    trainer.destroy();
  }
}

async function trainInto(
  trainer: Trainer,
  prepared: Prepared,
  context: Context,
  began: number,
): Promise<RunSummary> {
  const { out } = context;
  const { model, total, config, data, request } = prepared;
  const { resume, folder } = request;
  const run = new RunFolder(folder);
  const { adapter, subgroupSize } = trainer.runtime.device;
  const record: TrainingRecord = {
    ...prepared.record,
    adapter: {
      name: adapter.name,
      isSoftware: adapter.isSoftware,
      ...(!adapter.isSoftware && { vendor: adapter.vendor }),
      ...(subgroupSize !== undefined && { subgroupSize }),
      source: adapter.source,
    },
  };
  if (resume) await run.goOn(record, trainer.step);
  else {
    const state = trainer.lastState as TrainerState;
    await run.begin(record, { state, best: undefined, layout: layoutOf(model) });
  }
  out.say(
    `${request.family} ${config.model.data.shape.join('×')}${isFlowConfig(config.model) ? '' : ` → ${codeSize(config.model)}`}, ` +
      `${model.parameterCount().toLocaleString('en-US')} parameters; ` +
      `${data.train.name}, ${data.train.count} rows${trainer.isStreamed ? ', streamed' : ''}, ${treatment(prepared)}`,
  );
  out.say(`${adapter.name}${adapter.isSoftware ? ', software' : ''}; writing to ${folder}`);
  if (resume) out.say(`continuing at step ${trainer.step} of ${total}`);
  const start = trainer.step;
  const clock = performance.now();
  const result = await fitInto(run, trainer, prepared, context);
  const trained = (performance.now() - clock) / 1000;
  const files = ['model.json', 'weights.safetensors'];
  if (result.reason !== 'interrupted') {
    const isVector = config.model.data.shape.length === 1;
    const legend = isVector ? ' (0: data, 1: the model)' : '';
    out.say(
      model instanceof FlowModel
        ? `drawing samples${legend}`
        : `drawing samples, reconstructions${legend} and the latent space`,
    );
    files.push(...(await draw(run, trainer, result.parameters, prepared)));
  }
  const done = result.step - start;
  const shift = shiftOf(prepared.standardization);
  const last = result.last?.evaluation;
  const tested = result.best?.negativeElbo ?? (last ? lossIn(last) : null);
  return {
    folder,
    family: request.family,
    reason: result.reason,
    step: result.step,
    epoch: result.epoch,
    loss: result.last ? (inDataUnits(result.last, shift).metrics.loss ?? null) : null,
    negativeElbo: model instanceof FlowModel ? null : tested,
    negativeLogLikelihood: model instanceof FlowModel ? tested : null,
    bitsPerDimension: tested === null ? null : bitsOf(model, tested),
    binarization: prepared.binarization,
    parameters: model.parameterCount(),
    skipped: result.last?.skipped ?? 0,
    files,
    adapter: adapter.name,
    seconds: (performance.now() - began) / 1000,
    msPerStep: done > 0 ? (1000 * trained) / done : null,
  };
}

async function fitInto(
  run: RunFolder,
  trainer: Trainer,
  prepared: Prepared,
  { out, signal }: Context,
): Promise<Result> {
  const { total, config, data, binarization, model, request, standardization } = prepared;
  const { training } = config;
  const { patience, checkpointEvery } = training;
  const best = request.resume?.checkpoint.best;
  const { test } = data;
  const { every, limit, samples = 0 } = training.evaluate;
  const perEpoch = trainer.stepsPerEpoch;
  const shift = shiftOf(standardization);
  const save = async (checkpoint: Checkpoint) => {
    const flat = checkpoint.best?.parameters ?? (await trainer.keptParameters());
    const kept = unpackParameters(model, flat);
    const whole = { ...checkpoint, layout: layoutOf(model) };
    const buffers = unpackBuffers(model, checkpoint.state.tensors);
    await run.save(whole, config.model, kept, version, standardization, buffers);
  };
  return await out.progress('training', (bar) =>
    fit<AnyEvaluation>(trainer, {
      steps: total,
      checkpointEvery,
      signal,
      ...(patience !== null && { patience }),
      ...(best && { best }),
      ...(test && {
        evaluate: {
          every,
          run: (runtime) => {
            const rows = (a: number, b: number) =>
              binarizedRows(test, a, b, binarization, training.seed);
            const options = { limit: Math.min(limit, test.count), logScale: shift };
            return model instanceof FlowModel
              ? evaluateFlow(runtime, model, test, rows, options)
              : evaluateModel(runtime, model, test, rows, { ...options, samples });
          },
        },
      }),
      onProgress: progressOn(bar, total, trainer.step, shift),
      onEpoch: async (report) => {
        const shown = inDataUnits(report, shift);
        await run.report(metricsLine(shown));
        out.say(epochLine(model, shown, total / perEpoch));
      },
      onCheckpoint: save,
    }),
  );
}

/** What a negative log-density of standardised data lacks to one of the data as they were. */
function shiftOf(standardization: Standardization | undefined): number {
  return standardization ? logScale(standardization) : 0;
}

/** The loss in nats of the data as they were, as evaluations are. */
function inDataUnits(report: Report, shift: number): Report {
  const { loss } = report.metrics;
  if (loss === undefined || shift === 0) return report;
  return { ...report, metrics: { ...report.metrics, loss: loss + shift } };
}

/** Shows loss and speed, the speed as a running mean. */
function progressOn(bar: Bar, total: number, start: number, shift: number) {
  let before = { step: start, at: performance.now() };
  let speed: number | undefined;
  return ({ step, metrics }: { step: number; metrics: Readonly<Record<string, number>> }) => {
    const at = performance.now();
    const now = (1000 * (step - before.step)) / (at - before.at);
    speed = speed === undefined ? now : 0.7 * speed + 0.3 * now;
    before = { step, at };
    bar.update(
      step / total,
      `loss ${((metrics.loss ?? 0) + shift).toFixed(1)}  ${speed.toFixed(1)} steps/s`,
    );
  };
}

function metricsLine(report: Report): Record<string, unknown> {
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

function epochLine(model: Model, report: Report, epochs: number): string {
  const { step, epoch, steps, metrics, seconds, skipped, evaluation, isBest } = report;
  const total = Number(epochs.toFixed(2));
  const tested = evaluation && lossIn(evaluation);
  const bits = bitsOf(model, tested ?? metrics.loss ?? 0);
  const nll = evaluation && 'nll' in evaluation ? evaluation.nll : null;
  const parts = [
    `epoch ${Number(epoch.toFixed(2))}/${total}`,
    `step ${step}`,
    `loss ${metrics.loss?.toFixed(2)}`,
    ...(metrics.kl !== undefined ? [`kl ${metrics.kl.toFixed(2)}`] : []),
    ...(tested !== undefined ? [`test ${tested.toFixed(2)}${isBest ? ' (best)' : ''}`] : []),
    ...(bits !== null ? [`${bits.toFixed(3)} bits/dim`] : []),
    ...(nll ? [`nll ${nll.value.toFixed(2)}`] : []),
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
  { data, binarization, model, config, standardization }: Prepared,
): Promise<string[]> {
  const pictures = await trainer.withParameters(parameters, async (runtime) => {
    const options = {
      dataset: data.test ?? data.train,
      binarization,
      seed: config.training.seed,
      ...(standardization && { standardization }),
    };
    const inference =
      model instanceof FlowModel
        ? new FlowInference(runtime, model)
        : new Inference(runtime, model);
    try {
      return inference instanceof FlowInference
        ? await flowPictures(inference, options)
        : await picturesOf(inference, options);
    } finally {
      await inference.destroy();
    }
  });
  for (const [name, png] of pictures) await run.writePicture(name, png);
  return [...pictures.keys()];
}
