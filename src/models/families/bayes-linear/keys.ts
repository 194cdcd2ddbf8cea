// The keys of Bayesian linear regression.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';

type Get = (key: string) => Value | undefined;

export const BAYES_LINEAR_KEYS = {
  target: {
    type: 'integer',
    min: 0,
    default: (get: Get) => Math.max(0, Number(get('data.features') ?? 1) - 1),
    help: 'the column that is predicted from the others, from 0; --target names it',
  },
  fit: {
    type: 'choice',
    choices: ['exact', 'full', 'mean-field', 'map'],
    default: 'exact',
    help: 'posterior of the weights: exact; by ascent of the bound, of all normals or of independent ones; the likeliest weights',
  },
  priorStd: {
    type: 'number',
    above: 0,
    nullable: true,
    default: null,
    help: 'deviation of the weights a priori; null: that of the largest evidence',
  },
  noiseStd: {
    type: 'number',
    above: 0,
    nullable: true,
    default: null,
    help: 'deviation of the noise; null: that of the largest evidence',
  },
} as const satisfies Schema;

export type BayesLinearConfig = ConfigOf<typeof BAYES_LINEAR_KEYS>;

export const BAYES_LINEAR_DEFAULTS = {
  epochs: (get: Get) => ((get('steps') ?? null) !== null ? null : 1),
  batch: (get: Get) => Math.max(1, Math.min(65536, Number(get('data.rows')) || 1)),
};
