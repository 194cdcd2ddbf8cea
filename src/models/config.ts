// What a model is, in numbers and words: the configuration that builds one.
import { LatentGpuError } from '../errors.ts';
import type { LinearInit } from '../nn/index.ts';
import { nest, type Schema, type Values } from '../schema/index.ts';
import { Autoencoder } from './autoencoder.ts';
import type { DataDescription } from './data-description.ts';
import { type Family, type FlowFamily, isFlowFamily, type LatentFamily } from './families.ts';
import type { FlowConfig } from './flow/config.ts';
import { FLOW_KEYS } from './flow/keys.ts';
import { FlowModel } from './flow/model.ts';
import type { LatentFlowConfig } from './latent-flows.ts';
import { LATENT_KEYS } from './latent-keys.ts';
import type { LikelihoodConfig } from './likelihoods.ts';
import { type NetConfig, type ObjectiveConfig, Vae } from './vae.ts';

export type LatentVariableModel = Vae | Autoencoder;

export type Model = LatentVariableModel | FlowModel;

/** A model with codes, an encoder and a decoder. */
export interface LatentConfig {
  readonly family: LatentFamily;
  readonly data: DataDescription;
  readonly encoder: NetConfig;
  readonly latent: number;
  readonly decoder: NetConfig;
  readonly likelihood: LikelihoodConfig;
  /** Of the families `vae` and `iwae`. */
  readonly objective?: ObjectiveConfig;
  readonly init: LinearInit;
  /** Missing: normal. */
  readonly posterior?: 'iaf';
  readonly posteriorFlow?: LatentFlowConfig;
  /** Missing: N(0, I). */
  readonly prior?: 'realnvp';
  readonly priorFlow?: LatentFlowConfig;
}

export type ModelConfig = LatentConfig | FlowConfig;

type ConfigOf<F extends Family> = F extends FlowFamily ? FlowConfig : LatentConfig;
type ModelOf<C extends ModelConfig> = C extends FlowConfig ? FlowModel : LatentVariableModel;

/**
 * The keys of a model. Conditions and defaults refer to `family` and to what is known of the data
 * (`traitValues`), which are given apart.
 */
export const MODEL_KEYS: Schema = { ...LATENT_KEYS, ...FLOW_KEYS };

/** Keys of flows in a latent-variable model: it need not say that it has none. */
const PLAIN = ['posterior', 'prior'];

export function isFlowConfig(config: ModelConfig): config is FlowConfig {
  return isFlowFamily(config.family);
}

/** Numbers of a code: of a flow, as many as of a data point. */
export function codeSize(config: ModelConfig): number {
  return isFlowConfig(config) ? config.data.shape.reduce((a, b) => a * b, 1) : config.latent;
}

/** The model that settled values describe, for data points of the given shape. */
export function modelConfig<F extends Family>(
  family: F,
  data: DataDescription,
  values: Values,
): ConfigOf<F> {
  const own = [...values].filter(
    ([name, value]) =>
      Object.hasOwn(MODEL_KEYS, name) && !(PLAIN.includes(name) && value === 'normal'),
  );
  // The table has checked every one of these.
  const { objective, ...rest } = nest(new Map(own)) as unknown as Omit<
    LatentConfig,
    'family' | 'data'
  >;
  const { shape, name, standardized, columns } = data;
  return {
    family,
    data: {
      shape: [...shape],
      ...(name !== undefined && { name }),
      ...(standardized && { standardized }),
      ...(columns && { columns }),
    },
    ...rest,
    ...(objective && {
      objective: { ...objective, kind: family === 'iwae' ? 'iwae' : 'elbo' } as ObjectiveConfig,
    }),
  } as unknown as ConfigOf<F>;
}

/**
 * The model's graph, with its parameters not yet given any memory.
 *
 * @param seed of what a flow has of random orders and rotations
 * @throws LatentGpuError `bad-config` for what does not fit together
 */
export function buildModel<C extends ModelConfig>(config: C, seed = 0): ModelOf<C> {
  return build(config, seed) as ModelOf<C>;
}

function build(config: ModelConfig, seed: number): Model {
  if (isFlowConfig(config)) return new FlowModel(config, seed);
  const { data, objective, encoder, latent, decoder, likelihood, init } = config;
  const parts = { shape: [...data.shape], encoder, latent, decoder, likelihood, init };
  const { posteriorFlow, priorFlow } = config;
  if (config.family === 'ae') return new Autoencoder(parts);
  if (!objective) {
    throw new LatentGpuError('bad-config', `a model of family ${config.family} needs an objective`);
  }
  const { kl } = objective as { kl?: string };
  if (kl === 'analytic' && (posteriorFlow || priorFlow)) {
    throw new LatentGpuError(
      'bad-config',
      `objective.kl is analytic, and a ${posteriorFlow ? 'posterior' : 'prior'} with a flow has no closed form; leave it out`,
    );
  }
  const flows = { ...(posteriorFlow && { posteriorFlow }), ...(priorFlow && { priorFlow }) };
  return new Vae({ ...parts, ...flows, objective }, seed);
}
