// A model of the table of families as a trainer takes it.
import type { ImageDataset } from '../data/dataset.ts';
import type { Variable } from '../graph/variable.ts';
import type { Learner, Model, SweepLearner, TrainingRows } from '../models/index.ts';
import type { Batch } from '../nn/index.ts';
import type { Optimizer } from '../optim/index.ts';
import { type Binarization, binarizedRows } from './binarize.ts';
import type { TrainingConfig } from './config.ts';
import type { TrainerOptions } from './step.ts';
import type { SweepOptions } from './sweep.ts';

/** What a trainer takes of a learner of that kind. */
export type LearningOf<L extends Learner> = L extends SweepLearner
  ? Pick<SweepOptions, 'sweep' | 'start'>
  : Pick<TrainerOptions, 'loss' | 'start' | 'before' | 'tend'>;

/**
 * How a model learns: its loss, or its passes, and what is done before the first step.
 *
 * ```ts
 * const options = { model, data, batch: 100, optimizer: optim.adam(), ...learningOf(model) };
 * const trainer = await Trainer.create(options);
 * ```
 */
export function learningOf<L extends Learner>(model: { readonly learner: L }): LearningOf<L> {
  const learner: Learner = model.learner;
  const start = learner.start && { start: (batch: Batch) => learner.start?.(batch) ?? [] };
  const how =
    'sweep' in learner
      ? { sweep: learner.sweep }
      : {
          loss: (batch: Batch) => learner.loss(batch),
          ...(learner.before && { before: learner.before }),
          ...(learner.tend && { tend: learner.tend }),
        };
  return { ...how, ...start } as LearningOf<L>;
}

/**
 * Initial values that a model finds in its data, before the first step of a run.
 *
 * @throws LatentGpuError `bad-data`, `bad-config` for data from which it cannot be learned
 * @example const initial = initialOf(model, data, 'none', 1);
 */
export function initialOf(
  { learner }: { readonly learner: Learner },
  data: ImageDataset,
  binarization: Binarization,
  seed: number,
): ReadonlyMap<Variable, Float32Array> | undefined {
  return learner.initial?.(trainingRows(data, binarization, seed), seed);
}

/** Rows as a model sees them that looks for its start in them. */
export function trainingRows(
  data: ImageDataset,
  binarization: Binarization,
  seed: number,
): TrainingRows {
  const rows = (a: number, b: number) => binarizedRows(data, a, b, binarization, seed);
  const { count, mask } = data;
  const width = mask ? mask.length / count : 0;
  const seen = mask && { mask: (a: number, b: number) => mask.subarray(a * width, b * width) };
  return { count, rows, ...seen };
}

/**
 * What a trainer is told of a model and the settled keys of its training, the data excepted.
 *
 * ```ts
 * const optimizer = () => makeOptimizer(training, 100, 1000);
 * const trainer = await Trainer.create({ data, ...trainerOf(model, training, optimizer) });
 * ```
 *
 * @param optimizer made where the model follows a gradient
 */
export function trainerOf(
  model: Model,
  { batch, seed, clipNorm, ema, noise = 0, optimizer: asked }: TrainingConfig,
  optimizer: () => Optimizer,
): Omit<TrainerOptions, 'data'> | Omit<SweepOptions, 'data'> {
  const { learner } = model;
  const shared = { model, batch, seed, ...(noise > 0 && { noise }) };
  if ('sweep' in learner) return { ...shared, ...learningOf({ learner }) };
  const { turns } = learner;
  const { scheme, eSteps = 1, mSteps = 1 } = asked;
  return {
    ...shared,
    ...learningOf({ learner }),
    optimizer: optimizer(),
    ...(clipNorm !== null && { clipNorm }),
    ...(ema !== null && { ema }),
    ...(scheme === 'alternating' &&
      turns && { turns: { groups: [turns.e, turns.m], steps: [eSteps, mSteps] } }),
  };
}
