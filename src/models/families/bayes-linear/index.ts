// Bayesian linear regression.
import type { Family } from '../../family.ts';
import { BAYES_LINEAR_DEFAULTS, BAYES_LINEAR_KEYS } from './keys.ts';
import { BayesLinear } from './model.ts';

export const BAYES_LINEAR: Family<typeof BAYES_LINEAR_KEYS> = {
  name: 'bayes-linear',
  title: 'Bayesian linear regression',
  about: 'a posterior of the weights that predict one column from the others (Bishop 2006, 3.3)',
  keys: BAYES_LINEAR_KEYS,
  required: ['target', 'fit'],
  defaults: BAYES_LINEAR_DEFAULTS,
  range: 'any',
  takesWords: true,
  followsGradient: false,
  build: (config, data) => new BayesLinear(config, data),
};
