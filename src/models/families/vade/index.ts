// Variational deep embedding: clusters found in the codes of a variational autoencoder.
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS, REQUIRED } from '../coded.ts';
import { VADE_DEFAULTS, VADE_KEYS } from './keys.ts';
import { Vade } from './model.ts';

export const VADE: Family<typeof VADE_KEYS> = {
  name: 'vade',
  title: 'VaDE',
  about: 'a VAE whose codes come from clusters, with q(c | x) (Jiang et al. 2017)',
  keys: VADE_KEYS,
  required: [...REQUIRED, 'components'],
  run: { binarize: DECODED_RUN_KEYS.binarize },
  defaults: VADE_DEFAULTS,
  build: (config, { shape }, seed) => new Vade({ ...config, shape }, seed),
};
