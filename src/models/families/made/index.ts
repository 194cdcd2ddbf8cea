// Masked autoencoders for distribution estimation.
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS } from '../coded.ts';
import { MADE_DEFAULTS, MADE_KEYS } from './keys.ts';
import { MadeModel } from './model.ts';

export const MADE_FAMILY: Family<typeof MADE_KEYS> = {
  name: 'made',
  title: 'MADE',
  about: 'masked autoregressive net of binary or categorical data (Germain et al. 2015)',
  keys: MADE_KEYS,
  run: { binarize: DECODED_RUN_KEYS.binarize },
  required: ['net.hidden', 'likelihood.kind'],
  defaults: MADE_DEFAULTS,
  build: (config, data, seed) => new MadeModel(config, data, seed),
};
