// The keys of a training run beside those of its model.
import { isFlowFamily, LATENT_FAMILIES } from '../models/families.ts';
import { PLANAR } from '../models/flow/keys.ts';
import type { Schema, Value } from '../schema/index.ts';
import { BINARIZATIONS } from './binarize.ts';

const ADAMS = ['adam', 'adamW', 'adamax'];
/** Of what only latent-variable models have. */
const latent = { family: LATENT_FAMILIES } as const;
const isFlow = (get: (key: string) => Value | undefined) => isFlowFamily(get('family'));
/** Without a net to upset, steps may be larger. */
const FLOW_RATES: Readonly<Record<string, number>> = { 'linear-lu': 5e-3, 'linear-qr': 5e-3 };
const RATES: Readonly<Record<string, number>> = { sgd: 1e-2, adamax: 2e-3 };

export const TRAINING_KEYS: Schema = {
  outputBias: {
    type: 'choice',
    choices: ['init', 'data'],
    default: 'init',
    when: latent,
    help: "the decoder's last bias: as init says, or from the data's means",
  },
  batch: {
    type: 'integer',
    min: 1,
    max: 65536,
    default: (get) => (isFlow(get) ? (Number(get('data.levels')) > 0 ? 64 : 200) : 100),
    help: 'data points in a step',
  },
  steps: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    help: 'steps in all, in place of epochs',
  },
  epochs: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: (get) =>
      (get('steps') ?? null) !== null
        ? null
        : isFlow(get) && Number(get('data.levels')) === 0
          ? 20
          : 5,
    help: 'passes over the data in all',
  },
  seed: {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'of initial weights, noise and shuffling',
  },
  binarize: {
    type: 'choice',
    choices: ['auto', ...BINARIZATIONS],
    default: 'auto',
    when: latent,
    help: 'grey to 0/1; auto: resampled if Bernoulli on grey data',
  },
  'optimizer.kind': {
    type: 'choice',
    choices: [...ADAMS, 'sgd'],
    default: 'adam',
    help: 'update rule',
  },
  'optimizer.lr': {
    type: 'number',
    above: 0,
    default: (get) =>
      RATES[String(get('optimizer.kind'))] ??
      FLOW_RATES[String(get('family'))] ??
      (isFlow(get) && Number(get('data.features')) <= PLANAR ? 2e-3 : 1e-3),
    help: 'learning rate',
  },
  'optimizer.betas': {
    type: 'numbers',
    length: 2,
    min: 0,
    below: 1,
    default: [0.9, 0.999],
    when: { 'optimizer.kind': ADAMS },
    help: 'decays of the two moments',
  },
  'optimizer.eps': {
    type: 'number',
    above: 0,
    default: 1e-8,
    when: { 'optimizer.kind': ADAMS },
    help: 'added to the denominator',
  },
  'optimizer.momentum': {
    type: 'number',
    min: 0,
    below: 1,
    default: 0,
    when: { 'optimizer.kind': ['sgd'] },
    help: 'of the velocity',
  },
  'optimizer.weightDecay': {
    type: 'number',
    min: 0,
    default: (get) => (get('optimizer.kind') === 'adamW' ? 1e-2 : 0),
    help: 'decoupled in adamW, else added to the gradient',
  },
  'schedule.kind': {
    type: 'choice',
    choices: ['constant', 'step', 'cosine', 'iwae'],
    default: 'constant',
    help: 'course of the learning rate',
  },
  'schedule.warmup': {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'steps of linear rise from 0, before any kind',
  },
  'schedule.every': {
    type: 'integer',
    min: 1,
    default: 1000,
    when: { 'schedule.kind': ['step'] },
    help: 'steps from drop to drop',
  },
  'schedule.gamma': {
    type: 'number',
    above: 0,
    max: 1,
    default: 0.1,
    when: { 'schedule.kind': ['step'] },
    help: 'factor of a drop',
  },
  'schedule.steps': {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    when: { 'schedule.kind': ['cosine'] },
    help: "length of the cosine; null: the run's",
  },
  'schedule.final': {
    type: 'number',
    min: 0,
    default: 0,
    when: { 'schedule.kind': ['cosine'] },
    help: 'learning rate at its end',
  },
  clipNorm: {
    type: 'number',
    above: 0,
    nullable: true,
    default: null,
    help: 'larger gradients are scaled down to this norm',
  },
  ema: {
    type: 'number',
    above: 0,
    below: 1,
    nullable: true,
    default: null,
    help: 'decay of a moving average of the weights, which is what is kept',
  },
  standardize: {
    type: 'boolean',
    default: false,
    help: 'train on (x - mean) / deviation of every feature (of images: channel) of the training rows',
  },
  holdOut: {
    type: 'number',
    min: 0,
    default: 0,
    help: 'training rows to evaluate on instead: a number or a fraction',
  },
  'evaluate.every': {
    type: 'integer',
    min: 0,
    default: 1,
    help: 'epochs between evaluations; 0: none',
  },
  'evaluate.limit': {
    type: 'integer',
    min: 1,
    default: (get) => (isFlow(get) && Number(get('data.levels')) === 0 ? 10_000 : 1000),
    help: 'rows of an evaluation',
  },
  'evaluate.samples': {
    type: 'integer',
    min: 0,
    default: 0,
    when: latent,
    help: 'importance samples for a likelihood; 0: none',
  },
  patience: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    help: 'evaluations without progress before stopping; keeps the best',
  },
  checkpointEvery: {
    type: 'integer',
    min: 0,
    default: 1000,
    help: 'steps between checkpoints; 0: only at the end',
  },
};
