// What models with an encoder and a decoder have in common: keys, and words about them.
import type { LinearInit } from '../../nn/index.ts';
import type { Schema } from '../../schema/index.ts';
import type { DataDescription } from '../data-description.ts';
import type { LikelihoodConfig } from '../likelihoods/index.ts';
import type { Portrait } from '../model.ts';
import { type NetConfig, netWords } from '../nets/index.ts';

export { NET_KEYS } from '../nets/index.ts';

export const LATENT = {
  type: 'integer',
  min: 1,
  max: 65536,
  default: 20,
  help: 'size of a code',
} as const;

export const INIT_KEYS = {
  init: {
    type: 'choice',
    choices: ['torch', 'glorot'],
    default: 'torch',
    help: "initial weights: PyTorch's default or Glorot's",
  },
} as const satisfies Schema;

/** Keys that say how large the nets are. */
export const REQUIRED: readonly string[] = [
  'encoder.hidden',
  'encoder.activation',
  'latent',
  'decoder.hidden',
  'decoder.activation',
  'likelihood.kind',
];

/** Keys of a run whose data a decoder's likelihood is to describe. */
export const DECODED_RUN_KEYS = {
  outputBias: {
    type: 'choice',
    choices: ['init', 'data'],
    default: 'init',
    help: "the decoder's last bias: as init says, or from the data's means",
  },
  binarize: {
    type: 'choice',
    choices: ['auto', 'resampled', 'once', 'static', 'none'],
    default: 'auto',
    help: 'grey to 0/1; auto: resampled if Bernoulli on grey data',
  },
} as const satisfies Schema;

/** Keys of a run of a model with a posterior and a likelihood, which may learn in turns. */
export const WEIGHED_RUN_KEYS = {
  'optimizer.scheme': {
    type: 'choice',
    choices: ['joint', 'alternating'],
    default: 'joint',
    help: 'all parameters in every step, or posterior (E) and model (M) in turn: variational EM',
  },
  'optimizer.eSteps': {
    type: 'integer',
    min: 1,
    default: 1,
    when: { 'optimizer.scheme': ['alternating'] },
    help: "steps of the posterior's parameters in a turn",
  },
  'optimizer.mSteps': {
    type: 'integer',
    min: 1,
    default: 1,
    when: { 'optimizer.scheme': ['alternating'] },
    help: "steps of the model's parameters in a turn",
  },
  'evaluate.samples': {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'importance samples for a likelihood; 0: none',
  },
} as const satisfies Schema;

/** The parts that all of them have. */
export interface CodedConfig {
  readonly encoder: NetConfig;
  readonly latent: number;
  readonly decoder: NetConfig;
  readonly likelihood: LikelihoodConfig;
  readonly init: LinearInit;
}

export function codedPortrait(
  { shape }: DataDescription,
  { encoder, decoder, likelihood }: Pick<CodedConfig, 'encoder' | 'decoder' | 'likelihood'>,
  code: number,
  notes: readonly string[] = [],
): Portrait {
  const features = shape.reduce((a, b) => a * b, 1);
  return {
    inside: `a code of ${code}`,
    line: [` → ${code}`, `, likelihood ${likelihood.kind}`],
    facts: [
      ['encoder', netWords(encoder, features, code)],
      ['decoder', netWords(decoder, code, features)],
      ['likelihood', likelihood.kind],
    ],
    notes,
  };
}
