// Models: networks, distributions and objectives put together.
export { Autoencoder, type AutoencoderConfig } from './autoencoder.ts';
export {
  buildModel,
  type DataDescription,
  FAMILIES,
  type Family,
  MODEL_KEYS,
  type Model,
  type ModelConfig,
  modelConfig,
} from './config.ts';
export {
  type Evaluation,
  type EvaluationOptions,
  evaluateModel,
  type LikelihoodEstimate,
  likelihoodOf,
} from './evaluate.ts';
export {
  formatJson,
  giveWeights,
  MODEL_FILE,
  modelJson,
  readModelJson,
  readWeights,
  type StoredWeights,
  unpackParameters,
  WEIGHTS_FILE,
  writeWeights,
} from './folder.ts';
export { type Codes, Inference, type Shown } from './inference.ts';
export { interpolate, type LatentPlane, latentGrid, priorPlane } from './latent-space.ts';
export { type RowScores, type ScoreOptions, scoreRows } from './likelihood.ts';
export { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';
export type { RowSource, Rows, WorkOptions } from './rows.ts';
export { type NetConfig, type ObjectiveConfig, Vae, type VaeConfig } from './vae.ts';
