// Probabilistic principal components.
import type { Family } from '../../family.ts';
import { PPCA_DEFAULTS, PPCA_KEYS } from './keys.ts';
import { Ppca } from './model.ts';

export const PPCA: Family<typeof PPCA_KEYS> = {
  name: 'ppca',
  title: 'Probabilistic PCA',
  about: 'principal components with noise, exactly (Tipping and Bishop 1999)',
  keys: PPCA_KEYS,
  required: ['latent'],
  defaults: PPCA_DEFAULTS,
  range: 'any',
  takesMissing: true,
  followsGradient: { fit: ['gradient'] },
  selects: 'latent',
  build: (config, data) => new Ppca(config, data),
};
