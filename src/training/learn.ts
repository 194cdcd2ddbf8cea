// A model of the table of families as a trainer takes it.
import type { Model } from '../models/index.ts';
import type { TrainingConfig } from './config.ts';
import type { TrainerOptions } from './step.ts';

/** How a model learns: its loss, and what is done before the first step. */
export function learningOf({ learner }: Model): Pick<TrainerOptions, 'loss' | 'start'> {
  return {
    loss: (batch) => learner.loss(batch),
    ...(learner.start && { start: (batch) => learner.start?.(batch) ?? [] }),
  };
}

/** What a trainer is told of a model and the settled keys of its training, data and optimizer excepted. */
export function trainerOf(
  model: Model,
  { batch, seed, clipNorm, ema, noise, optimizer }: TrainingConfig,
): Pick<
  TrainerOptions,
  'model' | 'loss' | 'start' | 'batch' | 'seed' | 'clipNorm' | 'ema' | 'noise' | 'turns'
> {
  const { scheme, eSteps = 1, mSteps = 1 } = optimizer;
  const { turns } = model.learner;
  return {
    model,
    ...learningOf(model),
    batch,
    seed,
    ...(clipNorm !== null && { clipNorm }),
    ...(ema !== null && { ema }),
    ...(noise > 0 && { noise }),
    ...(scheme === 'alternating' &&
      turns && { turns: { groups: [turns.e, turns.m], steps: [eSteps, mSteps] } }),
  };
}
