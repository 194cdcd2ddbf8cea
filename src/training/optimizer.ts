// How long a run is, and what follows its gradient, by its settings.
import {
  adam,
  adamax,
  adamW,
  constantRate,
  cosine,
  iwaeStages,
  type Optimizer,
  type RateSchedule,
  sgd,
  stepDecay,
  warmup,
} from '../optim/index.ts';
import type { TrainingConfig } from './config.ts';

/**
 * Steps of the whole run.
 *
 * @example totalSteps({ steps: null, epochs: 3 }, 100) // 300
 */
export function totalSteps(
  { steps, epochs }: Pick<TrainingConfig, 'steps' | 'epochs'>,
  stepsPerEpoch: number,
): number {
  return steps ?? (epochs ?? 1) * stepsPerEpoch;
}

/**
 * An optimizer with its schedule, by the settings of a run.
 *
 * ```ts
 * const { training } = runConfig('vae', { shape: [4] }, settleRun('vae', []));
 * makeOptimizer(training, 100, 1000).name // "adam"
 * ```
 *
 * @param stepsPerEpoch and total steps give the schedules their lengths
 */
export function makeOptimizer(
  { optimizer, schedule }: Pick<TrainingConfig, 'optimizer' | 'schedule'>,
  stepsPerEpoch: number,
  total: number,
): Optimizer {
  const course = makeSchedule(schedule, optimizer.lr, stepsPerEpoch, total);
  const plain = schedule.kind === 'constant' && schedule.warmup === 0;
  const { kind, betas = [0.9, 0.999], eps = 1e-8, momentum = 0, weightDecay } = optimizer;
  const lr = plain ? optimizer.lr : course;
  if (kind === 'sgd') return sgd({ lr, momentum, weightDecay });
  const makers = { adam, adamW, adamax };
  return makers[kind]({ lr, betas: betas as readonly [number, number], eps, weightDecay });
}

function makeSchedule(
  schedule: TrainingConfig['schedule'],
  lr: number,
  stepsPerEpoch: number,
  total: number,
): RateSchedule {
  const courses: Record<typeof schedule.kind, () => RateSchedule> = {
    constant: () => constantRate(lr),
    step: () => stepDecay(lr, schedule.every ?? 1000, schedule.gamma),
    cosine: () => cosine(lr, schedule.steps ?? total, schedule.final),
    // The paper's first stage has rate 1e-3.
    iwae: () => iwaeStages(stepsPerEpoch, lr / 1e-3),
  };
  return warmup(schedule.warmup, courses[schedule.kind]());
}
