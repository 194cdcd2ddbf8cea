// Training: batches, the trainer, its state.
export { BINARIZATIONS, type Binarization, binarizedRows } from './batches.ts';
export {
  type LossTerms,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingReport,
} from './trainer.ts';
