// Models: networks, distributions and objectives put together.
export { Autoencoder, type AutoencoderConfig } from './autoencoder.ts';
export {
  buildModel,
  codeSize,
  isFlowConfig,
  type LatentConfig,
  type LatentVariableModel,
  MODEL_KEYS,
  type Model,
  type ModelConfig,
  modelConfig,
} from './config.ts';
export { type DataDescription, type DataTraits, traitValues } from './data-description.ts';
export {
  type Evaluation,
  type EvaluationOptions,
  evaluateModel,
  type LikelihoodEstimate,
  likelihoodOf,
} from './evaluate.ts';
export {
  FAMILIES,
  type Family,
  FLOW_FAMILIES,
  type FlowFamily,
  isFlowFamily,
  LATENT_FAMILIES,
  type LatentFamily,
} from './families.ts';
export { certifyFlow, type FlowCertificate } from './flow/certify.ts';
export type { BaseConfig, Dequantization, FlowConfig, TransformConfig } from './flow/config.ts';
export {
  evaluateFlow,
  type FlowEvaluation,
  type FlowEvaluationOptions,
  flowEvaluationOf,
  logDensities,
} from './flow/evaluate.ts';
export { layersOf } from './flow/families.ts';
export { FlowInference } from './flow/inference.ts';
export { LAYER_KEYS, LAYER_TYPES, type LayerConfig } from './flow/layer-keys.ts';
export { FlowModel, GREY_LEVELS } from './flow/model.ts';
export {
  type DrawOptions,
  type Draws,
  FlowSampler,
  type FlowSamplerOptions,
  type Passed,
  type PassOptions,
} from './flow/sampler.ts';
export { type Codes, Inference, type Shown } from './inference.ts';
export { interpolate, type LatentPlane, latentGrid, priorPlane } from './latent-space.ts';
export { type RowScores, type ScoreOptions, scoreRows } from './likelihood.ts';
export { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';
export { MODEL_FILE, modelJson, readModelJson } from './model-json.ts';
export type { RowSource, Rows, WorkOptions } from './rows.ts';
export { type NetConfig, type ObjectiveConfig, Vae, type VaeConfig } from './vae.ts';
export {
  giveWeights,
  type Precision,
  unpackBuffers,
  unpackParameters,
  type WeightValues,
} from './values.ts';
export { readWeights, type StoredWeights, WEIGHTS_FILE, writeWeights } from './weights.ts';
