// Normalizing flows, trained for the likelihood itself: a row a family.
import { LatentGpuError } from '../../../errors.ts';
import type { Schema, Value } from '../../../schema/index.ts';
import type { Default, Family } from '../../family.ts';
import type { FlowConfig } from './config.ts';
import {
  depthKey,
  ENDS_KEYS,
  isImage,
  KERNEL_KEY,
  LAYERS_KEY,
  LEVELS_KEY,
  MASK_KEY,
  mixingKey,
  NORM_KEY,
  netKeys,
  PLANAR,
  type Usual,
} from './keys.ts';
import { FlowModel } from './model.ts';

type Get = (key: string) => Value | undefined;
const few = (get: Get) => Number(get('data.features')) <= PLANAR;

/** Densities in the plane are quick to learn; images take small batches. */
const DEFAULTS: Readonly<Record<string, Default>> = {
  batch: (get) => (isImage(get) ? 64 : 200),
  epochs: (get) => ((get('steps') ?? null) !== null ? null : isImage(get) ? 5 : 20),
  'optimizer.lr': (get) =>
    get('optimizer.kind') === 'sgd'
      ? 1e-2
      : get('optimizer.kind') === 'adamax'
        ? 2e-3
        : few(get)
          ? 2e-3
          : 1e-3,
  'evaluate.limit': (get) => (isImage(get) ? 1000 : 10_000),
};

/** Without a net to upset, steps may be larger. */
const LINEAR_DEFAULTS: typeof DEFAULTS = {
  ...DEFAULTS,
  'optimizer.lr': (get) =>
    get('optimizer.kind') === 'sgd' ? 1e-2 : get('optimizer.kind') === 'adamax' ? 2e-3 : 5e-3,
};

/** Running statistics go with the parameters of their time. */
function check(values: ReadonlyMap<string, Value>): void {
  const layers = values.get('layers') as readonly { type?: unknown }[] | undefined;
  const hasStatistics =
    values.get('norm') === 'batchnorm' || layers?.some(({ type }) => type === 'batchnorm');
  const other = ['patience', 'ema'].find((name) => (values.get(name) ?? null) !== null);
  if (hasStatistics && other) {
    throw new LatentGpuError(
      'bad-config',
      `${other} keeps other parameters than the last, and the statistics of batchnorm belong to those; take actnorm, or leave ${other} out`,
    );
  }
}

interface Row<S extends Schema> {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly keys: S;
  readonly defaults?: typeof DEFAULTS;
}

const flow = <S extends Schema>(row: Row<S>): Family<S> => ({
  defaults: DEFAULTS,
  ...row,
  takesAnyRange: true,
  check,
  build: (config, _data, seed) => new FlowModel(config as unknown as FlowConfig, seed),
});

const COUPLINGS: Usual = {
  depth: 8,
  planarDepth: 6,
  mixing: 'random',
  likesSplines: true,
};
const AUTOREGRESSIVE: Usual = { depth: 5, mixing: 'reverse' };
const IMAGES: Usual = { depth: 4, mixing: 'lu', isOfImages: true };

const autoregressive = {
  ...depthKey(AUTOREGRESSIVE),
  ...netKeys(AUTOREGRESSIVE),
  ...mixingKey(AUTOREGRESSIVE),
  ...NORM_KEY,
  ...ENDS_KEYS,
};

export const FLOWS: readonly Family[] = [
  flow({
    name: 'realnvp',
    title: 'RealNVP',
    about: 'couplings (Dinh, Sohl-Dickstein and Bengio 2017)',
    keys: {
      ...depthKey(COUPLINGS),
      ...netKeys(COUPLINGS),
      ...MASK_KEY,
      ...mixingKey(COUPLINGS),
      ...NORM_KEY,
      ...ENDS_KEYS,
    },
  }),
  flow({
    name: 'maf',
    title: 'MAF',
    about: 'masked autoregressive, densities in one pass (Papamakarios, Pavlakou and Murray 2017)',
    keys: autoregressive,
  }),
  flow({
    name: 'iaf',
    title: 'IAF',
    about: 'inverse autoregressive, draws in one pass (Kingma et al. 2016)',
    keys: autoregressive,
  }),
  flow({
    name: 'linear-lu',
    title: 'Linear flow (LU)',
    about: 'one linear layer as P L U (Kingma and Dhariwal 2018)',
    keys: ENDS_KEYS,
    defaults: LINEAR_DEFAULTS,
  }),
  flow({
    name: 'linear-qr',
    title: 'Linear flow (QR)',
    about: 'one linear layer as Q R, by Householder reflections (Hoogeboom et al. 2019)',
    keys: ENDS_KEYS,
    defaults: LINEAR_DEFAULTS,
  }),
  flow({
    name: 'emerging',
    title: 'Emerging flow',
    about: 'couplings and emerging convolutions on several scales (Hoogeboom et al. 2019)',
    keys: {
      ...depthKey(IMAGES),
      ...LEVELS_KEY,
      ...netKeys(IMAGES),
      ...KERNEL_KEY,
      ...NORM_KEY,
      ...ENDS_KEYS,
    },
  }),
  flow({
    name: 'glow',
    title: 'Glow',
    about: 'couplings and 1×1 convolutions on several scales (Kingma and Dhariwal 2018)',
    keys: {
      ...depthKey(IMAGES),
      ...LEVELS_KEY,
      ...netKeys(IMAGES),
      ...mixingKey(IMAGES),
      ...NORM_KEY,
      ...ENDS_KEYS,
    },
  }),
  flow({
    name: 'flow',
    title: 'Flow',
    about: 'a list of layers of your own, from noise to data',
    keys: { ...LAYERS_KEY, ...ENDS_KEYS },
  }),
] as readonly Family[];
