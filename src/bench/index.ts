// Measuring: what an adapter can do, and what kernels and steps make of it.
export {
  type ComparedRow,
  type Comparison,
  compareReports,
  formatComparison,
} from './compare.ts';
export { formatReport } from './format.ts';
export { parseReport, stringifyReport } from './json.ts';
export { benchPage } from './page/page.ts';
export {
  formatProfile,
  type Profile,
  type ProfiledDispatch,
  type ProfileOptions,
  profileSchedule,
} from './profile.ts';
export type { BenchCurve, BenchHost, BenchReport, BenchRow, CurvePoint } from './report.ts';
export { type BenchOptions, benchmarkNames, runBenchmark } from './run.ts';
export { makeTrainer, TRAINING_STEPS } from './steps.ts';
