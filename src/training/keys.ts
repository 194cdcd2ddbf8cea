// The keys of a training run beside those of its model's family.
import type { Schema, Value } from '../schema/index.ts';

type Get = (key: string) => Value | undefined;

const ADAMS = ['adam', 'adamW', 'adamax'] as const;
const RATES: Readonly<Record<string, number>> = { sgd: 1e-2, adamax: 2e-3 };

/** Families may have other defaults: see `Family.defaults`. */
export const TRAINING_KEYS = {
  batch: {
    type: 'integer',
    min: 1,
    max: 65536,
    default: 100,
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
    default: (get: Get) => ((get('steps') ?? null) !== null ? null : 5),
    help: 'passes over the data in all',
  },
  seed: {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'of initial weights, noise and shuffling',
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
    default: (get: Get) => RATES[String(get('optimizer.kind'))] ?? 1e-3,
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
    default: (get: Get) => (get('optimizer.kind') === 'adamW' ? 1e-2 : 0),
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
  noise: {
    type: 'number',
    min: 0,
    below: 1,
    default: 0,
    help: 'share of the values replaced at random in every step, for a background model (Ren et al. 2019)',
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
    default: 1000,
    help: 'rows of an evaluation',
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
} as const satisfies Schema;
