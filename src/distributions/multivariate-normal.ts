// Normals with all their covariances, by a Cholesky factor.
import { LatentGpuError } from '../errors.ts';
import { broadcastShapes, formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  expand,
  identity,
  log,
  matmul,
  mul,
  randomNormal,
  reshape,
  square,
  standardNormalLogProb,
  stopGradient,
  sub,
  sum,
  transpose,
  triangle,
  triangularInverse,
} from '../ops/index.ts';
import { type Density, type Draw, type DrawOptions, drawn, tempered } from './density.ts';
import { checkParameters, type Reparameterized } from './distribution.ts';
import { StandardNormal } from './normal.ts';

const HALF_LOG_2_PI_E = 0.5 * Math.log(2 * Math.PI * Math.E);

/**
 * N(μ, LLᵀ): mean [..., D] and a lower triangle L [..., D, D] whose diagonal is above 0, with the same leading axes
 * or [D, D] for all.
 *
 * ```ts
 * const covariance = ops.add(ops.identity(3), 0.5);
 * const p = new distributions.MultivariateNormal(ops.zeros([3]), ops.cholesky(covariance));
 * p.logProb(ops.zeros([5, 3])).shape // [5]
 * ```
 */
export class MultivariateNormal implements Reparameterized, Density {
  readonly mean: Tensor;
  /** L, [..., D, D]. */
  readonly factor: Tensor;

  /**
   * @param factor of which the lower triangle counts
   * @throws LatentGpuError `shape-mismatch` for a factor that is not [..., D, D]
   */
  constructor(mean: Tensor, factor: Tensor) {
    checkParameters('MultivariateNormal', mean, factor);
    const width = mean.shape.at(-1);
    const [rows, columns] = factor.shape.slice(-2);
    if (rows !== width || columns !== width || factor.rank < 2) {
      throw new LatentGpuError(
        'shape-mismatch',
        `MultivariateNormal: the factor ${formatShape(factor.shape)} does not go with the mean ${formatShape(mean.shape)}; give [..., D, D] and [..., D]`,
      );
    }
    this.mean = mean;
    this.factor = triangle(factor);
  }

  private get size(): number {
    return this.mean.shape.at(-1) as number;
  }

  private get shape(): Shape {
    return broadcastShapes('MultivariateNormal', this.mean.shape, this.factor.shape.slice(0, -1));
  }

  /** log |L|, [...]. */
  get logDet(): Tensor {
    return sum(log(sum(mul(this.factor, identity(this.size)), -1)), -1);
  }

  /** A v of vectors v [..., D], for A as the factor lies. */
  times(matrix: Tensor, v: Tensor): Tensor {
    const across = transpose(matrix);
    if (matrix.rank === 2) return reshape(matmul(reshape(v, [-1, this.size]), across), v.shape);
    const line = reshape(v, [...v.shape.slice(0, -1), 1, this.size]);
    const product = matmul(line, across);
    return reshape(product, [...product.shape.slice(0, -2), this.size]);
  }

  /** L⁻¹. */
  get inverseFactor(): Tensor {
    return triangularInverse(this.factor);
  }

  /** @throws LatentGpuError `bad-config` for rows with holes */
  logProb(x: Tensor, mask?: Tensor): Tensor {
    if (mask) {
      throw new LatentGpuError(
        'bad-config',
        'MultivariateNormal tells the density of whole rows, and these have missing values; take Normal, whose features are independent',
      );
    }
    const white = this.times(this.inverseFactor, sub(x, this.mean));
    return sub(sum(standardNormalLogProb(white), -1), this.logDet);
  }

  private placed(noise: Tensor): Tensor {
    return add(this.mean, this.times(this.factor, noise));
  }

  rsample(lead: Shape = []): Tensor {
    return this.placed(randomNormal([...lead, ...this.shape]));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const noise = tempered(randomNormal([...lead, ...this.shape]), temperature);
    return drawn(this, this.placed(noise), true);
  }

  /** log |L| + D/2 · log 2πe. */
  entropy(): Tensor {
    return expand(add(this.logDet, this.size * HALF_LOG_2_PI_E), this.shape.slice(0, -1));
  }
}

/** ½ (‖Lp⁻¹ Lq‖² + ‖Lp⁻¹ (μq - μp)‖² - D) + log |Lp| - log |Lq|, [...]. */
export function klMultivariate(
  q: MultivariateNormal,
  p: MultivariateNormal | StandardNormal,
): Tensor {
  const size = q.mean.shape.at(-1) as number;
  const squares = (x: Tensor, axes: number | number[]) => sum(square(x), axes);
  if (p instanceof StandardNormal) {
    p.checkWidth(q.mean);
    const moved = add(squares(q.factor, [-2, -1]), squares(q.mean, -1));
    return sub(mul(0.5, sub(moved, size)), q.logDet);
  }
  const inverse = p.inverseFactor;
  const spread = squares(matmul(inverse, q.factor), [-2, -1]);
  const far = squares(p.times(inverse, sub(q.mean, p.mean)), -1);
  return add(mul(0.5, sub(add(spread, far), size)), sub(p.logDet, q.logDet));
}
