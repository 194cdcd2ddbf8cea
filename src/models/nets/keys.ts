// The keys of encoders and decoders: their kind, and what that has.
import { CELL_NAMES, NORM_NAMES } from '../../nn/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import { MLP_KEYS } from './mlp.ts';

export const NET_KINDS = ['mlp', 'conv', 'conv1d', 'recurrent', 'linear'] as const;

const { hidden: HIDDEN, activation: ACTIVATION } = MLP_KEYS;

const KIND = { type: 'choice', choices: NET_KINDS, default: 'mlp' } as const;

type Get = (key: string) => Value | undefined;

/** Of long sequences a step more is left out. */
const LONG = 256;
const isLong = (get: Get) => Number(get('data.steps') ?? 0) > LONG;

export const CELL = {
  type: 'choice',
  choices: CELL_NAMES,
  default: 'gru',
  help: 'recurrent units: gru, gated (Cho et al. 2014); lstm, long short-term memory',
} as const;

const CHANNELS = { type: 'integers', longest: 20, min: 1, max: 4096 } as const;
const STRIDES = {
  type: 'integers',
  longest: 20,
  min: 1,
  max: 16,
  default: (get: Get) => (isLong(get) ? [4, 4] : [2, 2]),
  help: 'of each convolution; one for each number of channels',
} as const;
const KERNEL = {
  type: 'integer',
  min: 1,
  max: 63,
  default: (get: Get) => (isLong(get) ? 8 : 4),
  help: 'rows and columns of a window',
} as const;
const RESIDUAL = {
  type: 'integer',
  min: 0,
  max: 20,
  default: 0,
  help: 'residual blocks at each scale',
} as const;

const NORM = {
  type: 'choice',
  choices: NORM_NAMES,
  default: 'none',
  help: 'before activations: batch, of a batch (running statistics in use); layer, of a row; group, of channels of a row',
} as const;

const [LAYERED, MLP, CONV] = [
  ['mlp', 'conv', 'conv1d'],
  ['mlp', 'recurrent'],
  ['conv', 'conv1d'],
];

type Under<P extends string, K> = { readonly [N in keyof K & string as `${P}${N}`]: K[N] };

function under<P extends string, K extends object>(prefix: P, keys: K): Under<P, K> {
  const named = Object.entries(keys).map(([name, key]) => [`${prefix}${name}`, key]);
  return Object.fromEntries(named) as Under<P, K>;
}

/** What is said of a net by the way it goes. */
interface Way {
  readonly help: string;
  readonly channels: { readonly default: readonly number[]; readonly help: string };
}

const INWARDS: Way = {
  help: 'mlp, full layers; conv, convolutions over images; conv1d, over series; recurrent, gated units over series; linear, one layer',
  channels: { default: [32, 64], help: 'of each convolution, from the image inwards' },
};
const OUTWARDS: Way = {
  help: 'the same, for the way back',
  channels: {
    default: [64, 32],
    help: 'before each transposed convolution, from the code to the image',
  },
};

function netKeys<P extends string>(prefix: P, { help, channels }: Way) {
  const kind = `${prefix}kind`;
  return under(prefix, {
    kind: { ...KIND, help } as const,
    hidden: {
      ...HIDDEN,
      default: (get: Get) => [...(get(kind) === 'recurrent' ? [64] : HIDDEN.default)],
      help: 'widths of the hidden layers; of recurrent units each layer, multiples of 4',
      when: { [kind]: MLP },
    } as const,
    cell: { ...CELL, when: { [kind]: ['recurrent'] } } as const,
    channels: { ...CHANNELS, ...channels, when: { [kind]: CONV } } as const,
    strides: { ...STRIDES, when: { [kind]: CONV } } as const,
    kernel: { ...KERNEL, when: { [kind]: CONV } } as const,
    residual: { ...RESIDUAL, when: { [kind]: CONV } } as const,
    activation: { ...ACTIVATION, when: { [kind]: LAYERED } } as const,
    norm: { ...NORM, when: { [kind]: LAYERED } } as const,
  });
}

/**
 * The keys of a net from data to numbers.
 *
 * @param prefix before each: `encoder.`, or nothing
 */
export const inwardKeys = <P extends string>(prefix: P) => netKeys(prefix, INWARDS);

export const NET_KEYS = {
  ...inwardKeys('encoder.'),
  ...netKeys('decoder.', OUTWARDS),
} satisfies Schema;
