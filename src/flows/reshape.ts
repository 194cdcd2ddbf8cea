// Events of another shape.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant, reshape } from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Mapped } from './bijection.ts';

/**
 * The same numbers in the same order: what lies between layers of vectors and of images.
 *
 * @example new flows.Reshape([4], [2, 2, 1]).forward(ops.zeros([3, 4])).value.shape // [3, 2, 2, 1]
 */
export class Reshape extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  private readonly data: Shape;

  /**
   * @param shape on the side of the noise
   * @param dataShape on the side of the data
   * @throws LatentGpuError `bad-config` for shapes of unequal sizes
   */
  constructor(shape: Shape, dataShape: Shape) {
    super();
    if (eventSize(shape) !== eventSize(dataShape)) {
      throw new LatentGpuError(
        'bad-config',
        `events ${formatShape(shape)} cannot become ${formatShape(dataShape)}`,
      );
    }
    this.shape = shape;
    this.data = dataShape;
  }

  override get dataShape(): Shape {
    return this.data;
  }

  forward(z: Tensor): Mapped {
    checkEvents('reshape', z, this.shape);
    return { value: reshape(z, [-1, ...this.data]), logDet: constant(0) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('reshape', x, this.data);
    return { value: reshape(x, [-1, ...this.shape]), logDet: constant(0) };
  }
}
