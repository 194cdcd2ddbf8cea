// The keys of variational deep embedding.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { LIKELIHOOD_KEYS } from '../../likelihoods/index.ts';
import { INIT_KEYS, LATENT, NET_KEYS } from '../coded.ts';

const HIDDEN = [256, 256];

export const VADE_KEYS = {
  components: {
    type: 'integer',
    min: 2,
    max: 4096,
    default: 10,
    help: 'clusters: normals that the prior of codes mixes',
  },
  latent: { ...LATENT, default: 10 },
  ...NET_KEYS,
  'encoder.hidden': { ...NET_KEYS['encoder.hidden'], default: HIDDEN },
  'decoder.hidden': { ...NET_KEYS['decoder.hidden'], default: HIDDEN },
  ...LIKELIHOOD_KEYS,
  ...INIT_KEYS,
  'pretrain.epochs': {
    type: 'integer',
    min: 0,
    max: 1e6,
    default: 3,
    help: 'of all epochs, the first are an autoencoder; then EM starts the mixture on its codes',
  },
  'pretrain.noise': {
    type: 'number',
    min: 0,
    below: 1,
    default: 0.2,
    help: 'share of the values that it is told as 0, others in every step, and is to restore (Vincent et al. 2008)',
  },
} as const satisfies Schema;

export type VadeKeys = ConfigOf<typeof VADE_KEYS>;

export const VADE_DEFAULTS = {
  epochs: (get: (key: string) => Value | undefined) =>
    (get('steps') ?? null) !== null ? null : 10,
};
