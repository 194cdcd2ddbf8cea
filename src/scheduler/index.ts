// From graphs to running plans.

export type { Leg } from '../graph/loop.ts';
export type { KernelChoice } from './emit/invocations.ts';
export type { AdapterClass } from './lower/adapter.ts';
export { partsOf, tableInUse, tuningTasks } from './run/candidates.ts';
export { workOfStep } from './run/explain.ts';
export { LegPlans } from './run/legs.ts';
export type { Plan, RunOptions, StepFeed } from './run/plan.ts';
export { Runtime, type RuntimeOptions } from './run/runtime.ts';
export { type Program, type Schedule, schedule } from './run/schedule.ts';
export { dispatchOrder } from './run/turns.ts';
