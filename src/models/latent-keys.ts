// The keys of latent-variable models: autoencoders of every kind.
import { activations } from '../ops/index.ts';
import type { Schema } from '../schema/index.ts';
import { LATENT_FAMILIES } from './families.ts';

/** Most keys are common to all of them. */
const when = { family: LATENT_FAMILIES } as const;

const hidden = { type: 'integers', longest: 100, min: 1, max: 65536, default: [300] } as const;
const depth = { type: 'integer', min: 1, max: 1024, default: 4 } as const;
const widths = { type: 'integers', longest: 100, min: 1, max: 65536, default: [128] } as const;
const activation = {
  type: 'choice',
  choices: Object.keys(activations),
  default: 'relu',
} as const;

export const LATENT_KEYS: Schema = {
  latent: { type: 'integer', min: 1, max: 65536, default: 20, when, help: 'size of a code' },
  'encoder.hidden': { ...hidden, when, help: 'widths of the hidden layers' },
  'encoder.activation': { ...activation, when, help: 'between the layers' },
  'decoder.hidden': { ...hidden, when, help: 'widths of the hidden layers' },
  'decoder.activation': { ...activation, when, help: 'between the layers' },
  'likelihood.kind': {
    type: 'choice',
    choices: ['bernoulli', 'normal', 'categorical'],
    default: (get) => (get('data.continuous') === true ? 'normal' : 'bernoulli'),
    when,
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
  posterior: {
    type: 'choice',
    choices: ['normal', 'iaf'],
    default: 'normal',
    when: { family: ['vae', 'iwae'] },
    help: 'q(z | x): normal, or carried on by an inverse autoregressive flow',
  },
  'posteriorFlow.depth': {
    ...depth,
    when: { family: ['vae', 'iwae'], posterior: ['iaf'] },
    help: 'its layers',
  },
  'posteriorFlow.hidden': {
    ...widths,
    when: { family: ['vae', 'iwae'], posterior: ['iaf'] },
    help: "widths of its nets' hidden layers",
  },
  prior: {
    type: 'choice',
    choices: ['normal', 'realnvp'],
    default: 'normal',
    when: { family: ['vae', 'iwae'] },
    help: 'p(z): N(0, I), or a flow of couplings and linear layers',
  },
  'priorFlow.depth': {
    ...depth,
    when: { family: ['vae', 'iwae'], prior: ['realnvp'] },
    help: 'its couplings',
  },
  'priorFlow.hidden': {
    ...widths,
    when: { family: ['vae', 'iwae'], prior: ['realnvp'] },
    help: "widths of its nets' hidden layers",
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
    default: (get) =>
      get('posterior') === 'normal' && get('prior') === 'normal' ? 'analytic' : 'sampled',
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
    when,
    help: "initial weights: PyTorch's default or Glorot's",
  },
};
