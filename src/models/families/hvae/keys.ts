// What a hierarchy of codes is: their sizes, the nets between them, which way posteriors go.
import { OBJECTIVE_KEYS } from '../../../objectives/index.ts';
import type { ConfigOf, Schema } from '../../../schema/index.ts';
import { LIKELIHOOD_KEYS } from '../../likelihoods/index.ts';
import { MLP_KEYS } from '../../nets/mlp.ts';
import { INIT_KEYS, NET_KEYS } from '../coded.ts';

export const HVAE_KEYS = {
  latents: {
    type: 'integers',
    longest: 32,
    min: 1,
    max: 65536,
    default: [20, 10],
    help: 'sizes of the layers of codes, from the one beside the data to the top',
  },
  inference: {
    type: 'choice',
    choices: ['bottom-up', 'residual', 'top-down'],
    default: 'bottom-up',
    help: 'bottom-up: q(z | below); residual: what x says of a layer moves and scales p(z | above) (Vahdat and Kautz 2020); top-down: both are joined (ladder)',
  },
  ...NET_KEYS,
  'encoder.norm': {
    ...NET_KEYS['encoder.norm'],
    help: `${NET_KEYS['encoder.norm'].help}; of the nets above the lowest codes, too`,
  },
  'decoder.norm': {
    ...NET_KEYS['decoder.norm'],
    help: `${NET_KEYS['decoder.norm'].help}; of the nets from code to code, too`,
  },
  'between.hidden': {
    ...MLP_KEYS.hidden,
    default: [100],
    help: 'widths of the hidden layers of nets from layer to layer',
  },
  ...LIKELIHOOD_KEYS,
  'objective.bound': OBJECTIVE_KEYS['objective.bound'],
  'objective.estimator': {
    type: 'choice',
    choices: ['reparameterized', 'stl', 'dreg'],
    default: 'reparameterized',
    help: "of the posteriors' gradient; dreg is refused: of several layers it needs further terms",
  },
  'objective.samples': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: (get) => (get('objective.bound') === 'iwae' ? 5 : 1),
    help: 'draws of the codes for each data point',
  },
  'objective.beta': {
    ...OBJECTIVE_KEYS['objective.beta'],
    when: { 'objective.bound': ['elbo'] },
  },
  'objective.anneal': {
    ...OBJECTIVE_KEYS['objective.anneal'],
    when: { 'objective.bound': ['elbo'] },
  },
  'objective.annealEpochs': OBJECTIVE_KEYS['objective.annealEpochs'],
  'objective.freeBits': {
    ...OBJECTIVE_KEYS['objective.freeBits'],
    when: { 'objective.bound': ['elbo'] },
    help: 'nats λ of the divergence of each layer that cost nothing: it counts as max(λ, KL)',
  },
  ...INIT_KEYS,
} as const satisfies Schema;

export type HvaeConfig = ConfigOf<typeof HVAE_KEYS>;
