// The variational autoencoder and its importance-weighted sibling.
import { LatentGpuError } from '../../../errors.ts';
import { OBJECTIVE_KEYS } from '../../../objectives/index.ts';
import type { Schema, Value } from '../../../schema/index.ts';
import { CODE_KEYS } from '../../codes.ts';
import type { DataDescription } from '../../data-description.ts';
import type { Family } from '../../family.ts';
import { LIKELIHOOD_KEYS } from '../../likelihoods/index.ts';
import { ORDERED_KEYS } from '../../nets/ordered.ts';
import { POSTERIOR_KEYS } from '../../posteriors/index.ts';
import { PRIOR_KEYS } from '../../priors/index.ts';
import { DECODED_RUN_KEYS, INIT_KEYS, NET_KEYS, REQUIRED, WEIGHED_RUN_KEYS } from '../coded.ts';
import { Vae } from './model.ts';
import type { VaeConfig } from './parts.ts';

export { Vae } from './model.ts';
export type { VaeConfig } from './parts.ts';

export const VAE_KEYS = {
  ...CODE_KEYS,
  ...NET_KEYS,
  ...ORDERED_KEYS,
  ...LIKELIHOOD_KEYS,
  ...POSTERIOR_KEYS,
  ...PRIOR_KEYS,
  ...OBJECTIVE_KEYS,
  ...INIT_KEYS,
};

/** What the table says of all of them. */
export const SHARED = {
  keys: VAE_KEYS as typeof VAE_KEYS & Schema,
  required: REQUIRED,
  run: { ...DECODED_RUN_KEYS, ...WEIGHED_RUN_KEYS },
  // The encoder sees zeros, and bounds sum log p(x | z) over what is seen (Mattei and Frellsen 2019).
  takesMissing: true,
  takesWords: true,
  check: (values: ReadonlyMap<string, Value>): void => {
    if ((values.get('decoder.receptive') ?? null) === null) return;
    if (values.get('outputBias') !== 'data') return;
    throw new LatentGpuError(
      'bad-config',
      'outputBias=data sets what the decoder says of the data, and with decoder.receptive it says maps; leave one of them out',
    );
  },
  build: (config: unknown, { shape, sequence, categories }: DataDescription, seed: number) =>
    new Vae(
      {
        ...(config as Omit<VaeConfig, 'shape'>),
        ...{ shape, categories, isSequence: sequence !== undefined },
      },
      seed,
    ),
};

export const VAE: Family<typeof VAE_KEYS> = {
  name: 'vae',
  title: 'VAE',
  about: 'an encoder, a decoder and a prior of codes (Kingma and Welling 2014)',
  ...SHARED,
};

export const IWAE: Family<typeof VAE_KEYS> = {
  name: 'iwae',
  title: 'IWAE',
  about: 'a VAE trained for the importance-weighted bound (Burda, Grosse and Salakhutdinov 2016)',
  ...SHARED,
};
