// Batch normalisation as a layer of a flow: features of a batch get mean 0 and deviation 1, then a
// learned scale and shift. Papamakarios, Pavlakou and Murray 2017, appendix B; Dinh, Sohl-Dickstein and
// Bengio 2017, appendix E.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit } from '../nn/index.ts';
import { add, assign, div, exp, log, mean, mul, sqrt, sub, sum, variance } from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Learned, type Mapped } from './bijection.ts';

/** Added to variances. */
const EPSILON = 1e-5;

/**
 * Inverse: z = (x - m) / √(v + ε) · exp(logScale) + shift, channel by channel (the last axis). Training
 * takes m and v of the batch and keeps their moving averages, which everything else takes.
 *
 * @example new flows.BatchNorm([4, 4, 3]).inverse(ops.zeros([8, 4, 4, 3])).value.shape // [8, 4, 4, 3]
 */
export class BatchNorm extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly logScale: Variable;
  readonly shift: Variable;
  readonly mean: Variable;
  readonly variance: Variable;
  private readonly momentum: number;

  /** @param momentum share of a batch in the moving averages */
  constructor(shape: Shape, momentum = 0.1) {
    super();
    this.shape = shape;
    this.momentum = momentum;
    const channels = shape.at(-1) as number;
    const held = (name: string, role: 'parameter' | 'buffer', value: number) =>
      variable(name, [channels], { role, init: constantInit(value) });
    this.logScale = held('logScale', 'parameter', 0);
    this.shift = held('shift', 'parameter', 0);
    this.mean = held('mean', 'buffer', 0);
    this.variance = held('variance', 'buffer', 1);
  }

  private logDet(spread: Tensor): Tensor {
    const places = eventSize(this.shape) / this.shift.size;
    return mul(places, sum(sub(this.logScale, mul(0.5, log(spread)))));
  }

  private normalize(x: Tensor, center: Tensor, square: Tensor): Mapped {
    const spread = add(square, EPSILON);
    const scaled = mul(div(sub(x, center), sqrt(spread)), exp(this.logScale));
    return { value: add(scaled, this.shift), logDet: this.logDet(spread) };
  }

  forward(z: Tensor): Mapped {
    checkEvents('BatchNorm', z, this.shape);
    const spread = add(this.variance, EPSILON);
    const whitened = div(sub(z, this.shift), exp(this.logScale));
    return {
      value: add(mul(whitened, sqrt(spread)), this.mean),
      logDet: mul(-1, this.logDet(spread)),
    };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('BatchNorm', x, this.shape);
    return this.normalize(x, this.mean, this.variance);
  }

  override learn(x: Tensor): Learned {
    return this.withBatch(x, this.momentum);
  }

  /** The averages begin with the first batch. */
  override initialize(x: Tensor): Learned {
    return this.withBatch(x, 1);
  }

  private withBatch(x: Tensor, share: number): Learned {
    checkEvents('BatchNorm', x, this.shape);
    const axes = x.shape.map((_, axis) => axis).slice(0, -1);
    const [center, square] = [mean(x, axes), variance(x, axes)];
    const moved = (old: Tensor, now: Tensor) => add(mul(old, 1 - share), mul(now, share));
    return {
      ...this.normalize(x, center, square),
      effects: [
        assign(this.mean, moved(this.mean, center)),
        assign(this.variance, moved(this.variance, square)),
      ],
    };
  }
}
