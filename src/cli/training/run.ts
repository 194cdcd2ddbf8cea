// One training run into one folder: what `train` and `start` do.
import { extentsText } from '../../categories.ts';
import { unlabelledText } from '../../data/hide-labels.ts';
import { missingText } from '../../data/missing.ts';
import { logScales, meanScale } from '../../data/standardize.ts';
import { isLatentGpuError } from '../../errors.ts';
import { formatJson } from '../../formats/json.ts';
import {
  evaluateModel,
  MODEL_FILE,
  openInference,
  unpackBuffers,
  unpackParameters,
  WEIGHTS_FILE,
} from '../../models/index.ts';
import { runPictures } from '../../report/run-pictures.ts';
import {
  type Checkpoint,
  type FitResult,
  fit,
  layoutOf,
  rowSourceOf,
  Trainer,
  type TrainerState,
} from '../../training/index.ts';
import { holdingFolder } from '../../training/lock.node.ts';
import { checkOutput } from '../../training/output.node.ts';
import type { TrainingRecord } from '../../training/record.ts';
import { abandon, placeOfNew, placeOfRun, takePlace } from '../../training/replacement.node.ts';
import { SELECTION } from '../../training/run-files.ts';
import { RunFolder } from '../../training/run-folder.node.ts';
import type { Context } from '../common/command.ts';
import { commandDevice } from '../common/device.ts';
import type { Output } from '../common/output.ts';
import { version } from '../common/version.ts';
import { treatmentOf } from '../data/subject.ts';
import { bitsOf, epochLine, inDataUnits, metricsLine, progressOn } from './epoch-report.ts';
import { type Prepared, prepare } from './prepare.ts';
import type { RunRequest } from './request.ts';
import { type Selection, select, withValue } from './select.ts';
import { selectionPlot } from './selection-plot.ts';
import type { RunSummary } from './summary.ts';

/** What shows in training alone, and is the fault of the data or of keys. */
const OF_THE_DATA = ['bad-data', 'bad-config'] as const;

/**
 * Trains, evaluates, draws, and leaves a model folder.
 *
 * @throws LatentGpuError whatever is wrong, before anything is written where that can be known
 */
export async function train(asked: RunRequest, context: Context): Promise<RunSummary> {
  const began = performance.now();
  const { range } = asked;
  const selection = range && (await select(asked, range, context));
  const request = selection ? withValue(asked, selection.key, selection.best) : asked;
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
      commandDevice,
      resume?.checkpoint.state,
    ),
  );
  try {
    // Who continues a run has held its folder since before reading it.
    if (resume) return await trainInto(trainer, prepared, context, began);
    return await holdingFolder(folder, async () => {
      await checkOutput({ folder, force, resume: false });
      const summary = await trainInto(trainer, prepared, context, began);
      return selection ? await withSelection(summary, selection) : summary;
    });
  } finally {
    trainer.destroy();
  }
}

/** Leaves the curve of a selection beside the model. */
async function withSelection(summary: RunSummary, selection: Selection): Promise<RunSummary> {
  const run = new RunFolder(summary.folder);
  const text = (content: string) => new TextEncoder().encode(content);
  await run.writePicture(SELECTION.numbers, text(formatJson(selection)));
  await run.writePicture(SELECTION.curve, text(selectionPlot(selection)));
  return { ...summary, files: [...summary.files, ...Object.values(SELECTION)], selection };
}

async function trainInto(
  trainer: Trainer,
  prepared: Prepared,
  context: Context,
  began: number,
): Promise<RunSummary> {
  const { out } = context;
  const { model, config, request } = prepared;
  const { folder } = request;
  const begun = await openRun(trainer, prepared);
  announce(trainer, prepared, out);
  const start = trainer.step;
  const clock = performance.now();
  const result = await fitInto(begun, trainer, prepared, context).catch(async (error) => {
    // Trying again would end there, too.
    const isOfData = OF_THE_DATA.some((code) => isLatentGpuError(error, code));
    if (isOfData && !request.resume) await abandon(folder, begun);
    if (begun.path !== folder) {
      const rest = isOfData ? '' : '; --resume goes on with the run that was to replace it';
      out.say(`${folder} keeps the model that it held${rest}`);
    }
    throw error;
  });
  await takePlace(folder, begun.path);
  const run = new RunFolder(folder);
  const trained = (performance.now() - clock) / 1000;
  const files = [MODEL_FILE, WEIGHTS_FILE];
  if (result.reason !== 'interrupted') {
    const isVector = config.model.data.shape.length === 1 && !config.model.data.sequence;
    out.say(`drawing pictures${isVector ? ' (0: data, 1: the model)' : ''}`);
    files.push(...(await draw(run, trainer, result.parameters, prepared)));
  }
  const done = result.step - start;
  const shift = shiftOf(prepared);
  const last = result.last?.evaluation;
  const tested = result.best?.loss ?? last?.loss ?? null;
  const isExact = model.can.logWeights?.exact === true;
  return {
    folder: request.folder,
    family: request.family.name,
    reason: result.reason,
    step: result.step,
    epoch: result.epoch,
    loss: result.last ? (inDataUnits(result.last, shift).metrics.loss ?? null) : null,
    negativeElbo: isExact ? null : tested,
    negativeLogLikelihood: isExact ? tested : null,
    bitsPerDimension: tested === null ? null : bitsOf(model, tested),
    binarization: prepared.binarization,
    parameters: model.parameterCount(),
    skipped: result.last?.skipped ?? 0,
    files,
    adapter: trainer.runtime.device.adapter.name,
    seconds: (performance.now() - began) / 1000,
    msPerStep: done > 0 ? (1000 * trained) / done : null,
  };
}

