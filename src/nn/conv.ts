// Convolutions over images [B, H, W, C].
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import {
  type Activation,
  activations,
  add,
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  mul,
  type PatchOptions,
  reshape,
} from '../ops/index.ts';
import { constantInit, uniform } from './initializers.ts';
import { Module } from './module.ts';

export interface Conv2dOptions extends ConvolutionOptions {
  /** Rows and columns of the window; one number for a square. Default: 3. */
  readonly kernel?: PatchOptions['kernel'];
  readonly bias?: boolean;
  readonly init?: { weight: Initializer; bias?: Initializer };
  /** Multiplied into the weight: [out, in / groups, kernel height, kernel width] of zeros and ones. */
  readonly mask?: Variable;
}

/**
 * Cross-correlation, as deep learning calls convolution: [B, H, W, in] to [B, H', W', out]. Weight
 * [out, in, kernel height, kernel width] and bias [out], as in PyTorch; images lie channels last.
 *
 * @example new nn.Conv2d(1, 16, { stride: 2 }).call(ops.zeros([3, 28, 28, 1]), 'relu').shape // [3, 14, 14, 16]
 */
export class Conv2d extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  readonly mask: Variable | undefined;
  private readonly window: ConvolutionOptions;

  /**
   * @param options kernel 3, stride 1, padding `same`, one group unless told
   * @throws LatentGpuError `shape-mismatch` for a mask that does not fit the weight
   */
  constructor(inChannels: number, outChannels: number, options: Conv2dOptions = {}) {
    super();
    const { kernel = 3, bias = true, init, mask, ...window } = options;
    this.window = window;
    const own = inChannels / (window.groups ?? 1);
    [this.weight, this.bias] = weightAndBias([outChannels, own], kernel, outChannels, bias, init);
    if (mask && mask.shape.join() !== this.weight.shape.join()) {
      throw new LatentGpuError(
        'shape-mismatch',
        `a convolution's mask ${mask} does not fit its weight ${this.weight}`,
      );
    }
    this.mask = mask;
  }

  /**
   * @param activation applied to the result, in the same kernel
   * @throws LatentGpuError `shape-mismatch` for what is no image of so many channels
   */
  call(x: Tensor, activation: Activation = 'identity'): Tensor {
    const channels = (this.weight.shape[1] as number) * (this.window.groups ?? 1);
    if (x.rank !== 4 || x.shape[3] !== channels) {
      throw new LatentGpuError(
        'shape-mismatch',
        `convolution ${this.weight.name}: ${x} is not images [B, H, W, ${channels}]`,
      );
    }
    const weight = this.mask ? mul(this.weight, this.mask) : this.weight;
    return finished(conv2d(x, weight, this.window), this.bias, activation);
  }
}

/**
 * The adjoint of {@link Conv2d}: [B, H, W, in] to [B, H · stride, W · stride, out] unless told.
 *
 * @example new nn.ConvTranspose2d(16, 1, { stride: 2 }).call(ops.zeros([3, 14, 14, 16])).shape // [3, 28, 28, 1]
 */
export class ConvTranspose2d extends Module {
  /** [in, out / groups, kernel height, kernel width], as in PyTorch. */
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  private readonly window: ConvolutionOptions & { extents?: readonly [number, number] };

  /** @param options kernel 3, stride 1, padding `same` unless told; `extents`: of the result */
  constructor(
    inChannels: number,
    outChannels: number,
    options: Omit<Conv2dOptions, 'mask'> & { extents?: readonly [number, number] } = {},
  ) {
    super();
    const { kernel = 3, bias = true, init, ...window } = options;
    this.window = window;
    const own = outChannels / (window.groups ?? 1);
    [this.weight, this.bias] = weightAndBias([inChannels, own], kernel, outChannels, bias, init);
  }

  /** @param activation applied to the result, in the same kernel */
  call(x: Tensor, activation: Activation = 'identity'): Tensor {
    return finished(convTranspose2d(x, this.weight, this.window), this.bias, activation);
  }
}

/**
 * Convolutions over series [B, L, in] to [B, L', out]; weight [out, in / groups, 1, kernel].
 *
 * @example new nn.Conv1d(2, 8, { kernel: 5, padding: 'valid' }).call(ops.zeros([3, 50, 2])).shape // [3, 46, 8]
 */
