// The keys of normalizing flows: a table for all of them, of which each family takes its own.
import { MASKS, SCALES } from '../../../flows/index.ts';
import type { Key, Schema, Value } from '../../../schema/index.ts';
import { MLP_KEYS } from '../../nets/mlp.ts';

type Get = (key: string) => Value | undefined;

const number = (get: Get, key: string) => Number(get(key) ?? 0);
/** Features of data that a spline in each coupling fits best, in few couplings. */
export const PLANAR = 3;
const isPlanar = (get: Get) => number(get, 'data.features') <= PLANAR;
export const isImage = (get: Get) => number(get, 'data.levels') > 0;

const variational = { when: { dequantize: ['variational'] } };

/** What layers with nets do; the same keys serve a layer of a list. */
export const TRANSFORM_KEYS = {
  kind: {
    type: 'choice',
    choices: ['affine', 'additive', 'spline'],
    default: 'affine',
    help: 'what the nets steer: scale and shift, shift alone, or a rational-quadratic spline',
  },
  scale: {
    type: 'choice',
    choices: SCALES,
    default: 'soft',
    help: 'of affine: bounded softly, or the sigmoid of Glow, which starts at 1 and never exceeds it',
  },
  bins: { type: 'integer', min: 2, max: 64, default: 8, help: 'pieces of a spline' },
  bound: {
    type: 'number',
    above: 0,
    default: 4,
    help: 'a spline leaves values beyond ± this as they are',
  },
} as const satisfies Schema;

/** What differs between families of layers with nets. */
export interface Usual {
  /** Of few features, where that differs; the general one. */
  readonly depth: number;
  readonly planarDepth?: number;
  readonly mixing: string;
  /** Whether its layers are convolutions. */
  readonly isOfImages?: boolean;
  /** Whether data of few features want splines, in few couplings, without mixing. */
  readonly likesSplines?: boolean;
}

const widths = (usual: Usual): Key['default'] =>
  usual.isOfImages
    ? [32, 32]
    : (get) => (number(get, 'data.features') > 16 ? [128, 128] : [64, 64]);

export const depthKey = ({ depth, planarDepth = depth }: Usual) =>
  ({
    depth: {
      type: 'integer',
      min: 1,
      max: 1024,
      default: (get: Get) => (isPlanar(get) ? planarDepth : depth),
      help: 'couplings or autoregressive layers; of glow and emerging: steps of each level',
    },
  }) as const satisfies Schema;

export const LEVELS_KEY = {
  levels: {
    type: 'integer',
    min: 1,
    max: 16,
    default: (get: Get) => Math.max(1, Math.min(2, number(get, 'data.levels'))),
    help: 'scales, each of half the resolution; half of the channels leave at each',
  },
} as const satisfies Schema;

/** Of nets, and of what they steer. */
export const netKeys = (usual: Usual) =>
  ({
    'net.hidden': {
      ...MLP_KEYS.hidden,
      default: widths(usual),
      help: "widths of the nets' hidden layers (on images: channels)",
    },
    'net.activation': { ...MLP_KEYS.activation, help: 'between their layers' },
    'transform.kind': {
      ...TRANSFORM_KEYS.kind,
      default: (get: Get) => (usual.likesSplines && isPlanar(get) ? 'spline' : 'affine'),
    },
    'transform.scale': {
      ...TRANSFORM_KEYS.scale,
      default: usual.isOfImages ? 'sigmoid' : 'soft',
      when: { 'transform.kind': ['affine'] },
    },
    'transform.bins': { ...TRANSFORM_KEYS.bins, when: { 'transform.kind': ['spline'] } },
    'transform.bound': { ...TRANSFORM_KEYS.bound, when: { 'transform.kind': ['spline'] } },
  }) as const satisfies Schema;

export const MASK_KEY = {
  mask: {
    type: 'choice',
    choices: MASKS,
    default: 'half',
    help: 'which part a coupling leaves as it is; a checkerboard takes images and convolutions',
  },
} as const satisfies Schema;

export const mixingKey = ({ mixing, likesSplines }: Usual) =>
  ({
    mixing: {
      type: 'choice',
      choices: ['none', 'reverse', 'random', 'lu', 'qr'],
      default: (get: Get) =>
        likesSplines && (get('mask') === 'checkerboard' || isPlanar(get)) ? 'none' : mixing,
      help: 'between layers: nothing, an order turned round or drawn, a linear layer',
    },
  }) as const satisfies Schema;

export const KERNEL_KEY = {
  kernel: {
    type: 'integer',
    min: 1,
    max: 15,
    default: 3,
    help: 'extent of the emerging convolutions, odd',
  },
} as const satisfies Schema;

export const NORM_KEY = {
  norm: {
    type: 'choice',
    choices: ['none', 'actnorm', 'batchnorm'],
    default: 'actnorm',
    help: 'before each layer: nothing, scales that start from data, or those of each batch',
  },
} as const satisfies Schema;

export const LAYERS_KEY = {
  layers: {
    type: 'layers',
    default: [],
    help: 'from noise to data; their types stand below this table',
  },
} as const satisfies Schema;

/** Of every flow: its noise, and how data become what it carries there. */
export const ENDS_KEYS = {
  'base.kind': {
    type: 'choice',
    choices: ['normal', 'diagonal', 'mixture'],
    default: 'normal',
    help: 'the noise: N(0, I), normals with learned means and deviations, or a mixture of those',
  },
  'base.components': {
    type: 'integer',
    min: 2,
    max: 1024,
    default: 8,
    when: { 'base.kind': ['mixture'] },
    help: 'of the mixture',
  },
  dequantize: {
    type: 'choice',
    choices: ['none', 'uniform', 'variational'],
    default: (get: Get) => (get('data.grey') === true ? 'uniform' : 'none'),
    help: 'grey level n of 256 becomes (n + u) / 256, with u uniform, or drawn by a flow of its own that learns beside; default: uniform for images and bytes',
  },
  'dequantizer.depth': {
    type: 'integer',
    min: 1,
    max: 64,
    default: 2,
    ...variational,
    help: 'couplings of the flow that draws u, which see the image',
  },
  'dequantizer.hidden': {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: [16, 16],
    ...variational,
    help: "widths of its nets' hidden layers (on images: channels)",
  },
  logit: {
    type: 'number',
    above: 0,
    below: 0.5,
    nullable: true,
    default: (get: Get) => (get('data.grey') === true ? 1e-6 : null),
    help: 'margin of a logit that carries (0, 1) to the whole line; null: none',
  },
} as const satisfies Schema;
