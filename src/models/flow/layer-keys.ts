// What a layer of a flow may be: its types, the keys of each, and a layer checked against them.
import { LatentGpuError } from '../../errors.ts';
import { MASKS } from '../../flows/index.ts';
import { nearest } from '../../nearest.ts';
import { activations } from '../../ops/index.ts';
import { type Given, type Schema, settle, type Value, type Values } from '../../schema/index.ts';
import { TRANSFORM_KEYS } from './keys.ts';

/** A layer as it stands in a file: its type, and keys that may be left out. */
export type LayerConfig = { readonly type: string } & Readonly<Record<string, Value>>;

const NET: Schema = {
  hidden: {
    type: 'integers',
    min: 1,
    max: 65536,
    default: [64, 64],
    help: "widths of the net's hidden layers",
  },
  activation: {
    type: 'choice',
    choices: Object.keys(activations),
    default: 'relu',
    help: 'between its layers',
  },
};

const { kind, scale, bins, bound } = TRANSFORM_KEYS as Record<string, Schema[string]>;
const TRANSFORM: Schema = {
  transform: kind as Schema[string],
  scale: { ...(scale as Schema[string]), when: { transform: ['affine'] } },
  bins: { ...(bins as Schema[string]), when: { transform: ['spline'] } },
  bound: { ...(bound as Schema[string]), when: { transform: ['spline'] } },
};

const AUTOREGRESSIVE: Schema = {
  order: {
    type: 'choice',
    choices: ['natural', 'reverse', 'random'],
    default: 'natural',
    help: 'in which features come after each other',
  },
  ...NET,
  ...TRANSFORM,
};

/** The types of layers and the keys of each. */
export const LAYER_KEYS = {
  coupling: {
    mask: { type: 'choice', choices: MASKS, default: 'half', help: 'which part stays as it is' },
    flip: { type: 'boolean', default: false, help: 'whether the parts change places' },
    ...NET,
    ...TRANSFORM,
  },
  autoregressive: AUTOREGRESSIVE,
  'inverse-autoregressive': AUTOREGRESSIVE,
  lu: {
    start: {
      type: 'numbers',
      nullable: true,
      default: null,
      help: 'the matrix to start from, row by row; null: a random rotation',
    },
  },
  qr: {
    reflections: {
      type: 'integer',
      min: 1,
      nullable: true,
      default: null,
      help: 'Householder reflections; null: as many as channels',
    },
  },
  emerging: { kernel: { type: 'integer', min: 1, max: 15, default: 3, help: 'odd extent' } },
  actnorm: {},
  batchnorm: {},
  reverse: {},
  permute: {
    order: {
      type: 'integers',
      min: 0,
      nullable: true,
      default: null,
      help: 'where each channel comes from; null: a random order',
    },
  },
  squeeze: {},
  flatten: {},
  split: {
    ...NET,
    hidden: { ...(NET.hidden as Schema[string]), default: [] },
  },
} as const satisfies Record<string, Schema>;

export type LayerType = keyof typeof LAYER_KEYS;

export const LAYER_TYPES = Object.keys(LAYER_KEYS) as LayerType[];

/** A layer with every key settled. */
export interface SettledLayer {
  readonly type: LayerType;
  readonly values: Values;
  /** `layers[3] (coupling)`, for messages. */
  readonly where: string;
  readonly seed: number;
}

/**
 * Checks a layer's keys.
 *
 * @throws LatentGpuError `bad-config` that names the layer
 */
export function settleLayer(
  { type, ...keys }: LayerConfig,
  index: number,
  seed: number,
): SettledLayer {
  const place = `layers[${index}]`;
  const known = LAYER_TYPES.find((each) => each === type);
  if (!known) {
    const guess = typeof type === 'string' ? `; did you mean '${nearest(type, LAYER_TYPES)}'?` : '';
    throw new LatentGpuError(
      'bad-config',
      `${place}: its type is ${JSON.stringify(type)}; it may be ${LAYER_TYPES.join(', ')}${guess}`,
    );
  }
  const where = `${place} (${known})`;
  const given = new Map<string, Given>(
    Object.entries(keys).map(([name, value]) => [name, { value, source: where }]),
  );
  return { type: known, where, values: settle(LAYER_KEYS[known], given), seed };
}
