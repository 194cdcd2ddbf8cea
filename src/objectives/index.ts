// What models are trained for: bounds, estimators of their gradients, weights of their terms.
export { type AggregateWeights, discrepancy, totalCorrelation } from './aggregate.ts';
export { cooled, cyclicalAnnealing, linearAnnealing } from './annealing.ts';
export { type Baseline, type Baselined, MeanBaseline, NetworkBaseline } from './baselines.ts';
export { checkObjective, type ObjectiveTraits } from './check.ts';
export { Constraint, type ConstraintOptions } from './constraint.ts';
export type { FreeBits, Weights } from './divergence.ts';
export { logLikelihoodOf, posteriorOf } from './draws.ts';
export { type ElboOptions, elbo } from './elbo.ts';
export type { BoundTerms, Estimate } from './estimate.ts';
export { dreg } from './estimators/dreg.ts';
export { ENUMERABLE, enumerated } from './estimators/enumerated.ts';
export { gumbel, type RelaxedOptions, straightThrough } from './estimators/relaxed.ts';
export { type ScoreOptions, score } from './estimators/score.ts';
export { type StlOptions, stl } from './estimators/stl.ts';
export {
  type ImportanceEstimate,
  importanceBound,
  importanceOf,
  logEffectiveSampleSize,
} from './importance.ts';
export { OBJECTIVE_KEYS, type ObjectiveConfig } from './keys.ts';
export type { LatentModel, Pathwise, Posterior } from './model.ts';
export { Objective, type ObjectiveTerms } from './objective.ts';
export { BernoulliPosterior } from './posteriors/bernoulli.ts';
export { CategoricalPosterior } from './posteriors/categorical.ts';
export { type DiscretePosterior, type Enumeration, isDiscrete } from './posteriors/discrete.ts';
export { FlowPosterior } from './posteriors/flow.ts';
export { belowDiagonal, FullPosterior } from './posteriors/full.ts';
export { NormalPosterior } from './posteriors/normal.ts';
export { PathwisePosterior } from './posteriors/pathwise.ts';
export { StudentPosterior } from './posteriors/student.ts';
