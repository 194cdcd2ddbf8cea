// Nets of convolutions: images [H, W] or [H, W, C] to codes and back, and series [L] or [L, C] the same
// way, as images of one row.
import { LatentGpuError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  Conv2d,
  ConvTranspose2d,
  Linear,
  type LinearInit,
  Module,
  makeNorm,
  type Norm,
  type NormKind,
  ResidualBlock,
} from '../../nn/index.ts';
import { type Activation, activations, reshape, transpose } from '../../ops/index.ts';
import { beside } from './beside.ts';

export interface ConvolutionalConfig {
  /** What its keys stand under, in errors: `encoder.` */
  readonly under: string;
  readonly kind: 'conv' | 'conv1d';
  readonly channels: readonly number[];
  readonly strides: readonly number[];
  readonly kernel: number;
  readonly residual: number;
  readonly activation: Activation;
  readonly norm: NormKind;
}

type Pair = readonly [number, number];

/** Data as images, and how a net goes over them: along both axes, or along the second. */
interface Plan {
  readonly image: readonly [height: number, width: number, channels: number];
  readonly kernel: Pair;
  /** Extents before each convolution, and after the last. */
  readonly scales: readonly Pair[];
}

const bad = (why: string) => new LatentGpuError('bad-config', why);

/** @throws LatentGpuError `bad-config` */
function planOf(
  config: ConvolutionalConfig,
  shape: readonly number[],
  strides: readonly number[],
): Plan {
  const { under, kind, channels, kernel } = config;
  const said = `${under}kind is ${kind}`;
  if (channels.length !== strides.length || channels.length === 0) {
    throw bad(
      `${under}channels has ${channels.length} numbers and ${under}strides ${strides.length}; each layer has one of either`,
    );
  }
  if (kind === 'conv' && shape.length < 2) {
    throw bad(
      `${said} and the data are vectors of ${shape[0]}, no images; take ${under}kind=mlp or conv1d`,
    );
  }
  if (kind === 'conv1d' && shape.length > 2) {
    throw bad(`${said} and the data are images of ${shape.join('×')}; take ${under}kind=conv`);
  }
  const [first = 1, second = 1, third = 1] = shape;
  const image = kind === 'conv' ? ([first, second, third] as const) : ([1, first, second] as const);
  const [height, width] = image;
  const along = kind === 'conv' ? Math.min(height, width) : width;
  const what = kind === 'conv' ? `an image of ${height}×${width}` : `a series of ${width}`;
  if (kernel > along) throw bad(`${under}kernel is ${kernel}, larger than ${what}`);
  const scales: [number, number][] = [[height, width]];
  for (const stride of strides) {
    const [h, w] = scales.at(-1) as [number, number];
    const least = kind === 'conv' ? Math.min(h, w) : w;
    if (stride > 1 && least < stride) {
      throw bad(
        `${under}strides are ${strides.join(', ')}, too many for ${what}: ${least} is left before a stride of ${stride}`,
      );
    }
    scales.push([kind === 'conv' ? Math.ceil(h / stride) : 1, Math.ceil(w / stride)]);
  }
  return { image, kernel: kind === 'conv' ? [kernel, kernel] : [1, kernel], scales };
}

function residuals(
  { residual, activation, norm }: ConvolutionalConfig,
  channels: number,
  kernel: Pair,
): ResidualBlock[] {
  const own = [Math.min(3, kernel[0]), Math.min(3, kernel[1])] as const;
  return Array.from({ length: residual }, () => new ResidualBlock(channels, activation, own, norm));
}

/** What a layer makes of x, a normalisation if there is one, an activation. */
function normalized(
  layer: { call(x: Tensor, activation: Activation): Tensor },
  x: Tensor,
  norm: Norm | undefined,
  activation: Activation,
): Tensor {
  if (!norm) return layer.call(x, activation);
  return finished(layer.call(x, 'identity'), norm, activation);
}

const finished = (x: Tensor, norm: Norm | undefined, activation: Activation): Tensor =>
  activations[activation](norm ? norm.call(x) : x);

/** [..., D] to [..., outputs]: convolutions with strides, then a linear layer. */
export class ConvolutionalEncoder extends Module {
  readonly layers: readonly (Conv2d | ResidualBlock)[];
  /** One a convolution that is in no block, or none. */
  readonly norms: readonly Norm[];
  readonly head: Linear;
  private readonly plan: Plan;
  private readonly activation: Activation;

  constructor(
    config: ConvolutionalConfig,
    shape: readonly number[],
    outputs: number,
    init: LinearInit,
  ) {
    super();
    const { channels, strides, activation, norm } = config;
    this.plan = planOf(config, shape, strides);
    this.activation = activation;
    const { image, kernel, scales } = this.plan;
    this.layers = channels.flatMap((out, i) => {
      const from = i === 0 ? image[2] : (channels[i - 1] as number);
      const stride = strides[i] as number;
      return [new Conv2d(from, out, { kernel, stride }), ...residuals(config, out, kernel)];
    });
    this.norms = channels.flatMap((width) => makeNorm(norm, width) ?? []);
    const size = sizeOf(scales.at(-1) as Pair) * (channels.at(-1) as number);
    this.head = new Linear(size, outputs, { init });
  }

