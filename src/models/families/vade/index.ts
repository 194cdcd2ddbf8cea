// Variational deep embedding: clusters found in the codes of a variational autoencoder.
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS, REQUIRED } from '../coded.ts';
import { VADE_DEFAULTS, VADE_KEYS } from './keys.ts';
import { Vade } from './model.ts';
import { checkMoves } from './moved.ts';

export const VADE: Family<typeof VADE_KEYS> = {
  name: 'vade',
  title: 'VaDE',
  about: 'a VAE whose codes come from clusters, with q(c | x) (Jiang et al. 2017)',
  keys: VADE_KEYS,
  required: [...REQUIRED, 'components'],
  run: { binarize: DECODED_RUN_KEYS.binarize },
  defaults: VADE_DEFAULTS,
  takesWords: true,
  build: (config, described, seed) => {
    checkMoves(config.start, described);
    return new Vade({ ...config, shape: described.shape, categories: described.categories }, seed);
  },
};
