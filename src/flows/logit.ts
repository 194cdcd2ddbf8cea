// Data in (0, 1) carried to the whole line.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, log, logSigmoid, mul, neg, sigmoid, sub } from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Mapped, perEvent } from './bijection.ts';

/**
 * Forward: x = (σ(z) - α) / (1 - 2α). The margin α keeps the ends of [0, 1] finite.
 * Dinh, Sohl-Dickstein and Bengio 2017, 4.1; Papamakarios, Pavlakou and Murray 2017 take α = 1e-6.
 *
 * @example new flows.Logit([2]).forward(ops.zeros([1, 2])).value // [0.5, 0.5]
 */
export class Logit extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly alpha: number;

  /** @throws LatentGpuError `bad-config` for a margin outside (0, 0.5) */
  constructor(shape: Shape, alpha = 1e-6) {
    super();
    if (!(alpha > 0 && alpha < 0.5)) {
      throw new LatentGpuError('bad-config', `logit: alpha is ${alpha}; it must lie in (0, 0.5)`);
    }
    this.shape = shape;
    this.alpha = alpha;
  }

  /** log of what the margin does to volume. */
  private get margin(): number {
    return eventSize(this.shape) * Math.log1p(-2 * this.alpha);
  }

  forward(z: Tensor): Mapped {
    checkEvents('logit', z, this.shape);
    const value = mul(sub(sigmoid(z), this.alpha), 1 / (1 - 2 * this.alpha));
    const slope = add(logSigmoid(z), logSigmoid(neg(z)));
    return { value, logDet: sub(perEvent(slope), this.margin) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('logit', x, this.shape);
    const scale = 1 - 2 * this.alpha;
    const up = log(add(mul(x, scale), this.alpha));
    // Not 1 minus the other: near 1 nothing would be left of the difference.
    const down = log(add(mul(sub(1, x), scale), this.alpha));
    return { value: sub(up, down), logDet: sub(this.margin, perEvent(add(up, down))) };
  }
}
