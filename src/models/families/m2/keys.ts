// What a semi-supervised model is: the parts of a conditional VAE, and a classifier beside them.
import { LatentGpuError } from '../../../errors.ts';
import { OBJECTIVE_KEYS } from '../../../objectives/index.ts';
import type { ConfigOf, Schema, Value } from '../../../schema/index.ts';
import { LIKELIHOOD_KEYS } from '../../likelihoods/index.ts';
import { inwardKeys } from '../../nets/index.ts';
import { INIT_KEYS, LATENT, NET_KEYS } from '../coded.ts';

export const M2_KEYS = {
  latent: LATENT,
  ...NET_KEYS,
  ...inwardKeys('classifier.'),
  alpha: {
    type: 'number',
    min: 0,
    default: 10,
    help: 'weight of -log q(y | x) of rows whose class is known, in nats of the bound',
  },
  ...LIKELIHOOD_KEYS,
  ...OBJECTIVE_KEYS,
  ...INIT_KEYS,
} as const satisfies Schema;

export type M2Config = ConfigOf<typeof M2_KEYS>;

/** @throws LatentGpuError `bad-config` for what means nothing where classes are summed over */
export function checkM2(values: ReadonlyMap<string, Value>): void {
  const refuse = (why: string): never => {
    throw new LatentGpuError('bad-config', why);
  };
  if (Number(values.get('objective.freeBits') ?? 0) > 0) {
    refuse(
      'objective.freeBits is for one code a row, and m2 weighs those of every class; take objective.anneal',
    );
  }
  for (const key of ['objective.totalCorrelation', 'objective.discrepancy']) {
    if (Number(values.get(key) ?? 0) === 0) continue;
    refuse(`${key} is for one code a row, and m2 weighs those of every class; leave it out`);
  }
  for (const net of ['encoder', 'decoder']) {
    if (values.get(`${net}.norm`) !== 'batch') continue;
    refuse(
      `${net}.norm is batch, and m2 shows its nets every row as every class; take ${net}.norm=layer, or group of convolutions`,
    );
  }
  if ((values.get('objective.constraint') ?? 'none') !== 'none') {
    refuse(
      'objective.constraint is for one code a row, and m2 weighs those of every class; leave it out',
    );
  }
  if ((values.get('objective.estimator') ?? 'reparameterized') === 'score') {
    refuse(
      "objective.estimator=score is not m2's, whose classes are summed over; take reparameterized, stl or dreg",
    );
  }
}
