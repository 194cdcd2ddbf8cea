// The keys of variational deep embedding.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { LIKELIHOOD_KEYS } from '../../likelihoods/index.ts';
import { INIT_KEYS, LATENT, NET_KEYS } from '../coded.ts';

type Get = (key: string) => Value | undefined;

const HIDDEN = [256, 256];
const isImage = (get: Get) => Number(get('data.levels') ?? 0) > 0;

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
    help: 'of all epochs, the first are an autoencoder; then the mixture starts on its codes',
  },
  'pretrain.noise': {
    type: 'number',
    min: 0,
    below: 1,
    default: 0.2,
    help: 'share of the values that it is told as 0, others in every step, and is to restore (Vincent et al. 2008)',
  },
  'start.kind': {
    type: 'choice',
    choices: ['linkage', 'em'],
    default: 'linkage',
    help: 'where clusters start: rows of the data that hang together (Zhang et al. 2012), or EM on codes',
  },
  'start.shift': {
    type: 'integer',
    min: 0,
    max: 64,
    default: (get: Get) => (isImage(get) ? 1 : 0),
    when: { 'start.kind': ['linkage'] },
    help: 'of images: pixels to a side by which they may differ and be as near as if they did not',
  },
  'start.turn': {
    type: 'number',
    min: 0,
    max: 180,
    default: (get: Get) => (isImage(get) ? 15 : 0),
    when: { 'start.kind': ['linkage'] },
    help: 'of images: degrees by which they may differ likewise',
  },
  'start.hold': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 0.05,
    when: { 'start.kind': ['linkage'] },
    help: 'beside the bound, for each number of a row: what log q(c | x) of a linked row weighs; 0: nothing',
  },
  'start.rows': {
    type: 'integer',
    min: 0,
    default: (get: Get) => Number(get('data.rows') ?? 0),
    when: { 'start.kind': ['linkage'] },
    help: 'rows of the training data',
  },
} as const satisfies Schema;

export type VadeKeys = ConfigOf<typeof VADE_KEYS>;

export const VADE_DEFAULTS = {
  epochs: (get: Get) => ((get('steps') ?? null) !== null ? null : 10),
};
