// Emerging convolutions: two causal convolutions of opposite order see as much as a plain one, and each
// is a triangular map. Hoogeboom, van den Berg and Welling 2019.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, uniform } from '../nn/index.ts';
import {
  add,
  addUint,
  causalSolve,
  equalUint,
  exp,
  inOrder,
  iota,
  matmul,
  mul,
  neg,
  patches,
  reshape,
  sub,
  sum,
  transpose,
} from '../ops/index.ts';
import { Bijection, Chain, checkEvents, type Mapped } from './bijection.ts';

/**
 * z = A x with A a convolution that sees, in raster order, pixels before its own, and of its own the
 * channels up to its own; those with weight exp(logScale). log |det A| = H W Σ logScale.
 *
 * @example new flows.CausalConvolution([4, 4, 3]).inverse(ops.zeros([2, 4, 4, 3])).value.shape // [2, 4, 4, 3]
 */
export class CausalConvolution extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'sequential', inverse: 'parallel' } as const;
  /** [out, in, K, K]; only what lies in order counts, and not the diagonal. */
  readonly weight: Variable;
  readonly logScale: Variable;
  private readonly reversed: boolean;

  /**
   * @param shape of images [H, W, C]
   * @param options kernel odd, 3 unless told
   * @throws LatentGpuError `bad-config` for what is no image, or an even kernel
   */
  constructor(shape: Shape, options: { kernel?: number; reversed?: boolean } = {}) {
    super();
    const { kernel = 3, reversed = false } = options;
    if (shape.length !== 3 || !(Number.isInteger(kernel) && kernel >= 1 && kernel % 2 === 1)) {
      throw new LatentGpuError(
        'bad-config',
        `a causal convolution takes images [H, W, C] and an odd kernel, not ${formatShape(shape)} and ${kernel}`,
      );
    }
    const channels = shape[2] as number;
    this.shape = shape;
    this.reversed = reversed;
    this.weight = variable('weight', [channels, channels, kernel, kernel], {
      role: 'parameter',
      init: uniform(0.1 / Math.sqrt(channels * kernel * kernel)),
    });
    this.logScale = variable('logScale', [channels], {
      role: 'parameter',
      init: constantInit(0),
    });
  }

  private get logDet(): Tensor {
    const [height, width] = this.shape as [number, number, number];
    return mul(height * width, sum(this.logScale));
  }

  /** [C, K·K·C] with its diagonal in place, zeros where nothing is seen. */
  private rows(): Tensor {
    const [channels, , kernel] = this.weight.shape as [number, number, number, number];
    const width = kernel * kernel * channels;
    const free = reshape(transpose(this.weight, [0, 2, 3, 1]), [channels, width]);
    const center = Math.floor((kernel * kernel) / 2) * channels;
    const own = reshape(addUint(iota(channels), center), [channels, 1]);
    const isDiagonal = equalUint(iota(width), own);
    const seen = sub(inOrder(channels, kernel, this.reversed), isDiagonal);
    return add(mul(free, seen), mul(isDiagonal, reshape(exp(this.logScale), [channels, 1])));
  }

  forward(z: Tensor): Mapped {
    checkEvents('causal convolution', z, this.shape);
    const [channels, , kernel] = this.weight.shape as [number, number, number, number];
    const weight = reshape(this.rows(), [channels, kernel, kernel, channels]);
    const value = causalSolve(z, weight, { reversed: this.reversed });
    return { value, logDet: neg(this.logDet) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('causal convolution', x, this.shape);
    const [channels, , kernel] = this.weight.shape as [number, number, number, number];
    const windows = reshape(patches(x, { kernel }), [-1, kernel * kernel * channels]);
    const value = reshape(matmul(windows, transpose(this.rows())), x.shape);
    return { value, logDet: this.logDet };
  }
}

/**
 * Two causal convolutions of opposite order.
 *
 * @example flows.emergingConvolution([4, 4, 3]).inverse(ops.zeros([2, 4, 4, 3])).value.shape // [2, 4, 4, 3]
 */
export function emergingConvolution(shape: Shape, kernel = 3): Bijection {
  return new Chain([
    new CausalConvolution(shape, { kernel, reversed: true }),
    new CausalConvolution(shape, { kernel }),
  ]);
}
