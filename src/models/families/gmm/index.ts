// Mixtures of normals, fitted by expectation maximisation.
import type { Family } from '../../family.ts';
import { GMM_DEFAULTS, GMM_KEYS } from './keys.ts';
import { GaussianMixture } from './model.ts';

export const GMM: Family<typeof GMM_KEYS> = {
  name: 'gmm',
  title: 'Mixture of Gaussians',
  about: 'a mixture of normals, by EM (Dempster, Laird and Rubin 1977)',
  keys: GMM_KEYS,
  required: ['components', 'covariance'],
  defaults: GMM_DEFAULTS,
  range: 'any',
  takesMissing: true,
  followsGradient: { fit: ['gradient'] },
  selects: 'components',
  build: (config, data) => new GaussianMixture(config, data),
};
