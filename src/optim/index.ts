// Optimization: update rules, schedules, and the step that applies them.
export { accumulated } from './accumulated.ts';
export {
  type Followed,
  type FollowedTable,
  type Learned,
  targetsOf,
  type UpdateContext,
} from './followed.ts';
export type { ParameterGroup } from './groups.ts';
export type { LossTerms } from './loss.ts';
export { type Minimization, type MinimizeOptions, minimize } from './minimize.ts';
export {
  type AdamOptions,
  adam,
  adamax,
  adamW,
  type Optimizer,
  type RmspropOptions,
  rmsprop,
  type SgdOptions,
  sgd,
  type UpdateInput,
  type UpdateOutput,
} from './optimizers.ts';
export { RowTable, type RowTableOptions } from './row-table.ts';
export {
  constantRate,
  cosine,
  iwaeStages,
  piecewise,
  type RateSchedule,
  stepDecay,
  warmup,
} from './schedules.ts';
export { type Looked, SparseEmbedding } from './sparse-embedding.ts';
export type { Turns } from './turns.ts';
