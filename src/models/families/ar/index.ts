// Gaussian autoregressive models of vectors.
import type { Family } from '../../family.ts';
import { AR_DEFAULTS, AR_KEYS } from './keys.ts';
import { ArModel } from './model.ts';

export const AR: Family<typeof AR_KEYS> = {
  name: 'ar',
  title: 'Autoregressive model',
  about:
    'each feature normal given those before it, by a linear map, a masked net (Frey 1998) or recurrent units',
  keys: AR_KEYS,
  required: ['net.kind'],
  defaults: AR_DEFAULTS,
  range: 'any',
  selects: 'order',
  build: (config, data) => new ArModel(config, data),
};
