// Decoders that describe a pixel given the code and the pixels before it: what a decoder's net makes of a code
// are maps, which a gated PixelCNN is told. A PixelCNN that sees few pixels leaves the rest to the code.
// Gulrajani et al. 2017, "PixelVAE"; Chen et al. 2017, "Variational lossy autoencoder".
import type { Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module, type PixelCnn } from '../../nn/index.ts';
import { expand, reshape } from '../../ops/index.ts';
import type { Walk } from '../abilities.ts';
import type { Likelihood } from '../likelihoods/index.ts';
import { pixelWalk } from '../pixel-density.ts';
import { inOrder, type OrderedConfig, type OrderedDecoder } from './ordered.ts';
import { pixelCnn } from './pixelcnn.ts';

export class PixelDecoder extends Module implements OrderedDecoder {
  readonly tensors = 'pixels';
  readonly what = 'pixel';
  readonly net: PixelCnn;
  readonly likelihood: Likelihood;
  readonly maps: number;
  private readonly shape: readonly number[];
  /** Maps that a pixel is told, those of each of its colours. */
  private readonly context: number;

  /** @throws LatentGpuError `bad-config` for data that are no images, or smaller ones */
  constructor(
    receptive: number,
    { pixelChannels: channels = 16, pixelLayers: layers = 2, maps = 4 }: OrderedConfig,
    shape: readonly number[],
    likelihood: Likelihood,
  ) {
    super();
    this.maps = maps;
    this.likelihood = likelihood;
    this.shape = shape;
    const size = { channels, layers, kernel: 2 * receptive + 1, inner: 1 };
    const [, , colours = 1] = shape;
    this.context = colours * maps;
    this.net = pixelCnn('decoder', size, shape, likelihood.outputsPerFeature, this.context);
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  private get pixels(): number {
    const [height, width] = this.shape as [number, number];
    return height * width;
  }

  /** Numbers of an image where it takes most. */
  get numbers(): number {
    return this.pixels * Math.max(this.context, this.net.numbers);
  }

  private mapsOf(told: Tensor): Tensor {
    const [height, width] = this.shape as [number, number];
    return reshape(told, [-1, height, width, this.context]);
  }

  /** p(x | z) of what the decoder's net has made of codes, [..., H · W · maps]. */
  distribution(told: Tensor): Distribution {
    const lead = told.shape.slice(0, -1);
    const features = this.shape.reduce((a, b) => a * b, 1);
    return {
      logProb: (x, mask) => {
        if (mask) throw inOrder('takes no missing values');
        const each = expand(x, [...lead, features]);
        const outputs = this.net.call(reshape(each, [-1, features]), this.mapsOf(told));
        return this.likelihood.distribution(reshape(outputs, [...lead, -1])).logProb(each);
      },
      sample: () => {
        throw inOrder('is drawn from a pixel after the other');
      },
      get mean(): Tensor {
        throw inOrder('has no mean in one pass');
      },
    };
  }

  /** Draws of it, a pixel a step. */
  walk(rows: number, told: Tensor): Walk {
    return pixelWalk(this.net, this.likelihood, rows, this.mapsOf(told));
  }
}
