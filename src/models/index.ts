// Models: networks, distributions and objectives put together.
export { Autoencoder, type AutoencoderConfig } from './autoencoder.ts';
export { type Evaluation, type EvaluationOptions, evaluateModel } from './evaluate.ts';
export { Inference } from './inference.ts';
export { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';
export { type NetConfig, type ObjectiveConfig, Vae, type VaeConfig } from './vae.ts';