  /** Channels that the first convolution makes. */
  get width(): number {
    return (this.layers[0] as Conv2d).weight.shape[0] as number;
  }

  /** @param more what else is added to the first convolution's result, before its activation: [..., C] */
  call(x: Tensor, more?: Tensor): Tensor {
    const [first, ...rest] = this.layers as [Conv2d, ...(Conv2d | ResidualBlock)[]];
    const [norm, ...norms] = this.norms;
    const images = reshape(x, [-1, ...this.plan.image]);
    const front = x.shape.slice(0, -1);
    const [told, lead] = more
      ? beside(first.call(images), front, more)
      : [normalized(first, images, norm, this.activation), front];
    let scale = 0;
    const features = rest.reduce(
      (h: Tensor, layer) =>
        layer instanceof Conv2d
          ? normalized(layer, h, norms[scale++], this.activation)
          : layer.call(h),
      more ? finished(told, norm, this.activation) : told,
    );
    const rows = features.shape[0] as number;
    return reshape(this.head.call(reshape(features, [rows, -1])), [...lead, -1]);
  }
}

/** [..., M] to [..., D · numbers]: a linear layer, then transposed convolutions. */
export class ConvolutionalDecoder extends Module {
  readonly first: Linear;
  readonly layers: readonly (ConvTranspose2d | ResidualBlock)[];
  /** One before each activation that is in no block, or none. */
  readonly norms: readonly Norm[];
  private readonly plan: Plan;
  private readonly config: ConvolutionalConfig;
  private readonly numbers: number;
  private readonly inBlocks: boolean;

  /**
   * @param numbers that describe a feature
   * @param inBlocks whether those of all features come one after the other, as likelihoods but one have them
   */
  constructor(
    config: ConvolutionalConfig,
    [inputs, shape]: readonly [number, readonly number[]],
    init: LinearInit,
    { numbers, inBlocks }: { numbers: number; inBlocks: boolean },
  ) {
    super();
    const { channels, strides, norm } = config;
    // Scales are found from the image inwards, as the encoder's.
    this.plan = planOf(config, shape, [...strides].reverse());
    this.config = config;
    this.numbers = numbers;
    this.inBlocks = inBlocks;
    const { image, kernel, scales } = this.plan;
    const outwards = [...scales].reverse();
    this.first = new Linear(inputs, sizeOf(outwards[0] as Pair) * (channels[0] as number), {
      init,
    });
    this.norms = channels.flatMap((width) => makeNorm(norm, width) ?? []);
    this.layers = channels.flatMap((from, i) => {
      const isLast = i === channels.length - 1;
      const to = isLast ? image[2] * numbers : (channels[i + 1] as number);
      const stride = strides[i] as number;
      const extents = outwards[i + 1] as Pair;
      const up = new ConvTranspose2d(from, to, { kernel, stride, extents });
      return [...residuals(config, from, kernel), up];
    });
  }

  /** The layer that ends in what describes pixels. */
  get last(): ConvTranspose2d {
    return this.layers.at(-1) as ConvTranspose2d;
  }

  /** @param more what else is added to the first layer's result, before its activation: [..., H] */
  call(z: Tensor, more?: Tensor): Tensor {
    const { activation, channels } = this.config;
    const { image, scales } = this.plan;
    const [pixels, colours] = [image[0] * image[1], image[2]];
    const codes = reshape(z, [-1, z.shape.at(-1) as number]);
    const front = z.shape.slice(0, -1);
    const [norm, ...norms] = this.norms;
    const [told, lead] = more ? beside(this.first.call(codes), front, more) : [codes, front];
    const rows = told.shape[0] as number;
    const seed = [rows, ...(scales.at(-1) as Pair), channels[0] as number];
    const toImage = {
      call: (x: Tensor, then: Activation) => reshape(this.first.call(x, then), seed),
    };
    const { last } = this;
    let scale = 0;
    const y = this.layers.reduce(
      (h: Tensor, layer) =>
        layer instanceof ConvTranspose2d
          ? layer === last
            ? layer.call(h)
            : normalized(layer, h, norms[scale++], activation)
          : layer.call(h),
      more
        ? finished(reshape(told, seed), norm, activation)
        : normalized(toImage, codes, norm, activation),
    );
    if (this.numbers === 1 || !this.inBlocks) return reshape(y, [...lead, -1]);
    const apart = reshape(y, [rows, pixels, this.numbers, colours]);
    return reshape(transpose(apart, [0, 2, 1, 3]), [...lead, -1]);
  }
}
