/** The loop around the trainer: epochs, evaluations, checkpoints, stopping. */
import { digits } from '../../src/data/digits.ts';
import { LatentGpuError } from '../../src/errors.ts';
import { buildModel, type Evaluation, evaluateModel, type Vae } from '../../src/models/index.ts';
import type { MLP } from '../../src/nn/index.ts';
import {
  assignments,
  binarizedRows,
  type Checkpoint,
  type EpochReport,
  type FitOptions,
  fit,
  learningOf,
  makeOptimizer,
  outputBias,
  readCheckpoint,
  runConfig,
  settleRun,
  Trainer,
  type TrainerState,
  writeCheckpoint,
} from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';

const images = digits({ count: 42, seed: 1, size: 8 });
/** 42 rows in batches of 8: five steps an epoch. */
const PER_EPOCH = 5;

function described(texts: string[] = []) {
  const small = ['encoder.hidden=8', 'decoder.hidden=8', 'latent=2', 'batch=8', 'ema=0.8'];
  const values = settleRun('vae', [assignments('vae', [...small, ...texts])]);
  return runConfig('vae', images, values);
}

/** A trainer of a small model on the case's own device. */
function make(t: CaseContext, from?: TrainerState): Promise<Trainer> {
  const { model: config, training } = described();
  const model = buildModel(config);
  return Trainer.create(
    {
      model,
      ...learningOf(model),
      data: images,
      batch: training.batch,
      binarize: 'resampled',
      seed: 5,
      optimizer: makeOptimizer(training, PER_EPOCH, 100),
      ...(training.ema !== null && { ema: training.ema }),
    },
    () => Promise.resolve(t.device),
    from,
  );
}

/** An evaluation that says what it is told to, and what the parameters were then. */
function scripted(scores: number[]) {
  let at = 0;
  const evaluation = (negativeElbo: number): Evaluation => ({
    count: 1,
    loss: negativeElbo,
    negativeElbo,
    standardError: 0,
    kl: null,
    nll: null,
    activeUnits: null,
    figures: [],
  });
  return { every: 1, run: async () => evaluation(scores[at++] as number) };
}

interface Seen {
  epochs: EpochReport[];
  checkpoints: Checkpoint[];
}

async function fitted(t: CaseContext, options: FitOptions, from?: TrainerState) {
  const trainer = await make(t, from);
  const seen: Seen = { epochs: [], checkpoints: [] };
  try {
    const result = await fit(trainer, {
      ...options,
      onEpoch: (report) => void seen.epochs.push(report),
      onCheckpoint: (checkpoint) => void seen.checkpoints.push(checkpoint),
    });
    return { result, ...seen, last: seen.checkpoints.at(-1) as Checkpoint };
  } finally {
    trainer.runtime.destroy();
  }
}

/** As if through a file. */
const stored = (checkpoint: Checkpoint) => readCheckpoint(writeCheckpoint(checkpoint));

