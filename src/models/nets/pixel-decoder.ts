// Decoders that describe a pixel given the code and the pixels before it: what a decoder's net makes of a code
// are maps, which a gated PixelCNN is told. A PixelCNN that sees few pixels leaves the rest to the code.
// Gulrajani et al. 2017, "PixelVAE"; Chen et al. 2017, "Variational lossy autoencoder".
import type { Distribution } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module, type PixelCnn } from '../../nn/index.ts';
import { expand, reshape } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import type { Walk } from '../family.ts';
import type { Likelihood } from '../likelihoods/index.ts';
import { pixelWalk } from '../pixel-density.ts';
import { PIXELCNN_KEYS, pixelCnn } from './pixelcnn.ts';

/** Pixels that a decoder may see to either side: beyond them the code has nothing left to say. */
const FARTHEST = 14;

const when = {
  'decoder.receptive': Array.from({ length: FARTHEST }, (_, i) => String(i + 1)),
};

export const PIXEL_DECODER_KEYS = {
  'decoder.receptive': {
    type: 'integer',
    min: 1,
    max: FARTHEST,
    nullable: true,
    default: null,
    help: 'of images: pixels above and to the left that a pixel is drawn by beside the code, by a PixelCNN (PixelVAE); null: none',
  },
  'decoder.pixelChannels': {
    ...PIXELCNN_KEYS.channels,
    when,
    help: 'features of a pixel in the PixelCNN',
  },
  'decoder.pixelLayers': {
    ...PIXELCNN_KEYS.layers,
    default: 2,
    when,
    help: 'gated layers, of which the first sees other pixels',
  },
  'decoder.maps': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: 4,
    when,
    help: 'numbers that a code tells each pixel',
  },
} as const satisfies Schema;

export interface PixelDecoderConfig {
  /** null, or left out: pixels are independent given the code. */
  readonly receptive?: number | null | undefined;
  readonly pixelChannels?: number | undefined;
  readonly pixelLayers?: number | undefined;
  readonly maps?: number | undefined;
}

export class PixelDecoder extends Module {
  readonly net: PixelCnn;
  readonly likelihood: Likelihood;
  readonly maps: number;
  private readonly shape: readonly number[];

  /** @throws LatentGpuError `bad-config` for data that are no images of one channel, or smaller ones */
  constructor(
    receptive: number,
    { pixelChannels: channels = 16, pixelLayers: layers = 2, maps = 4 }: PixelDecoderConfig,
    shape: readonly number[],
    likelihood: Likelihood,
  ) {
    super();
    this.maps = maps;
    this.likelihood = likelihood;
    this.shape = shape;
    const size = { channels, layers, kernel: 2 * receptive + 1, inner: 1 };
    this.net = pixelCnn('decoder', size, shape, likelihood.outputsPerFeature, maps);
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  /** Numbers that the decoder's net makes of a code. */
  private get told(): number {
    const [height, width] = this.shape as [number, number];
    return height * width * this.maps;
  }

  /** Numbers of an image where it takes most. */
  get numbers(): number {
    return (this.told / this.maps) * Math.max(this.maps, this.net.numbers);
  }

  private mapsOf(told: Tensor): Tensor {
    const [height, width] = this.shape as [number, number];
    return reshape(told, [-1, height, width, this.maps]);
  }

  /** p(x | z) of what the decoder's net has made of codes, [..., H · W · maps]. */
  distribution(told: Tensor): Distribution {
    const lead = told.shape.slice(0, -1);
    const pixels = this.told / this.maps;
    return {
      logProb: (x, mask) => {
        if (mask) throw inOrder('takes no missing values');
        const each = expand(x, [...lead, pixels]);
        const outputs = this.net.call(reshape(each, [-1, pixels]), this.mapsOf(told));
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

const inOrder = (what: string) =>
  new LatentGpuError(
    'bad-config',
    `a decoder with decoder.receptive ${what}; leave decoder.receptive out`,
  );
