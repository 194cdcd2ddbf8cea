// Decoders that describe a place of the data given the code and the places before it: what a decoder's net makes
// of a code are maps, numbers for each place, which a net of the places before is told.
import type { Distribution } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Batch, Module } from '../../nn/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import type { Walk } from '../abilities.ts';
import { PIXELCNN_KEYS } from './pixelcnn.ts';

/** Places that a decoder may be told: far beyond, and nothing is left for the code to say. */
const FARTHEST = 1024;

const RECEPTIVE = { 'decoder.receptive': 'any' } as const;
const OF_IMAGES = { ...RECEPTIVE, 'data.sequence': ['false'] } as const;
const OF_SERIES = { ...RECEPTIVE, 'data.sequence': ['true'] } as const;

export const ORDERED_KEYS = {
  'decoder.receptive': {
    type: 'integer',
    min: 1,
    max: FARTHEST,
    nullable: true,
    default: null,
    help: 'drawn by the code and by places before: of images, pixels above and to the left, by a PixelCNN (PixelVAE); of series, so many steps, by dilated causal convolutions; null: by the code alone',
  },
  'decoder.pixelChannels': {
    ...PIXELCNN_KEYS.channels,
    when: OF_IMAGES,
    help: 'features of a pixel in the PixelCNN',
  },
  'decoder.pixelLayers': {
    ...PIXELCNN_KEYS.layers,
    default: 2,
    when: OF_IMAGES,
    help: 'gated layers, of which the first sees other pixels',
  },
  'decoder.stepChannels': {
    ...PIXELCNN_KEYS.channels,
    when: OF_SERIES,
    help: 'features of a step in each of the causal convolutions, as many layers as the steps seen ask for',
  },
  'decoder.holes': {
    type: 'boolean',
    default: (get: (key: string) => Value | undefined) => get('data.missing') === true,
    when: OF_SERIES,
    help: 'learns from series with missing values: each step is told which of the numbers before it are there',
  },
  'decoder.maps': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: 4,
    when: RECEPTIVE,
    help: 'numbers that a code tells each pixel, or each number of a step',
  },
} as const satisfies Schema;

export interface OrderedConfig {
  /** null, or left out: places are independent given the code. */
  readonly receptive?: number | null | undefined;
  readonly pixelChannels?: number | undefined;
  readonly pixelLayers?: number | undefined;
  readonly stepChannels?: number | undefined;
  readonly holes?: boolean | undefined;
  readonly maps?: number | undefined;
}

export interface OrderedDecoder extends Module {
  /** Under which name its tensors stand. */
  readonly tensors: string;
  /** What is drawn one after the other: a `pixel`. */
  readonly what: string;
  /** Numbers that the decoder's net tells each feature. */
  readonly maps: number;
  /** Numbers of a data point where it takes most. */
  readonly numbers: number;
  /** p(x | z) of what the decoder's net has made of codes, [..., D · maps]. */
  distribution(told: Tensor): Distribution;
  /** Draws of it, a place a step. @param told [rows, D · maps] */
  walk(rows: number, told: Tensor): Walk;
  /**
   * Draws of it given what is seen of a batch (`x`, `mask`), by k particles a row: `result` has them as rows
   * [B · k, D], and in place of log p the logarithms of what they weigh.
   *
   * @param told [B · k, D · maps] @param logWeights of the codes, [B, k]
   */
  given?(batch: Batch, told: Tensor, logWeights: Tensor): Walk;
}

/** What such a decoder refuses. */
export const inOrder = (what: string) =>
  new LatentGpuError(
    'bad-config',
    `a decoder with decoder.receptive ${what}; leave decoder.receptive out`,
  );
