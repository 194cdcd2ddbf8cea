// A VAE of several stochastic layers.
import { LatentGpuError } from '../../../errors.ts';
import type { Value } from '../../../schema/index.ts';
import type { Family } from '../../family.ts';
import { DECODED_RUN_KEYS, WEIGHED_RUN_KEYS } from '../coded.ts';
import { HVAE_KEYS } from './keys.ts';
import { HierarchicalVae } from './model.ts';

/** @throws LatentGpuError `bad-config` for what is wrong of several layers */
function check(values: ReadonlyMap<string, Value>): void {
  const refuse = (why: string): never => {
    throw new LatentGpuError('bad-config', why);
  };
  if (values.get('objective.estimator') === 'dreg') {
    refuse(
      'objective.estimator=dreg is biased for several layers of codes, whose posteriors depend on each other (Bauer and Mnih 2021); take reparameterized or stl',
    );
  }
  const isEmpty = (key: string) => (values.get(key) as readonly number[] | undefined)?.length === 0;
  const inference = values.get('inference');
  if (inference !== 'bottom-up') {
    const empty = ['encoder.hidden', 'between.hidden'].find(isEmpty);
    if (empty) {
      refuse(
        `${empty} is empty, and inference=${inference} reads codes off hidden layers; give it a width, or take inference=bottom-up`,
      );
    }
  }
  if (isEmpty('latents')) refuse('latents is empty; give the size of at least one layer of codes');
}

export const HVAE: Family<typeof HVAE_KEYS> = {
  name: 'hvae',
  title: 'Hierarchical VAE',
  about:
    'several layers of codes, inferred from the top down or from the data up (Sønderby et al. 2016)',
  keys: HVAE_KEYS,
  required: ['latents', 'encoder.hidden', 'decoder.hidden', 'likelihood.kind'],
  run: { ...DECODED_RUN_KEYS, ...WEIGHED_RUN_KEYS },
  takesMissing: true,
  takesWords: true,
  check,
  build: (config, data) => new HierarchicalVae(config, data),
};
