// Gated PixelCNNs as models have them: keys, and sizes that follow from them.
import { LatentGpuError } from '../../errors.ts';
import { PixelCnn } from '../../nn/index.ts';
import type { ConfigOf, Schema } from '../../schema/index.ts';

export const PIXELCNN_KEYS = {
  channels: {
    type: 'integer',
    min: 1,
    max: 4096,
    default: 16,
    help: 'features of a pixel in either stack',
  },
  layers: { type: 'integer', min: 1, max: 100, default: 5, help: 'gated layers' },
  kernel: {
    type: 'integer',
    min: 3,
    max: 63,
    default: 7,
    help: 'extent of the first mask, odd: pixels before its middle are seen',
  },
  inner: {
    type: 'integer',
    min: 1,
    max: 63,
    default: 3,
    help: 'extent of the masks of the other layers, odd',
  },
} as const satisfies Schema;

export type PixelCnnConfig = ConfigOf<typeof PIXELCNN_KEYS>;

/**
 * @param part where the keys stand, for errors: `net`
 * @param context channels of what every pixel is told beside those before it
 * @throws LatentGpuError `bad-config` for images that it does not read, and kernels without a middle
 */
export function pixelCnn(
  part: string,
  { channels, layers, kernel, inner }: PixelCnnConfig,
  shape: readonly number[],
  outputs: number,
  context = 0,
): PixelCnn {
  const [height = 1, width = 1, colours = 1] = shape;
  if (shape.length < 2) {
    throw new LatentGpuError(
      'bad-config',
      `a PixelCNN reads images, and data points are [${shape.join(', ')}]; train made or ar on plain vectors`,
    );
  }
  const even = Object.entries({ kernel, inner }).find(([, extent]) => extent % 2 === 0);
  if (even) {
    throw new LatentGpuError(
      'bad-config',
      `${part}.${even[0]} is ${even[1]}, and a mask has a middle; make it odd`,
    );
  }
  return new PixelCnn({
    height,
    width,
    colours,
    outputs,
    channels,
    layers,
    reach: (kernel - 1) / 2,
    innerReach: (inner - 1) / 2,
    context,
  });
}
