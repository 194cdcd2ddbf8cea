// Nets of encoders and decoders, by kind.
import { LatentGpuError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Variable } from '../../graph/variable.ts';
import {
  type Cell,
  ConditionedMLP,
  type Linear,
  type LinearInit,
  MLP,
  type Module,
  type NormKind,
} from '../../nn/index.ts';
import type { activations } from '../../ops/index.ts';
import type { Told } from '../abilities.ts';
import {
  type ConvolutionalConfig,
  ConvolutionalDecoder,
  ConvolutionalEncoder,
} from './convolutional.ts';
import type { NET_KINDS } from './keys.ts';
import { RecurrentDecoder, RecurrentEncoder } from './recurrent.ts';
import { ToldConvolutionalDecoder, ToldEncoder, ToldRecurrentDecoder } from './told.ts';

export { inwardKeys, NET_KEYS } from './keys.ts';

/** What an encoder or decoder is; what its kind has no use for is left out. */
export interface NetConfig {
  /** Default: `mlp`. */
  readonly kind?: (typeof NET_KINDS)[number] | undefined;
  readonly hidden?: readonly number[] | undefined;
  readonly activation?: keyof typeof activations | undefined;
  readonly channels?: readonly number[] | undefined;
  readonly strides?: readonly number[] | undefined;
  readonly kernel?: number | undefined;
  readonly residual?: number | undefined;
  readonly cell?: Cell | undefined;
  /** Default: none. */
  readonly norm?: NormKind | undefined;
}

/** A net between rows of numbers [..., from] and [..., to]. */
export interface Net extends Module {
  call(x: Tensor): Tensor;
  /** Of a net that is told classes: of B rows [B, …, from] and their classes [B]. */
  of?(x: Tensor, labels: Tensor | undefined): Tensor;
}

/** An encoder that is told classes. */
export interface EncoderOfClasses extends Net {
  /** @param weights of the classes of each row, [B, C] */
  weighed(x: Tensor, weights: Tensor): Tensor;
  /** What it yields for every class of each row x [B, D]: [B, C, …]. */
  ofEvery(x: Tensor): Tensor;
}

/** What a net stands between. */
export interface Ends {
  /** Extents of a data point. */
  readonly shape: readonly number[];
  /** Numbers at the other end: of a code, or of what describes posteriors. */
  readonly code: number;
  readonly init: LinearInit;
  /** Classes that it is told, if any. */
  readonly classes?: number | undefined;
  /** What its keys stand under, in errors. Default: `encoder.`, `decoder.` */
  readonly under?: string;
}

/** @throws LatentGpuError `bad-config` for data that a net of this kind does not take */
export function makeEncoder(
  config: NetConfig,
  { shape, code, init, classes, under = 'encoder.' }: Ends,
): Net {
  const conv = convolutional(under, config);
  const isRecurrent = config.kind === 'recurrent';
  if (!conv && !isRecurrent) return layered(under, config, [sizeOf(shape), code], init, classes);
  const net = conv
    ? new ConvolutionalEncoder(conv, shape, code, init)
    : new RecurrentEncoder(unitsOf(under, config), shape, code, init);
  return classes === undefined ? net : new ToldEncoder(net, classes);
}

/** How many numbers a decoder is to yield. */
export interface Described {
  readonly kind: string;
  /** For each feature. */
  readonly outputsPerFeature: number;
  /** In all, where it is not as many for each. */
  readonly outputs?: number;
}

/** @param likelihood numbers that describe a feature, and of which likelihood @throws as {@link makeEncoder} */
export function makeDecoder(
  config: NetConfig,
  { shape, code, init, classes, under = 'decoder.' }: Ends,
  likelihood: Described,
): Net {
  const { kind, outputsPerFeature: numbers, outputs = sizeOf(shape) * numbers } = likelihood;
  const ends = [
    [code, shape] as const,
    init,
    { numbers, inBlocks: kind !== 'categorical' },
  ] as const;
  if (config.kind === 'recurrent') {
    const units = unitsOf(under, config);
    return classes === undefined
      ? new RecurrentDecoder(units, ...ends)
      : new ToldRecurrentDecoder(classes, units, ...ends);
  }
  const conv = convolutional(under, config);
  if (!conv) return layered(under, config, [code, outputs], init, classes);
  return classes === undefined
    ? new ConvolutionalDecoder(conv, ...ends)
    : new ToldConvolutionalDecoder(classes, conv, ...ends);
}

const unitsOf = (under: string, { hidden = [], cell = 'gru' }: NetConfig) => ({
  ...{ under, hidden, cell },
});

function convolutional(under: string, config: NetConfig): ConvolutionalConfig | undefined {
  const {
    kind,
    channels = [],
    strides = [],
    kernel = 4,
    residual = 0,
    activation = 'relu',
    norm = 'none',
  } = config;
  if (kind !== 'conv' && kind !== 'conv1d') return undefined;
  return { under, kind, channels, strides, kernel, residual, activation, norm };
}

function layered(
  under: string,
  { kind, hidden = [], activation = 'relu', norm = 'none' }: NetConfig,
  [inputs, outputs]: readonly [number, number],
  init: LinearInit,
  classes: number | undefined,
): MLP {
  if (norm === 'group') {
    throw new LatentGpuError(
      'bad-config',
      `${under}norm is group, which is of channels of convolutions; take ${under}norm=layer, or batch`,
    );
  }
  const widths = [inputs, ...(kind === 'linear' ? [] : hidden), outputs];
  return classes === undefined
    ? new MLP(widths, activation, { init, norm })
    : new ConditionedMLP(widths, activation, classes, { init, norm });
}

/** What a net makes of rows x [B, …, D]. */
export function through(net: Net, x: Tensor, told?: Told): Tensor {
  return net.of ? net.of(x, told?.labels) : net.call(x);
}

/**
 * The bias that a decoder ends in: of each number, or of a net of convolutions of each channel.
 *
 * @example lastBias(new nn.MLP([2, 300, 784]))?.shape // [784]
 */
export const lastBias = (net: Net): Variable | undefined => {
  if (net instanceof ConvolutionalDecoder) return net.last.bias;
  return net instanceof MLP ? net.layers.at(-1)?.bias : undefined;
};

/** Widths of a net's layers from one end to the other, in words. */
export function netWords(config: NetConfig, from: number, to: number): string {
  const { kind = 'mlp', hidden = [], channels = [], kernel, residual = 0, cell } = config;
  const { norm = 'none' } = config;
  const normed = norm === 'none' ? '' : `${norm} norm`;
  if (kind === 'mlp' || kind === 'linear') {
    const widths = [from, ...(kind === 'linear' ? [] : hidden), to].join(' → ');
    return normed && kind === 'mlp' ? `${widths} (${normed})` : widths;
  }
  if (kind === 'recurrent')
    return `${from} → ${hidden.join(' → ')} units → ${to} (recurrent, ${cell})`;
  const blocks =
    residual > 0 ? `, ${residual} residual ${residual === 1 ? 'block' : 'blocks'} a scale` : '';
  return `${from} → ${channels.join(' → ')} channels → ${to} (${kind}, kernel ${kernel}${blocks}${normed && `, ${normed}`})`;
}

/** The layer that alone reads what a decoder is given, where there is one. */
export const firstLayer = (net: Net): Linear | undefined => {
  if (net instanceof ConvolutionalDecoder) return net.first;
  return net instanceof MLP ? net.layers[0] : undefined;
};
