// What a model is, in numbers and words: the configuration that builds one.
import { LatentGpuError } from '../errors.ts';
import type { LinearInit } from '../nn/index.ts';
import { activations } from '../ops/index.ts';
import { Autoencoder } from './autoencoder.ts';
import type { LikelihoodConfig } from './likelihoods.ts';
import { nest, type Schema, type Values } from './schema.ts';
import { type NetConfig, type ObjectiveConfig, Vae } from './vae.ts';

/** `vae`: trained for the ELBO. `iwae`: for the importance-weighted bound. `ae`: no prior. */
export type Family = 'vae' | 'ae' | 'iwae';

export const FAMILIES: readonly Family[] = ['vae', 'ae', 'iwae'];

export type Model = Vae | Autoencoder;

/** What a model's data points are. */
export interface DataDescription {
  /** Extents of one data point, `[28, 28]`. */
  readonly shape: readonly number[];
  readonly name?: string;
  /** Whether the model sees (x - mean) / deviation of every feature; the weights file has both. */
  readonly standardized?: boolean;
}

export interface ModelConfig {
  readonly family: Family;
  readonly data: DataDescription;
  readonly encoder: NetConfig;
  readonly latent: number;
  readonly decoder: NetConfig;
  readonly likelihood: LikelihoodConfig;
  /** Of the families `vae` and `iwae`. */
  readonly objective?: ObjectiveConfig;
  readonly init: LinearInit;
}

const hidden = { type: 'integers', longest: 100, min: 1, max: 65536, default: [300] } as const;
const activation = {
  type: 'choice',
  choices: Object.keys(activations),
  default: 'relu',
} as const;

/**
 * The keys of a model. Conditions and defaults refer to `family`, and to `data.continuous` (whether the
 * data are standardised, or plain vectors of numbers that are not all 0 or 1), which are given apart.
 */
export const MODEL_KEYS: Schema = {
  latent: { type: 'integer', min: 1, max: 65536, default: 20, help: 'size of a code' },
  'encoder.hidden': { ...hidden, help: 'widths of the hidden layers' },
  'encoder.activation': { ...activation, help: 'between the layers' },
  'decoder.hidden': { ...hidden, help: 'widths of the hidden layers' },
  'decoder.activation': { ...activation, help: 'between the layers' },
  'likelihood.kind': {
    type: 'choice',
    choices: ['bernoulli', 'normal', 'categorical'],
    default: (get) => (get('data.continuous') === true ? 'normal' : 'bernoulli'),
    help: 'what the decoder describes; default: bernoulli, but normal for standardised data and vectors of numbers',
  },
  'likelihood.sigma': {
    type: 'choice',
    choices: ['fixed', 'shared', 'pixel'],
    default: 'shared',
    when: { 'likelihood.kind': ['normal'] },
    help: 'deviation: given, learned, or decoded for each pixel',
  },
  'likelihood.std': {
    type: 'number',
    min: 1e-3,
    max: 1e3,
    default: 1,
    when: { 'likelihood.kind': ['normal'], 'likelihood.sigma': ['fixed'] },
    help: 'the fixed deviation',
  },
  'likelihood.levels': {
    type: 'integer',
    min: 2,
    max: 256,
    default: 256,
    when: { 'likelihood.kind': ['categorical'] },
    help: 'grey levels of a pixel',
  },
  'objective.samples': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: (get) => (get('family') === 'iwae' ? 5 : 1),
    when: { family: ['vae', 'iwae'] },
    help: 'draws of the code for each data point',
  },
  'objective.kl': {
    type: 'choice',
    choices: ['analytic', 'sampled'],
    default: 'analytic',
    when: { family: ['vae'] },
    help: 'closed form or Monte Carlo',
  },
  'objective.beta': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 1,
    when: { family: ['vae'] },
    help: 'weight of the divergence',
  },
  init: {
    type: 'choice',
    choices: ['torch', 'glorot'],
    default: 'torch',
    help: "initial weights: PyTorch's default or Glorot's",
  },
};

/** The model that settled values describe, for data points of the given shape. */
export function modelConfig(family: Family, data: DataDescription, values: Values): ModelConfig {
  const own = [...values].filter(([name]) => Object.hasOwn(MODEL_KEYS, name));
  // The table has checked every one of these.
  const { objective, ...rest } = nest(new Map(own)) as unknown as Omit<
    ModelConfig,
    'family' | 'data'
  >;
  const { shape, name, standardized } = data;
  return {
    family,
    data: {
      shape: [...shape],
      ...(name !== undefined && { name }),
      ...(standardized && { standardized }),
    },
    ...rest,
    ...(objective && {
      objective: { ...objective, kind: family === 'iwae' ? 'iwae' : 'elbo' } as ObjectiveConfig,
    }),
  };
}

/** The model's graph, with its parameters not yet given any memory. */
export function buildModel(config: ModelConfig): Model {
  const { data, objective, encoder, latent, decoder, likelihood, init } = config;
  const parts = { shape: [...data.shape], encoder, latent, decoder, likelihood, init };
  if (config.family === 'ae') return new Autoencoder(parts);
  if (!objective) {
    throw new LatentGpuError('bad-config', `a model of family ${config.family} needs an objective`);
  }
  return new Vae({ ...parts, objective });
}
