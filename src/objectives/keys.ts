// The keys of an objective: how a model with a posterior is trained.
import type { ConfigOf, Schema, Value } from '../schema/index.ts';

type Get = (key: string) => Value | undefined;

/** The kind of a part; what is not said is plain. */
const kindOf = (get: Get, part: string, plain: string) => String(get(`${part}.kind`) ?? plain);

const isDiscrete = (get: Get) => kindOf(get, 'code', 'normal') !== 'normal';

/** Whether KL(q ‖ p) is known for each dimension of the code. */
const isClosed = (get: Get) =>
  isDiscrete(get) ||
  (['normal', 'free', 'full'].includes(kindOf(get, 'posterior', 'normal')) &&
    kindOf(get, 'prior', 'normal') === 'normal');

const ofElbo = { 'objective.bound': ['elbo'] } as const;
const ofFreeBeta = { 'objective.bound': ['elbo'], 'objective.constraint': ['none'] } as const;
const ofDraws = {
  'objective.bound': ['elbo'],
  'objective.estimator': ['reparameterized'],
  'objective.constraint': ['none'],
} as const;
const ofRelaxed = { 'objective.estimator': ['gumbel', 'straight-through'] } as const;

/** Defaults follow from `family`, `code.kind`, `posterior.kind` and `prior.kind`, where they are given. */
export const OBJECTIVE_KEYS = {
  'objective.bound': {
    type: 'choice',
    choices: ['elbo', 'iwae'],
    default: (get) => (get('family') === 'iwae' ? 'iwae' : 'elbo'),
    help: 'evidence lower bound, or the importance-weighted one',
  },
  'objective.estimator': {
    type: 'choice',
    choices: [
      'reparameterized',
      'stl',
      'dreg',
      'score',
      'gumbel',
      'straight-through',
      'enumerated',
    ],
    default: (get) => (isDiscrete(get) ? 'gumbel' : 'reparameterized'),
    help: "of the encoder's gradient: through draws (stl, dreg: of less variance), score function, relaxed codes, or a sum over all codes",
  },
  'objective.baseline': {
    type: 'choice',
    choices: ['none', 'mean', 'leave-one-out', 'network'],
    default: 'mean',
    when: { 'objective.estimator': ['score'] },
    help: "what is taken from the score function's signal: nothing, its moving average, the other draws' mean, a net's guess",
  },
  'objective.baselineHidden': {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: [100],
    when: { 'objective.baseline': ['network'] },
    help: "widths of that net's hidden layers",
  },
  'objective.samples': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: (get) =>
      get('objective.bound') === 'iwae' ? 5 : get('objective.baseline') === 'leave-one-out' ? 4 : 1,
    help: 'draws of the code for each data point',
  },
  'objective.kl': {
    type: 'choice',
    choices: ['analytic', 'sampled'],
    default: (get) => (isClosed(get) ? 'analytic' : 'sampled'),
    when: { 'objective.bound': ['elbo'], 'objective.estimator': ['reparameterized', 'score'] },
    help: 'closed form or Monte Carlo',
  },
  'objective.constraint': {
    type: 'choice',
    choices: ['none', 'kl', 'reconstruction'],
    default: 'none',
    when: ofElbo,
    help: 'what a Lagrange multiplier holds at a target, in place of beta',
  },
  'objective.target': {
    type: 'number',
    default: 10,
    when: { 'objective.constraint': ['kl', 'reconstruction'] },
    help: 'nats of the divergence, or of -log p(x | code), at most',
  },
  'objective.constraintRate': {
    type: 'number',
    above: 0,
    max: 1,
    default: 0.01,
    when: { 'objective.constraint': ['kl', 'reconstruction'] },
    help: "how fast the multiplier's logarithm moves",
  },
  'objective.beta': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 1,
    when: ofFreeBeta,
    help: 'weight of the divergence',
  },
  'objective.anneal': {
    type: 'choice',
    choices: ['none', 'linear', 'cyclical'],
    default: 'none',
    when: ofFreeBeta,
    help: 'the weight rises from 0 to beta: once, or again and again',
  },
  'objective.annealEpochs': {
    type: 'number',
    above: 0,
    default: 10,
    when: { 'objective.anneal': ['linear', 'cyclical'] },
    help: 'epochs of the rise, or of a cycle, whose first half rises',
  },
  'objective.freeBits': {
    type: 'number',
    min: 0,
    default: 0,
    when: ofFreeBeta,
    help: 'nats λ of the divergence that cost nothing: it counts as max(λ, KL)',
  },
  'objective.freeBitsBy': {
    type: 'choice',
    choices: ['dimension', 'group', 'all'],
    default: (get) =>
      kindOf(get, 'code', 'normal') === 'categorical'
        ? 'group'
        : isClosed(get) && kindOf(get, 'posterior', 'normal') !== 'full'
          ? 'dimension'
          : 'all',
    when: ofFreeBeta,
    help: 'what has that many: each dimension, each group of a discrete code, or all together',
  },
  'objective.totalCorrelation': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 0,
    when: ofDraws,
    help: 'weight γ of what the numbers of codes tell of each other (FactorVAE; β-TCVAE of β = 1 + γ)',
  },
  'objective.discrepancy': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 0,
    when: ofDraws,
    help: 'weight λ of the distance of all codes from the prior (InfoVAE; with beta=0 a Wasserstein autoencoder)',
  },
  'objective.temperature': {
    type: 'number',
    above: 0,
    default: 1,
    when: ofRelaxed,
    help: 'of relaxed codes, to begin with',
  },
  'objective.temperatureFloor': {
    type: 'number',
    above: 0,
    default: (get) => Math.min(0.5, Number(get('objective.temperature') ?? 1)),
    when: ofRelaxed,
    help: 'to which it cools',
  },
  'objective.temperatureEpochs': {
    type: 'number',
    min: 0,
    default: 0,
    when: ofRelaxed,
    help: 'epochs of cooling; 0: none',
  },
} as const satisfies Schema;

/** How a model is trained. */
export type ObjectiveConfig = ConfigOf<typeof OBJECTIVE_KEYS>['objective'];
