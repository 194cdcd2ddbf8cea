// The keys of Gaussian autoregressive models.
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { CELL } from '../../nets/keys.ts';
import { MLP_KEYS } from '../../nets/mlp.ts';
import { partKeys } from '../../part.ts';
import { rowsHeld } from '../../rows-held.ts';

type Get = (key: string) => Value | undefined;

const LINEAR = {
  about: 'means are linear and deviations fixed',
  keys: {
    fit: {
      type: 'choice',
      choices: ['exact', 'gradient'],
      default: 'exact',
      help: 'by least squares in closed form, in one pass; or by gradient ascent',
    },
  } as const satisfies Schema,
};

const HIDDEN = {
  ...MLP_KEYS.hidden,
  default: (get: Get) => (get('net.kind') === 'recurrent' ? [64] : [100, 100]),
} as const;

const MLP = {
  about: 'a masked net tells means and deviations',
  keys: {
    ...MLP_KEYS,
    hidden: HIDDEN,
  } as const satisfies Schema,
};

const RECURRENT = {
  about: 'gated recurrent units tell those of a step, having seen all before it',
  keys: { hidden: HIDDEN, cell: CELL } as const satisfies Schema,
};

export const AR_KEYS = {
  order: {
    type: 'integer',
    min: 1,
    max: 65536,
    nullable: true,
    default: null,
    help: 'features before its own that a feature depends on, at most; null: all of them; 1..10 tries each and keeps the one of the lowest BIC',
  },
  ...partKeys(
    'net',
    { linear: LINEAR, mlp: MLP, recurrent: RECURRENT },
    { default: 'linear', help: 'how a feature depends on those before it' },
  ),
} as const satisfies Schema;

export type ArConfig = ConfigOf<typeof AR_KEYS>;

const isExact = (get: Get) => get('net.fit') === 'exact';

export const AR_DEFAULTS = {
  epochs: (get: Get) => ((get('steps') ?? null) !== null ? null : isExact(get) ? 1 : 100),
  batch: (get: Get) => {
    const rows = Number(get('data.rows')) || 1;
    if (!isExact(get)) return Math.min(rows, 100);
    return Math.min(rows, rowsHeld(Number(get('data.features')) || 1));
  },
  'evaluate.every': (get: Get) => (isExact(get) ? 1 : 10),
  'evaluate.limit': 10_000,
};
