// The keys of gated PixelCNNs.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { BERNOULLI } from '../../likelihoods/bernoulli.ts';
import { CATEGORICAL } from '../../likelihoods/categorical.ts';
import { LOGISTIC_MIXTURE } from '../../likelihoods/logistic-mixture.ts';
import { PIXELCNN_KEYS } from '../../nets/pixelcnn.ts';
import { partKeys } from '../../part.ts';

export const PIXELCNN_FAMILY_KEYS = {
  condition: {
    type: 'choice',
    choices: ['none', 'labels'],
    default: 'none',
    help: 'what every pixel is told beside those before it: nothing, or the class of its image',
  },
  'net.channels': PIXELCNN_KEYS.channels,
  'net.layers': PIXELCNN_KEYS.layers,
  'net.kernel': PIXELCNN_KEYS.kernel,
  'net.inner': PIXELCNN_KEYS.inner,
  ...partKeys(
    'likelihood',
    { bernoulli: BERNOULLI, categorical: CATEGORICAL, 'logistic-mixture': LOGISTIC_MIXTURE },
    { default: 'bernoulli', help: 'what a pixel is' },
  ),
} as const satisfies Schema;

export type PixelCnnFamilyConfig = ConfigOf<typeof PIXELCNN_FAMILY_KEYS>;

export const PIXELCNN_DEFAULTS = {
  epochs: (get: (key: string) => Value | undefined) => ((get('steps') ?? null) !== null ? null : 2),
  batch: 16,
  'evaluate.limit': 200,
};
