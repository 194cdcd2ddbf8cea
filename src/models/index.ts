// Models: networks, distributions and objectives put together.
export { Autoencoder, type AutoencoderConfig } from './autoencoder.ts';
export {
  buildModel,
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
} from './evaluate.ts';
export {
  formatJson,
  giveWeights,
  MODEL_FILE,
  modelJson,
  readModelJson,
  readWeights,
  unpackParameters,
  WEIGHTS_FILE,
  writeWeights,
} from './folder.ts';
export { Inference } from './inference.ts';
export { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';
export { type NetConfig, type ObjectiveConfig, Vae, type VaeConfig } from './vae.ts';
