// What models are trained for.
export {
  type BoundTerms,
  type ElboOptions,
  elbo,
  importanceBound,
  type LatentModel,
  logEffectiveSampleSize,
  type WeighedPosterior,
} from './bounds.ts';
