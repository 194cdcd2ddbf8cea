// Training: configuration, batches, the trainer, the loop around it, its state as a file.
export {
  BINARIZATIONS,
  type Binarization,
  binarizedRows,
  greyed,
  rowSourceOf,
} from './binarize.ts';
export {
  type Best,
  type Checkpoint,
  layoutOf,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
export {
  assignments,
  fileValues,
  keyValues,
  runConfig,
  runKeys,
  type Sources,
  settleData,
  settleRun,
  type TrainingConfig,
} from './config.ts';
export type { RunData } from './description.ts';
export {
  type EpochReport,
  type FitOptions,
  type FitResult,
  fit,
} from './fit.ts';
export { initialOf, type LearningOf, learningOf, trainerOf } from './learn.ts';
export { describeRun } from './learner.ts';
export { makeOptimizer, totalSteps } from './optimizer.ts';
export { type Decoding, outputBias } from './output-bias.ts';
export type { Progress, RunOptions, TrainingReport } from './report.ts';
export type { TrainerState } from './state.ts';
export {
  describeStep,
  type LossTerms,
  type StepDescription,
  type TrainerOptions,
} from './step.ts';
export type { SweepOptions } from './sweep.ts';
export { Trainer } from './trainer.ts';
