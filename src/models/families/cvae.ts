// A variational autoencoder of p(x | y): encoder and decoder are told each row's class.
// Sohn, Lee and Yan 2015; codes then need not say what the class says, and hold the style.
import { LatentGpuError } from '../../errors.ts';
import type { Schema, Values } from '../../schema/index.ts';
import type { DataDescription } from '../data-description.ts';
import type { Family } from '../family.ts';
import { SHARED, VAE_KEYS, Vae, type VaeConfig } from './vae/index.ts';

/** @throws LatentGpuError `bad-config` for data without classes */
export function classNamesOf({ classNames }: DataDescription, family: string): readonly string[] {
  if (classNames) return classNames;
  throw new LatentGpuError(
    'bad-config',
    `${family} is told the class of each row, and its data have none: data.classNames is missing`,
  );
}

export const CVAE_KEYS = {
  condition: {
    type: 'integers',
    longest: 4096,
    min: 0,
    max: 65535,
    nullable: true,
    default: null,
    help: 'columns of a table that all is conditional on in place of classes, from 0; --condition names them',
  },
  ...VAE_KEYS,
} as const;

const isOfColumns = (values: Values) => (values.get('condition') ?? null) !== null;

function check(values: Values): void {
  SHARED.check(values);
  if (!isOfColumns(values)) return;
  const bad = (why: string) => new LatentGpuError('bad-config', why);
  if (values.get('outputBias') === 'data') {
    throw bad('outputBias=data is of all columns, and condition tells some of them; leave it out');
  }
  if (values.get('likelihood.kind') === 'bernoulli' && values.get('binarize') !== 'none') {
    throw bad(
      'columns of condition are not to be drawn as 0 or 1: set binarize=none, or another likelihood',
    );
  }
}

export const CVAE: Family<typeof CVAE_KEYS & Schema> = {
  name: 'cvae',
  title: 'Conditional VAE',
  about:
    'a VAE of the data of each class, or given columns, which it is told (Sohn, Lee and Yan 2015)',
  ...SHARED,
  keys: CVAE_KEYS as typeof CVAE_KEYS & Schema,
  check,
  wants: (values) => (isOfColumns(values) ? [] : ['labels']),
  build: (config, data, seed) => {
    const own = config as unknown as Omit<VaeConfig, 'shape'>;
    return new Vae(
      {
        ...own,
        shape: data.shape,
        categories: data.categories,
        isSequence: data.sequence !== undefined,
        ...(!own.condition && { classNames: classNamesOf(data, 'cvae') }),
      },
      seed,
    );
  },
};
