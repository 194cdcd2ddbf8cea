// Training: configuration, batches, the trainer, the loop around it, its state as a file.
export { BINARIZATIONS, type Binarization, binarizedRows } from './batches.ts';
export { type Best, type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
export {
  assignments,
  fileValues,
  makeOptimizer,
  RUN_KEYS,
  runConfig,
  settleRun,
  type TrainingConfig,
  totalSteps,
} from './config.ts';
export { type EpochReport, type FitOptions, type FitResult, fit } from './fit.ts';
export { lossOf } from './objective.ts';
export { outputBias } from './output-bias.ts';
export {
  describeStep,
  type LossTerms,
  type Progress,
  type RunOptions,
  type StepDescription,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingReport,
} from './trainer.ts';
