// A variational autoencoder of p(x | y): encoder and decoder are told each row's class.
// Sohn, Lee and Yan 2015; codes then need not say what the class says, and hold the style.
import { LatentGpuError } from '../../errors.ts';
import type { DataDescription } from '../data-description.ts';
import type { Family } from '../family.ts';
import { SHARED, type VAE_KEYS, Vae, type VaeConfig } from './vae.ts';

/** @throws LatentGpuError `bad-config` for data without classes */
export function classNamesOf({ classNames }: DataDescription, family: string): readonly string[] {
  if (classNames) return classNames;
  throw new LatentGpuError(
    'bad-config',
    `${family} is told the class of each row, and its data have none: data.classNames is missing`,
  );
}

export const CVAE: Family<typeof VAE_KEYS> = {
  name: 'cvae',
  title: 'Conditional VAE',
  about: 'a VAE of the data of each class, which it is told (Sohn, Lee and Yan 2015)',
  ...SHARED,
  wants: ['labels'],
  build: (config, data, seed) =>
    new Vae(
      {
        ...(config as unknown as Omit<VaeConfig, 'shape'>),
        shape: data.shape,
        classNames: classNamesOf(data, 'cvae'),
      },
      seed,
    ),
};