/** The run's folder, with what a continued run needs in it from the first moment. */
async function openRun(trainer: Trainer, { record, request, model }: Prepared): Promise<RunFolder> {
  const { folder, resume } = request;
  const run = new RunFolder(await (resume ? placeOfRun : placeOfNew)(folder));
  const { adapter, subgroupSize } = trainer.runtime.device;
  const whole: TrainingRecord = {
    ...record,
    adapter: {
      name: adapter.name,
      isSoftware: adapter.isSoftware,
      ...(!adapter.isSoftware && { vendor: adapter.vendor }),
      ...(subgroupSize !== undefined && { subgroupSize }),
      source: adapter.source,
    },
  };
  if (resume) await run.goOn(whole, trainer.step);
  else {
    const state = trainer.lastState as TrainerState;
    await run.begin(whole, { state, best: undefined, layout: layoutOf(model) });
  }
  return run;
}

/** Says what is trained, on what, and where. */
function announce(
  trainer: Trainer,
  { model, config, data, request, total, standardization, binarization }: Prepared,
  out: Output,
): void {
  const { adapter } = trainer.runtime.device;
  const { model: described } = config;
  const treatment = treatmentOf(model, standardization !== undefined, binarization);
  const [codes, likelihood] = model.portrait?.line ?? ['', ''];
  const { shape, categories } = described.data;
  const extents = categories ? extentsText(shape, categories) : shape.join('×');
  out.say(
    `${request.family.name} ${extents}${codes}, ` +
      `${model.parameterCount().toLocaleString('en-US')} parameters; ` +
      `${[`${data.train.name}, ${data.train.count} rows`, ...missingText(data.train), ...unlabelledText(data.train)].join(', ')}` +
      `${trainer.isStreamed ? ', streamed' : ''}, ` +
      `${treatment}${likelihood}`,
  );
  out.say(`${adapter.name}${adapter.isSoftware ? ', software' : ''}; writing to ${request.folder}`);
  if (request.resume) out.say(`continuing at step ${trainer.step} of ${total}`);
}

async function fitInto(
  run: RunFolder,
  trainer: Trainer,
  prepared: Prepared,
  { out, signal }: Context,
): Promise<FitResult> {
  const { total, config, data, binarization, model, request, standardization } = prepared;
  const { training } = config;
  const { patience, checkpointEvery } = training;
  const best = request.resume?.checkpoint.best;
  const { test } = data;
  const { every, limit, samples = 0 } = training.evaluate;
  const perEpoch = trainer.stepsPerEpoch;
  const shift = shiftOf(prepared);
  const save = async (checkpoint: Checkpoint) => {
    const flat = checkpoint.best?.parameters ?? (await trainer.keptParameters());
    const kept = unpackParameters(model, flat);
    const whole = { ...checkpoint, layout: layoutOf(model) };
    const buffers = unpackBuffers(model, checkpoint.state.tensors);
    await run.save(whole, config.model, kept, version, standardization, buffers);
  };
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
          run: (runtime) => {
            const rows = rowSourceOf(test, binarization, training.seed);
            return evaluateModel(runtime, model, test, rows, {
              limit: Math.min(limit, test.count),
              logScale: logScales(standardization, test, model.can.densityOf),
              samples,
            });
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
      isUnseen: data.test !== undefined,
      seed: config.training.seed,
      ...(standardization && { standardization }),
    };
    const asked = openInference(runtime, model);
    try {
      return await runPictures(asked, options);
    } finally {
      await asked.destroy();
    }
  });
  for (const [name, png] of pictures) await run.writePicture(name, png);
  return [...pictures.keys()];
}

/** What the loss of the training rows, the mean over them, gains in data units. */
function shiftOf({ standardization, data, model }: Prepared): number {
  return meanScale(logScales(standardization, data.train, model.can.densityOf));
}
