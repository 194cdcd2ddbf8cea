// Gated PixelCNNs.
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS } from '../coded.ts';
import { PIXELCNN_DEFAULTS, PIXELCNN_FAMILY_KEYS } from './keys.ts';
import { PixelCnnModel } from './model.ts';

export const PIXELCNN: Family<typeof PIXELCNN_FAMILY_KEYS> = {
  name: 'pixelcnn',
  title: 'PixelCNN',
  about: 'gated, images pixel after pixel (van den Oord et al. 2016)',
  keys: PIXELCNN_FAMILY_KEYS,
  run: { binarize: DECODED_RUN_KEYS.binarize },
  required: ['net.channels', 'net.layers', 'likelihood.kind'],
  defaults: PIXELCNN_DEFAULTS,
  wants: (values) => (values.get('condition') === 'labels' ? ['labels'] : []),
  build: (config, data) => new PixelCnnModel(config, data),
};
