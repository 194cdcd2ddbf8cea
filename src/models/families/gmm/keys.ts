// The keys of mixtures of normals.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { COVARIANCES, type CovarianceKind } from './covariance.ts';
import { rowsAtOnce } from './statistics.ts';

type Get = (key: string) => Value | undefined;

const KINDS = Object.keys(COVARIANCES) as CovarianceKind[];
const number = (get: Get, key: string) => Number(get(key) ?? 1) || 1;

/** Numbers of a pass for which ten starts are cheap. */
const CHEAP = 2e7;

/** Products of a start's pass. */
const passOf = (get: Get) =>
  number(get, 'data.rows') *
  number(get, 'components') *
  number(get, 'data.features') *
  (KINDS.indexOf(get('covariance') as CovarianceKind) < 2 ? number(get, 'data.features') : 1);

export const GMM_KEYS = {
  components: {
    type: 'integer',
    min: 1,
    max: 4096,
    default: 8,
    help: 'normals that are mixed; 1..10 tries each and keeps the one of the lowest BIC',
  },
  covariance: {
    type: 'choice',
    choices: ['full', 'tied', 'diagonal', 'spherical'],
    default: 'full',
    help: `covariances: ${KINDS.map((kind) => `${kind}, ${COVARIANCES[kind].about}`).join('; ')}`,
  },
  fit: {
    type: 'choice',
    choices: ['em', 'stepwise', 'gradient'],
    default: 'em',
    help: 'EM by passes; by batches, for data that are streamed; or gradient ascent',
  },
  power: {
    type: 'number',
    above: 0.5,
    max: 1,
    default: 0.7,
    when: { fit: ['stepwise'] },
    help: 'statistics of a batch count (step + 2)^-power',
  },
  start: {
    type: 'choice',
    choices: ['kmeans', 'random'],
    default: 'kmeans',
    help: 'where EM begins: k-means from k-means++, or random rows as means',
  },
  starts: {
    type: 'integer',
    min: 1,
    max: 256,
    default: (get: Get) => (passOf(get) <= CHEAP && !get('data.missing') ? 10 : 1),
    when: { fit: ['em', 'stepwise'] },
    help: 'mixtures that learn side by side, of which the best is kept',
  },
  regularize: { type: 'number', min: 0, default: 0, help: 'added to every variance' },
  tolerance: {
    type: 'number',
    min: 0,
    default: 1e-7,
    when: { fit: ['em', 'stepwise'] },
    help: 'nats a row: ten passes that bring less together are the last',
  },
} as const satisfies Schema;

export type GmmConfig = ConfigOf<typeof GMM_KEYS>;

export const GMM_DEFAULTS = {
  epochs: (get: Get) => {
    if ((get('steps') ?? null) !== null) return null;
    return get('fit') === 'em' ? 1000 : 100;
  },
  // Small data in one step; of large ones what fits.
  batch: (get: Get) => {
    if (get('fit') !== 'em') return Math.min(number(get, 'data.rows'), 256);
    const components = number(get, 'starts') * number(get, 'components');
    const features = number(get, 'data.features');
    // What is missing of a row has a covariance of its own.
    const most = rowsAtOnce(components, get('data.missing') ? features ** 2 : features);
    return Math.min(number(get, 'data.rows'), most);
  },
  'optimizer.lr': 1e-2,
  'evaluate.every': 20,
  'evaluate.limit': 10_000,
};
