// What models are trained for.
export { type ElboOptions, elbo } from './elbo.ts';
export type { BoundTerms, Estimate } from './estimate.ts';
export { type ImportanceEstimate, importanceBound, logEffectiveSampleSize } from './importance.ts';
export type { LatentModel, Posterior } from './model.ts';
export { FlowPosterior } from './posteriors/flow.ts';
export { NormalPosterior } from './posteriors/normal.ts';
