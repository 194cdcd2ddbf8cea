// Models: families of them, their parts, and what may be asked of one at work.

export type {
  Abilities,
  AncestralAbility,
  BijectionAbility,
  CodeAbility,
  DecodeAbility,
  DrawAbility,
  EstimateAbility,
  GreyAbility,
  GroupDraws,
  ImputeAbility,
  JointAbility,
  PredictAbility,
  Quantity,
  Told,
  Walk,
  WalkOptions,
  WeighedCodes,
  WeightAbility,
} from './abilities.ts';
export { type Agreement, agreement } from './ask/agreement.ts';
export { type Ancestral, AncestralInference } from './ask/ancestral.ts';
export { certifyFlow, type FlowCertificate } from './ask/certify.ts';
export { type Annealed, type AnnealOptions, annealed } from './ask/chains/annealed.ts';
export { type ChainOptions, type PosteriorDraws, samplePosterior } from './ask/chains/posterior.ts';
export { Trajectory, type TrajectoryOptions } from './ask/chains/trajectory.ts';
export { type Groups, groupsOf, rowsOfNone } from './ask/cluster.ts';
export { type Criteria, criteriaOf } from './ask/criteria.ts';
export { boundCurve, CURVE_SAMPLES } from './ask/curve.ts';
export { type DensityOptions, logDensities } from './ask/densities.ts';
export { codeDimensions, type DimensionOptions } from './ask/dimensions.ts';
export {
  type EvaluationOptions,
  evaluateModel,
  exactEvaluationOf,
  likelihoodOf,
} from './ask/evaluate.ts';
export {
  type BoundOfSamples,
  type CodeDimension,
  type Evaluation,
  type LikelihoodEstimate,
  plainOf,
} from './ask/evaluation.ts';
export { type ExamineOptions, examine } from './ask/examine.ts';
export { Feed } from './ask/feed.ts';
export { type Figure, inUnitsOf } from './ask/figure.ts';
export { FlowInference } from './ask/flow-inference.ts';
export {
  type DrawOptions,
  type Draws,
  FlowSampler,
  type FlowSamplerOptions,
  type Passed,
  type PassOptions,
} from './ask/flow-sampler.ts';
export {
  type EstimatorNoise,
  type GradientNoise,
  type GradientOptions,
  gradientNoise,
} from './ask/gradients.ts';
export { impute } from './ask/impute.ts';
export type { Imputed, ImputeOptions } from './ask/imputed.ts';
export { Inference } from './ask/inference.ts';
export { type ChannelInfluence, channelInfluence } from './ask/influence.ts';
export { hasInformation, type Information, information } from './ask/information.ts';
export type { Asked, Codes, InferenceOptions, Shown } from './ask/interface.ts';
export { classesInTurn } from './ask/labels.ts';
export { type MeanField, type MeanFieldOptions, meanField } from './ask/mean-field.ts';
export { openInference } from './ask/open.ts';
export { predictions } from './ask/predict.ts';
export { anglesBetween, principalAngles } from './ask/principal-angles.ts';
export { reconstructionErrors, reconstructs } from './ask/reconstruction-error.ts';
export { type Refinement, type RefineOptions, refine } from './ask/refine.ts';
export {
  BLOCK,
  fullBatch,
  type RowSource,
  type Rows,
  rowsAtOnce,
  rowsFrom,
  rowsOf,
  type WorkOptions,
} from './ask/rows.ts';
export { type RowScores, type ScoreOptions, scoreRows } from './ask/score.ts';
export type { CodeConfig } from './codes.ts';
export { buildModel, modelConfig } from './config.ts';
export { type DataDescription, type DataTraits, traitValues } from './data-description.ts';
export { Autoencoder, type AutoencoderConfig } from './families/ae.ts';
export type { CodedConfig } from './families/coded.ts';
export { layersOf } from './families/flow/architectures.ts';
export type {
  BaseConfig,
  Dequantization,
  FlowConfig,
  TransformConfig,
} from './families/flow/config.ts';
export { LAYER_KEYS, LAYER_TYPES, type LayerConfig } from './families/flow/layer-keys.ts';
export { FlowModel, GREY_LEVELS } from './families/flow/model.ts';
export { mixtureSums } from './families/gmm/statistics.ts';
export { Vae, type VaeConfig } from './families/vae/index.ts';
export {
  defineFamily,
  families,
  familyNames,
  familyOf,
  findFamily,
  foreignFamilies,
} from './families.ts';
export { type Family, type FamilyRow, type ModelConfig, wantsOf } from './family.ts';
export { interpolate, type LatentPlane, latentGrid, priorPlane } from './latent-space.ts';
export type {
  Fitting,
  GradientLearner,
  Learner,
  Pretraining,
  Sweep,
  SweepLearner,
  TrainingRows,
} from './learner.ts';
export { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods/index.ts';
export { fromFormat1 } from './migrate.ts';
export { isDrawn, lack, type Model, need, type Portrait } from './model.ts';
export { MODEL_FILE, modelJson, readModelJson, settledConfig } from './model-json.ts';
export { lastBias, type Net, type NetConfig } from './nets/index.ts';
export { makePosterior, type PosteriorConfig, type PosteriorPart } from './posteriors/index.ts';
export { makePrior, type PriorConfig, type PriorPart } from './priors/index.ts';
export {
  giveWeights,
  type Precision,
  unpackBuffers,
  unpackParameters,
  type WeightValues,
} from './values.ts';
export { readWeights, type StoredWeights, WEIGHTS_FILE, writeWeights } from './weights.ts';
