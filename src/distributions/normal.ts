import { LatentGpuError } from '../errors.ts';
import { broadcastShapes, type Shape, sizeOf } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  exp,
  expand,
  full,
  mul,
  neg,
  normalLogProb,
  randomNormal,
  reparameterize,
  square,
  standardNormalLogProb,
  stopGradient,
  sub,
  sum,
  zeros,
} from '../ops/index.ts';
import { type Density, type Draw, type DrawOptions, drawn, tempered } from './density.ts';
import {
  checkParameters,
  type Parameter,
  type Reparameterized,
  sumOfSeen,
} from './distribution.ts';

const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI);
const HALF_LOG_2_PI_E = 0.5 * Math.log(2 * Math.PI * Math.E);

/** Elements of a density from which on a dispatch of its own for its deviations pays. */
const MANY = 2 ** 16;

/**
 * Independent normals: mean and log standard deviation [..., D], each broadcast to the other.
 *
 * ```ts
 * const p = new distributions.Normal(ops.zeros([3]), ops.zeros([3]));
 * p.rsample([5]).shape // [5, 3]
 * p.logProb(ops.zeros([2, 3])) // [-2.7568, -2.7568]
 * ```
 */
export class Normal implements Reparameterized, Density {
  readonly mean: Tensor;
  readonly logStd: Tensor;

  /** @throws LatentGpuError `bad-input` for what are no tensors */
  constructor(mean: Tensor, logStd: Tensor) {
    checkParameters('Normal', mean, logStd);
    this.mean = mean;
    this.logStd = logStd;
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { mean, logStd } = this;
    if (mask) return sumOfSeen(normalLogProb(x, mean, logStd), mask);
    const shape = broadcastShapes('Normal', x.shape, mean.shape, logStd.shape);
    const isShared = sizeOf(shape) >= Math.max(MANY, 4 * logStd.size);
    if (!isShared) return sum(normalLogProb(x, mean, logStd), -1);
    // Deviations that serve many points are inverted, and their logarithms summed, only once.
    const scaled = mul(sub(x, mean), exp(neg(logStd)));
    const own = expand(logStd, [...logStd.shape.slice(0, -1), shape.at(-1) as number]);
    const volume = sum(add(own, HALF_LOG_2_PI), -1);
    return sub(mul(-0.5, sum(square(scaled), -1)), volume);
  }

  /** μ + σ ε with the noise drawn where it is used (Kingma and Welling 2014). */
  rsample(lead: readonly number[] = []): Tensor {
    const own = broadcastShapes('Normal', this.mean.shape, this.logStd.shape);
    return reparameterize(this.mean, this.logStd, randomNormal([...lead, ...own]));
  }

  sample(lead: readonly number[] = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const own = broadcastShapes('Normal', this.mean.shape, this.logStd.shape);
    const noise = tempered(randomNormal([...lead, ...own]), temperature);
    return drawn(this, reparameterize(this.mean, this.logStd, noise), true);
  }

  /** Σ (log σ + ½ log 2πe). */
  entropy(): Tensor {
    const own = broadcastShapes('Normal', this.mean.shape, this.logStd.shape);
    return sum(add(expand(this.logStd, own), HALF_LOG_2_PI_E), -1);
  }

  get std(): Tensor {
    return exp(this.logStd);
  }

  get parameters(): readonly Parameter[] {
    const of = expand(this.std, broadcastShapes('Normal', this.mean.shape, this.logStd.shape));
    return [{ name: 'std', about: 'standard deviation', of, isScale: true }];
  }
}

/**
 * N(0, I) over events of the given shape [..., D].
 *
 * @example new distributions.StandardNormal([2]).logProb(ops.zeros([3, 2])) // [-1.8379, -1.8379, -1.8379]
 */
export class StandardNormal implements Reparameterized, Density {
  readonly shape: Shape;

  /** @throws LatentGpuError `shape-mismatch` for what is no list of extents */
  constructor(shape: Shape) {
    if (!Array.isArray(shape) || shape.length === 0) {
      throw new LatentGpuError(
        'shape-mismatch',
        `StandardNormal: ${shape} is no shape of an event; give its extents, [8] say`,
      );
    }
    this.shape = shape;
  }

  get mean(): Tensor {
    return zeros(this.shape);
  }

  /** @throws LatentGpuError `shape-mismatch` for points of another width */
  checkWidth(x: Tensor): void {
    const width = this.shape.at(-1);
    if (x.shape.at(-1) === width) return;
    throw new LatentGpuError(
      'shape-mismatch',
      `StandardNormal is of vectors of ${width} numbers, and ${x} has ${x.shape.at(-1) ?? 'no last axis'}`,
    );
  }

  logProb(x: Tensor): Tensor {
    this.checkWidth(x);
    return sum(standardNormalLogProb(x), -1);
  }

  rsample(lead: readonly number[] = []): Tensor {
    return randomNormal([...lead, ...this.shape]);
  }

  sample(lead: readonly number[] = []): Tensor {
    return this.rsample(lead);
  }

  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const value = tempered(this.rsample(lead), temperature);
    return { value, logProb: () => this.logProb(value), pathwise: true };
  }

  entropy(): Tensor {
    return sum(full(this.shape, HALF_LOG_2_PI_E), -1);
  }
}
