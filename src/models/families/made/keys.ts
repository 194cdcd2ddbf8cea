// The keys of masked autoregressive nets.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { BERNOULLI } from '../../likelihoods/bernoulli.ts';
import { CATEGORICAL } from '../../likelihoods/categorical.ts';
import { MLP_KEYS } from '../../nets/mlp.ts';
import { partKeys } from '../../part.ts';

export const MADE_KEYS = {
  'net.hidden': { ...MLP_KEYS.hidden, default: [500] },
  'net.activation': MLP_KEYS.activation,
  ordering: {
    type: 'choice',
    choices: ['natural', 'random'],
    default: 'natural',
    help: 'in which order features are described: as they stand, or drawn (one for each set of masks)',
  },
  masks: {
    type: 'integer',
    min: 1,
    max: 64,
    default: 1,
    help: 'sets of masks that training goes through step by step; log p(x) is that of their mixture',
  },
  ...partKeys(
    'likelihood',
    { bernoulli: BERNOULLI, categorical: CATEGORICAL },
    { default: 'bernoulli', help: 'what a feature is' },
  ),
} as const satisfies Schema;

export type MadeConfig = ConfigOf<typeof MADE_KEYS>;

export const MADE_DEFAULTS = {
  epochs: (get: (key: string) => Value | undefined) =>
    (get('steps') ?? null) !== null ? null : 10,
};
