// From graphs to running plans.
export type { AdapterClass } from './adapter.ts';
export { partsOf, tableInUse, tuningTasks } from './candidates.ts';
export type { KernelChoice } from './invocations.ts';
export type { Plan, RunOptions, StepFeed } from './plan.ts';
export { Runtime, type RuntimeOptions } from './runtime.ts';
export { type Program, type Schedule, schedule } from './schedule.ts';