export class Conv1d extends Module {
  readonly conv: Conv2d;

  constructor(
    inChannels: number,
    outChannels: number,
    options: Omit<Conv2dOptions, 'kernel' | 'padding'> & {
      readonly kernel?: number;
      readonly padding?: 'same' | 'valid' | number;
    } = {},
  ) {
    super();
    const { kernel = 3, padding = 'same', stride = 1, ...others } = options;
    const along = typeof padding === 'number' ? ([0, padding] as const) : padding;
    this.conv = new Conv2d(inChannels, outChannels, {
      ...{ ...others, stride, kernel: [1, kernel], padding: along },
    });
  }

  override children(): [string, unknown][] {
    return this.conv.children();
  }

  call(x: Tensor, activation: Activation = 'identity'): Tensor {
    const [batch, length, channels] = x.shape as [number, number, number];
    const y = this.conv.call(reshape(x, [batch, 1, length, channels]), activation);
    return reshape(y, [batch, ...y.shape.slice(2)]);
  }
}

/** Parameters as PyTorch starts them: U(±1/√fan in). */
function weightAndBias(
  channels: readonly [number, number],
  kernel: PatchOptions['kernel'],
  outChannels: number,
  bias: boolean,
  init: Conv2dOptions['init'],
): [Variable, Variable | undefined] {
  const extents = typeof kernel === 'number' ? [kernel, kernel] : [...kernel];
  const [height, width] = extents as [number, number];
  const torch = uniform(1 / Math.sqrt(channels[1] * height * width));
  const weight = variable('weight', [...channels, height, width], {
    role: 'parameter',
    init: init?.weight ?? torch,
  });
  if (!bias) return [weight, undefined];
  const start = init ? (init.bias ?? constantInit(0)) : torch;
  return [weight, variable('bias', [outChannels], { role: 'parameter', init: start })];
}

/** What a product of pixels becomes with a bias and an activation, in the kernel that makes it. */
function finished(product: Tensor, bias: Variable | undefined, activation: Activation): Tensor {
  const rows = reshape(product, [-1, product.shape[3] as number]);
  return reshape(activations[activation](bias ? add(rows, bias) : rows), product.shape);
}

export interface ConvNetOptions {
  readonly hidden: readonly number[];
  /** Kernel extents of each layer, one more than hidden ones. Default: 3, 1, …, 1, 3. */
  readonly kernels?: readonly number[];
  readonly activation?: Activation;
  /** Whether the last layer starts at zero. */
  readonly zeroOutput?: boolean;
}

/**
 * Convolutions with an activation between them: [B, H, W, in] to [B, H, W, out].
 *
 * @example new nn.ConvNet(1, 2, { hidden: [16, 16] }).call(ops.zeros([3, 28, 28, 1])).shape // [3, 28, 28, 2]
 */
export class ConvNet extends Module {
  readonly layers: readonly Conv2d[];
  readonly activation: Activation;

  /** @throws LatentGpuError `bad-config` for more or fewer kernels than layers */
  constructor(inChannels: number, outChannels: number, options: ConvNetOptions) {
    super();
    const { hidden, activation = 'relu', zeroOutput = false } = options;
    const widths = [inChannels, ...hidden, outChannels];
    const last = widths.length - 2;
    const kernels =
      options.kernels ?? widths.slice(1).map((_, i) => (i === 0 || i === last ? 3 : 1));
    if (kernels.length !== last + 1) {
      throw new LatentGpuError(
        'bad-config',
        `a net of ${last + 1} convolutions needs as many kernel extents, not ${kernels.length}`,
      );
    }
    this.activation = activation;
    this.layers = kernels.map((kernel, i) => {
      const zero = { weight: constantInit(0), bias: constantInit(0) };
      return new Conv2d(widths[i] as number, widths[i + 1] as number, {
        kernel,
        ...(zeroOutput && i === last && { init: zero }),
      });
    });
  }

  override children(): [string, unknown][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  call(x: Tensor): Tensor {
    const last = this.layers.length - 1;
    return this.layers.reduce(
      (h, layer, i) => layer.call(h, i === last ? 'identity' : this.activation),
      x,
    );
  }
}
