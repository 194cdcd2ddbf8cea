// The keys of normalizing flows.
import { MASKS, SCALES } from '../../flows/index.ts';
import { activations } from '../../ops/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import { FLOW_FAMILIES, type FlowFamily } from '../families.ts';

type Get = (key: string) => Value | undefined;

const of = (...family: FlowFamily[]) => ({ family });
const IMAGE_FLOWS: readonly unknown[] = ['glow', 'emerging'];
/** Flows of layers with nets. */
const withNets = of('realnvp', 'maf', 'iaf', 'emerging', 'glow');
const variational = { family: FLOW_FAMILIES, dequantize: ['variational'] };
const number = (get: Get, key: string) => Number(get(key) ?? 0);
/** Features of data that a spline in each coupling fits best, in few couplings. */
export const PLANAR = 3;
const isPlanar = (get: Get) => number(get, 'data.features') <= PLANAR;
const DEPTH: Readonly<Record<string, number>> = { realnvp: 8, maf: 5, iaf: 5 };
const MIXING: Readonly<Record<string, string>> = { maf: 'reverse', iaf: 'reverse', glow: 'lu' };

/** What layers with nets do; the same keys serve a layer of a list. */
export const TRANSFORM_KEYS: Schema = {
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
};

const transformKey = (name: 'scale' | 'bins' | 'bound', kind: string) => ({
  ...(TRANSFORM_KEYS[name] as Schema[string]),
  when: { ...withNets, 'transform.kind': [kind] },
});

/**
 * Defaults refer to `family` and to what is known of the data: `data.features`, `data.levels` (how often
 * images can be halved, up to 3; 0 for plain vectors) and `data.grey` (whether values are grey levels).
 */
export const FLOW_KEYS: Schema = {
  depth: {
    type: 'integer',
    min: 1,
    max: 1024,
    default: (get) =>
      get('family') === 'realnvp' && isPlanar(get) ? 6 : (DEPTH[String(get('family'))] ?? 4),
    when: withNets,
    help: 'couplings or autoregressive layers; of glow and emerging: steps of each level',
  },
  levels: {
    type: 'integer',
    min: 1,
    max: 16,
    default: (get) => Math.max(1, Math.min(2, number(get, 'data.levels'))),
    when: of('emerging', 'glow'),
    help: 'scales, each of half the resolution; half of the channels leave at each',
  },
  'net.hidden': {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: (get) =>
      IMAGE_FLOWS.includes(get('family'))
        ? [32, 32]
        : number(get, 'data.features') > 16
          ? [128, 128]
          : [64, 64],
    when: withNets,
    help: "widths of the nets' hidden layers (on images: channels)",
  },
  'net.activation': {
    type: 'choice',
    choices: Object.keys(activations),
    default: 'relu',
    when: withNets,
    help: 'between their layers',
  },
  'transform.kind': {
    ...(TRANSFORM_KEYS.kind as Schema[string]),
    default: (get) => (get('family') === 'realnvp' && isPlanar(get) ? 'spline' : 'affine'),
    when: withNets,
  },
  'transform.scale': {
    ...transformKey('scale', 'affine'),
    default: (get) => (IMAGE_FLOWS.includes(get('family')) ? 'sigmoid' : 'soft'),
  },
  'transform.bins': transformKey('bins', 'spline'),
  'transform.bound': transformKey('bound', 'spline'),
  mask: {
    type: 'choice',
    choices: MASKS,
    default: 'half',
    when: of('realnvp'),
    help: 'which part a coupling leaves as it is; a checkerboard takes images and convolutions',
  },
  mixing: {
    type: 'choice',
    choices: ['none', 'reverse', 'random', 'lu', 'qr'],
    default: (get) =>
      MIXING[String(get('family'))] ??
      (get('mask') !== 'checkerboard' && !isPlanar(get) ? 'random' : 'none'),
    when: of('realnvp', 'maf', 'iaf', 'glow'),
    help: 'between layers: nothing, an order turned round or drawn, a linear layer',
  },
  kernel: {
    type: 'integer',
    min: 1,
    max: 15,
    default: 3,
    when: of('emerging'),
    help: 'extent of the emerging convolutions, odd',
  },
  norm: {
    type: 'choice',
    choices: ['none', 'actnorm', 'batchnorm'],
    default: 'actnorm',
    when: withNets,
    help: 'before each layer: nothing, scales that start from data, or those of each batch',
  },
  layers: {
    type: 'layers',
    default: [],
    when: of('flow'),
    help: 'from noise to data; their types stand below this table',
  },
  'base.kind': {
    type: 'choice',
    choices: ['normal', 'diagonal', 'mixture'],
    default: 'normal',
    when: { family: FLOW_FAMILIES },
    help: 'the noise: N(0, I), normals with learned means and deviations, or a mixture of those',
  },
  'base.components': {
    type: 'integer',
    min: 2,
    max: 1024,
    default: 8,
    when: { family: FLOW_FAMILIES, 'base.kind': ['mixture'] },
    help: 'of the mixture',
  },
  dequantize: {
    type: 'choice',
    choices: ['none', 'uniform', 'variational'],
    default: (get) => (get('data.grey') === true ? 'uniform' : 'none'),
    when: { family: FLOW_FAMILIES },
    help: 'grey level n of 256 becomes (n + u) / 256, with u uniform, or drawn by a flow of its own that learns beside; default: uniform for images and bytes',
  },
  'dequantizer.depth': {
    type: 'integer',
    min: 1,
    max: 64,
    default: 2,
    when: variational,
    help: 'couplings of the flow that draws u, which see the image',
  },
  'dequantizer.hidden': {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: [16, 16],
    when: variational,
    help: "widths of its nets' hidden layers (on images: channels)",
  },
  logit: {
    type: 'number',
    above: 0,
    below: 0.5,
    nullable: true,
    default: (get) => (get('data.grey') === true ? 1e-6 : null),
    when: { family: FLOW_FAMILIES },
    help: 'margin of a logit that carries (0, 1) to the whole line; null: none',
  },
};