cases('fit', (c) => {
  c('reports every epoch and the end, and saves as often as told', async (t) => {
    const { result, epochs, checkpoints } = await fitted(t, {
      steps: 13,
      checkpointEvery: 4,
      evaluate: scripted([3, 2, 4]),
    });
    t.equal([result.reason, result.step, result.epoch], ['finished', 13, 13 / 5]);
    t.equal(
      epochs.map(({ step, steps, evaluation }) => [step, steps, evaluation?.negativeElbo]),
      [
        [5, 5, 3],
        [10, 5, 2],
        [13, 3, 4],
      ],
    );
    t.ok(
      epochs.every(({ metrics }) => Number.isFinite(metrics.loss) && Number.isFinite(metrics.kl)),
      'loss and divergence are reported',
    );
    t.equal(
      checkpoints.map(({ state }) => state.step),
      [4, 8, 12, 13],
    );
    t.equal(result.last, epochs[2]);
  });

  c('evaluates as often as told, and at the end', async (t) => {
    const { epochs } = await fitted(t, {
      steps: 17,
      evaluate: { ...scripted([1, 2, 3]), every: 2 },
    });
    t.equal(
      epochs.map(({ evaluation }) => evaluation?.negativeElbo),
      [undefined, 1, undefined, 2],
    );
  });

  c('is the same run in one go, in parts, and however often it is saved', async (t) => {
    const whole = await fitted(t, { steps: 23 });
    const often = await fitted(t, { steps: 23, checkpointEvery: 1 });
    t.equal(often.last.state.tensors, whole.last.state.tensors, 'saved at every step');
    const first = await fitted(t, { steps: 9 });
    const second = await fitted(t, { steps: 23 }, stored(first.last).state);
    t.equal(second.last.state.tensors, whole.last.state.tensors, 'in two parts');
    t.equal(second.result.parameters, whole.result.parameters, 'what is kept');
    t.equal(second.epochs[0]?.steps, 1, 'the rest of the second epoch');
    const again = await fitted(t, { steps: 23 }, stored(second.last).state);
    t.equal([again.result.reason, again.epochs.length], ['finished', 0], 'nothing left to do');
    t.equal(again.result.parameters, whole.result.parameters, 'what is kept then');
  });

  c('stops when patience runs out, and keeps the best', async (t) => {
    const scores = [9, 7, 8, 7, 3];
    const options = { steps: 100, evaluate: scripted(scores), patience: 2 };
    const { result, epochs, last } = await fitted(t, options);
    t.equal([result.reason, result.step], ['stale', 20]);
    t.equal(
      epochs.map(({ isBest }) => isBest),
      [true, true, false, false],
    );
    t.equal([result.best?.loss, result.best?.step, result.best?.stale], [7, 10, 2]);
    const short = await fitted(t, { steps: 10 });
    t.equal(result.parameters, short.result.parameters, 'the parameters of step 10');

    // Continued: with the same patience there is nothing to do, with more it goes on.
    const { state, best } = stored(last);
    const held = best && { best };
    const over = await fitted(t, { ...options, ...held }, state);
    t.equal([over.result.reason, over.result.step], ['stale', 20]);
    t.equal(over.result.parameters, short.result.parameters);
    const more = { steps: 25, patience: 3, ...held };
    const longer = await fitted(t, { ...more, evaluate: scripted([3]) }, state);
    t.equal([longer.result.reason, longer.result.best?.step], ['finished', 25]);
  });

  c('stops with a checkpoint when interrupted, and goes on', async (t) => {
    const controller = new AbortController();
    const stopped = await fitted(t, {
      steps: 2000,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    const { step, reason } = stopped.result;
    t.equal([reason, stopped.last.state.step], ['interrupted', step]);
    t.ok(step > 0 && step < 2000, `stopped at step ${step}`);
    const total = step + 4;
    const resumed = await fitted(t, { steps: total }, stored(stopped.last).state);
    const whole = await fitted(t, { steps: total });
    t.equal(resumed.result.parameters, whole.result.parameters);
  });

  c('evaluates what it keeps, without a trace in the training', async (t) => {
    const trainer = await make(t);
    const { model } = trainer.options;
    const before: Float32Array[] = [];
    const result = await fit(trainer, {
      steps: 10,
      evaluate: {
        every: 1,
        run: async (runtime) => {
          before.push((await runtime.read(model.parameters()[0] as never)) as Float32Array);
          return await evaluateModel(
            runtime,
            model as never,
            images,
            (a, b) => binarizedRows(images, a, b, 'resampled', 0),
            { samples: 3, limit: 20 },
          );
        },
      },
    });
    trainer.runtime.destroy();
    const size = before[1]?.length as number;
    t.equal(before[1], result.parameters.slice(0, size), 'the average is what was evaluated');
    const plain = await fitted(t, { steps: 10 });
    t.equal(result.parameters, plain.result.parameters, 'no trace');
    const { evaluation } = result.last as EpochReport;
    t.ok((evaluation?.nll?.value ?? 1e9) < (evaluation?.negativeElbo ?? 0), 'a better bound');
  });

  c('a loss that is not finite leaves the last good state, and the best until then', async (t) => {
    const trainer = await make(t);
    const run = trainer.run.bind(trainer);
    let runs = 0;
    trainer.run = async (...args) => {
      if (++runs > 2) throw new LatentGpuError('not-finite', 'the loss is not finite');
      return await run(...args);
    };
    const checkpoints: Checkpoint[] = [];
    try {
      const options = {
        steps: 30,
        patience: 3,
        evaluate: scripted([3, 4]),
        onCheckpoint: (checkpoint: Checkpoint) => void checkpoints.push(checkpoint),
      };
      await t.throws('not-finite', () => fit(trainer, options));
    } finally {
      trainer.runtime.destroy();
    }
    t.equal(checkpoints.length, 1);
    const { state, best } = checkpoints[0] as Checkpoint;
    t.equal([state.step, best?.step, best?.loss, best?.stale], [10, 5, 3, 1]);
  });

  c('an output bias from the data is where the data are', async (t) => {
    for (const [kind, inverse] of [
      ['bernoulli', (x: number) => 1 / (1 + Math.exp(-x))],
      ['normal', (x: number) => x],
    ] as const) {
      const model = buildModel(described([`likelihood.kind=${kind}`]).model) as Vae;
      const [bias, values] = outputBias(model, images, 'resampled');
      t.ok(bias === (model.decoder as MLP).layers[1]?.bias, 'the last bias');
      const means = Array.from(values, (_, j) => {
        let sum = 0;
        for (let i = 0; i < images.count; i++) sum += (images.data[i * 64 + j] as number) / 255;
        return sum / images.count;
      });
      const expected = kind === 'normal' ? means : means.map((p) => Math.max(0.001, p));
      t.close(Float64Array.from(values, inverse), expected, { absolute: 1e-6 }, kind);
    }
    // Of convolutions one for all pixels.
    const net = ['latent=2', 'decoder.kind=conv', 'decoder.channels=4,4'];
    const values = settleRun('vae', [assignments('vae', ['likelihood.kind=bernoulli', ...net])]);
    const deep = buildModel(runConfig('vae', images, values).model) as Vae;
    const [shared, [logit]] = outputBias(deep, images, 'resampled');
    t.equal(shared.shape, [1], 'one channel');
    const mean = Array.from(images.data).reduce((sum, value) => sum + value / 255, 0);
    const p = 1 / (1 + Math.exp(-(logit as number)));
    t.close([p], [mean / images.data.length], { absolute: 1e-6 }, 'convolutions');
    const texts = ['likelihood.kind=categorical', 'likelihood.levels=3'];
    const model = buildModel(described(texts).model) as Vae;
    await t.throws('bad-config', () => outputBias(model, images, 'none'), /categorical/);
  });
});
