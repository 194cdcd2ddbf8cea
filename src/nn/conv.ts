// Convolutions over images [B, H, W, C].
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import {
  type Activation,
  activations,
  add,
  conv2d,
  mul,
  type PatchOptions,
  reshape,
} from '../ops/index.ts';
import { constantInit, uniform } from './initializers.ts';
import { Module } from './module.ts';

export interface Conv2dOptions extends Partial<PatchOptions> {
  readonly bias?: boolean;
  readonly init?: { weight: Initializer; bias?: Initializer };
  /** Multiplied into the weight: [out, in, kernel height, kernel width] of zeros and ones. */
  readonly mask?: Variable;
}

/**
 * Cross-correlation, as deep learning calls convolution: [B, H, W, in] to [B, H', W', out]. Weight
 * [out, in, kernel height, kernel width] and bias [out], as in PyTorch; images lie channels last.
 */
export class Conv2d extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;
  readonly mask: Variable | undefined;
  private readonly window: PatchOptions;

  /** @param options kernel 3, stride 1, padding `same` unless told */
  constructor(inChannels: number, outChannels: number, options: Conv2dOptions = {}) {
    super();
    const { kernel = 3, stride = 1, padding = 'same', bias = true, init, mask } = options;
    this.window = { kernel, stride, padding };
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const torch = uniform(1 / Math.sqrt(inChannels * height * width));
    this.weight = variable('weight', [outChannels, inChannels, height, width], {
      role: 'parameter',
      init: init?.weight ?? torch,
    });
    this.bias = bias
      ? variable('bias', [outChannels], {
          role: 'parameter',
          init: init ? (init.bias ?? constantInit(0)) : torch,
        })
      : undefined;
    if (mask && mask.shape.join() !== this.weight.shape.join()) {
      throw new LatentGpuError(
        'shape-mismatch',
        `a convolution's mask ${mask} does not fit its weight ${this.weight}`,
      );
    }
    this.mask = mask;
  }

  /** @param activation applied to the result, in the same kernel */
  call(x: Tensor, activation: Activation = 'identity'): Tensor {
    const channels = this.weight.shape[1];
    if (x.rank !== 4 || x.shape[3] !== channels) {
      throw new LatentGpuError(
        'shape-mismatch',
        `convolution ${this.weight.name}: ${x} is not images [B, H, W, ${channels}]`,
      );
    }
    const weight = this.mask ? mul(this.weight, this.mask) : this.weight;
    const product = conv2d(x, weight, this.window);
    // As rows of pixels, which are what the product has made: what follows joins its kernel.
    const rows = reshape(product, [-1, product.shape[3] as number]);
    const y = activations[activation](this.bias ? add(rows, this.bias) : rows);
    return reshape(y, product.shape);
  }
}

export interface ConvNetOptions {
  readonly hidden: readonly number[];
  /** Kernel extents of each layer, one more than hidden ones. Default: 3, 1, …, 1, 3. */
  readonly kernels?: readonly number[];
  readonly activation?: Activation;
  /** Whether the last layer starts at zero. */
  readonly zeroOutput?: boolean;
}

/** Convolutions with an activation between them: [B, H, W, in] to [B, H, W, out]. */
export class ConvNet extends Module {
  readonly layers: readonly Conv2d[];
  readonly activation: Activation;

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
