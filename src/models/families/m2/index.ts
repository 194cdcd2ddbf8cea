// Semi-supervised learning: a conditional VAE whose classes are mostly unknown (Kingma et al. 2014, M2).
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS, REQUIRED, WEIGHED_RUN_KEYS } from '../coded.ts';
import { classNamesOf } from '../cvae.ts';
import { checkM2, M2_KEYS } from './keys.ts';
import { SemiSupervised } from './model.ts';

export const M2: Family<typeof M2_KEYS> = {
  name: 'm2',
  title: 'Semi-supervised VAE',
  about: 'a conditional VAE and its classifier, of classes that few rows tell (Kingma et al. 2014)',
  keys: M2_KEYS,
  required: [...REQUIRED, 'classifier.hidden', 'classifier.activation'],
  run: { ...DECODED_RUN_KEYS, ...WEIGHED_RUN_KEYS },
  wants: ['labels'],
  takesUnlabelled: true,
  takesWords: true,
  check: checkM2,
  build: (config, data) => new SemiSupervised(config, data, classNamesOf(data, 'm2')),
};
