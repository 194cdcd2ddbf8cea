// The keys of probabilistic PCA.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { rowsHeld } from '../../rows-held.ts';
import { LATENT } from '../coded.ts';

type Get = (key: string) => Value | undefined;

export const PPCA_KEYS = {
  latent: {
    ...LATENT,
    default: 2,
    help: 'size of a code; 1..10 tries each and keeps the one of the lowest BIC',
  },
  fit: {
    type: 'choice',
    choices: ['exact', 'em', 'gradient'],
    default: (get: Get) => (get('data.missing') ? 'em' : 'exact'),
    help: 'by eigenvectors of the covariance, in one pass; by EM, for many features or missing values; or by gradient ascent',
  },
  tolerance: {
    type: 'number',
    min: 0,
    default: 1e-6,
    when: { fit: ['em'] },
    help: 'nats a row: ten passes that bring less together are the last',
  },
} as const satisfies Schema;

export type PpcaConfig = ConfigOf<typeof PPCA_KEYS>;

export const PPCA_DEFAULTS = {
  epochs: (get: Get) => {
    if ((get('steps') ?? null) !== null) return null;
    return { exact: 1, em: 1000, gradient: 200 }[get('fit') as PpcaConfig['fit']] ?? 1;
  },
  batch: (get: Get) => {
    const rows = Number(get('data.rows')) || 1;
    if (get('fit') === 'gradient') return Math.min(rows, 100);
    // What is missing of a row has a covariance of its own.
    const own = get('data.missing') ? (Number(get('latent')) + 1) ** 2 : 1;
    return Math.min(rows, rowsHeld(Math.max(Number(get('data.features')) || 1, own)));
  },
  'optimizer.lr': 1e-2,
  'evaluate.every': 20,
  'evaluate.limit': 10_000,
};
