// The uniform distribution on intervals.
import { broadcastShapes, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  expand,
  greaterEqual,
  lessEqual,
  log,
  mul,
  neg,
  randomUniform,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { checkParameters, NOWHERE, type Reparameterized, sumOfSeen } from './distribution.ts';

/**
 * Independent x from low to high, [..., D], each broadcast to the other. Outside, the log-density is -10³⁰.
 *
 * ```ts
 * const p = new distributions.Uniform(ops.full([2], -1), ops.full([2], 1));
 * p.logProb(ops.zeros([3, 2])) // [-1.3863, -1.3863, -1.3863]
 * ```
 */
export class Uniform implements Reparameterized, Density {
  readonly low: Tensor;
  readonly high: Tensor;

  constructor(low: Tensor, high: Tensor) {
    checkParameters('Uniform', low, high);
    this.low = low;
    this.high = high;
  }

  private get shape(): Shape {
    return broadcastShapes('Uniform', this.low.shape, this.high.shape);
  }

  private get width(): Tensor {
    return expand(sub(this.high, this.low), this.shape);
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const isInside = mul(greaterEqual(x, this.low), lessEqual(x, this.high));
    return sumOfSeen(where(isInside, neg(log(this.width)), NOWHERE), mask);
  }

  get mean(): Tensor {
    return expand(mul(0.5, add(this.low, this.high)), this.shape);
  }

  rsample(lead: Shape = []): Tensor {
    return add(this.low, mul(this.width, randomUniform([...lead, ...this.shape])));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }

  /** Σ log(high - low). */
  entropy(): Tensor {
    return sum(log(this.width), -1);
  }
}
