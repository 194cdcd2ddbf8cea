// Images of a quarter of the pixels and four times the channels. Dinh, Sohl-Dickstein and Bengio 2017.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant, reshape, transpose } from '../ops/index.ts';
import { Bijection, checkEvents, type Mapped } from './bijection.ts';

/**
 * Forward: [H/2, W/2, 4C] to [H, W, C]; each 2×2 square of pixels was one pixel.
 *
 * @example new flows.Squeeze([4, 4, 1]).forward(ops.zeros([3, 2, 2, 4])).value.shape // [3, 4, 4, 1]
 */
export class Squeeze extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  private readonly image: readonly [number, number, number];

  /**
   * @param image extents [H, W, C] on the side of the data; H and W even
   * @throws LatentGpuError `bad-config` for odd extents
   */
  constructor(image: Shape) {
    super();
    const [height, width, channels] = image as [number, number, number];
    if (image.length !== 3 || height % 2 !== 0 || width % 2 !== 0) {
      throw new LatentGpuError(
        'bad-config',
        `images ${formatShape(image)} cannot be squeezed: height and width must be even; use fewer levels`,
      );
    }
    this.image = [height, width, channels];
    this.shape = [height / 2, width / 2, 4 * channels];
  }

  override get dataShape(): Shape {
    return this.image;
  }

  forward(z: Tensor): Mapped {
    checkEvents('squeeze', z, this.shape);
    const [height, width, channels] = this.image;
    const squares = reshape(z, [-1, height / 2, width / 2, 2, 2, channels]);
    const value = reshape(transpose(squares, [0, 1, 3, 2, 4, 5]), [-1, height, width, channels]);
    return { value, logDet: constant(0) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('squeeze', x, this.image);
    const [height, width, channels] = this.image;
    const squares = reshape(x, [-1, height / 2, 2, width / 2, 2, channels]);
    const value = reshape(transpose(squares, [0, 1, 3, 2, 4, 5]), [-1, ...this.shape]);
    return { value, logDet: constant(0) };
  }
}
