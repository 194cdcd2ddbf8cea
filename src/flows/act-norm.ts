// Activation normalisation: each channel scaled and shifted so that the first data it sees have mean
// 0 and deviation 1. Kingma and Dhariwal 2018, 3.1.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit } from '../nn/index.ts';
import {
  add,
  assign,
  div,
  exp,
  full,
  greater,
  log,
  mean,
  mul,
  neg,
  sqrt,
  sub,
  sum,
  variance,
  where,
} from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Learned, type Mapped } from './bijection.ts';

/** Below this a channel counts as constant and keeps its scale. */
const TINY = 1e-6;

/**
 * x = z · exp(logScale) + shift, one scale and one shift a channel (the last axis).
 *
 * @example new flows.ActNorm([4, 4, 3]).inverse(ops.zeros([2, 4, 4, 3])).value.shape // [2, 4, 4, 3]
 */
export class ActNorm extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly shift: Variable;
  readonly logScale: Variable;
  /** 1 once the start has been made: it is saved with the model and never made again. */
  readonly initialized: Variable;

  /** @param logScale where no data are to say it: to begin with */
  constructor(shape: Shape, logScale = 0) {
    super();
    this.shape = shape;
    const channels = shape.at(-1) as number;
    const from = (value: number) => ({ role: 'parameter', init: constantInit(value) }) as const;
    this.shift = variable('shift', [channels], from(0));
    this.logScale = variable('logScale', [channels], from(logScale));
    this.initialized = variable('initialized', [1], { role: 'buffer', init: constantInit(0) });
  }

  /** Elements of an event that share a scale. */
  private get places(): number {
    return eventSize(this.shape) / this.logScale.size;
  }

  private get logDet(): Tensor {
    return mul(this.places, sum(this.logScale));
  }

  forward(z: Tensor): Mapped {
    checkEvents('ActNorm', z, this.shape);
    return { value: add(mul(z, exp(this.logScale)), this.shift), logDet: this.logDet };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('ActNorm', x, this.shape);
    return { value: mul(sub(x, this.shift), exp(neg(this.logScale))), logDet: neg(this.logDet) };
  }

  override initialize(x: Tensor): Learned {
    const { centre, spread, done } = this.seen(x);
    const shift = where(done, this.shift, centre);
    const logScale = where(done, this.logScale, log(spread));
    return {
      value: div(sub(x, shift), exp(logScale)),
      logDet: mul(-this.places, sum(logScale)),
      effects: this.begun(shift, logScale),
    };
  }

  override initializeForward(x: Tensor): Learned {
    const { centre, spread, done } = this.seen(x);
    const shift = where(done, this.shift, neg(div(centre, spread)));
    const logScale = where(done, this.logScale, neg(log(spread)));
    return {
      value: add(mul(x, exp(logScale)), shift),
      logDet: mul(this.places, sum(logScale)),
      effects: this.begun(shift, logScale),
    };
  }

  /** What data say of each channel, and whether the start has been made. */
  private seen(x: Tensor) {
    checkEvents('ActNorm', x, this.shape);
    const axes = x.shape.map((_, axis) => axis).slice(0, -1);
    const spread = sqrt(variance(x, axes));
    return {
      centre: mean(x, axes),
      spread: where(greater(spread, TINY), spread, 1),
      done: greater(this.initialized, 0.5),
    };
  }

  private begun(shift: Tensor, logScale: Tensor): Tensor[] {
    return [
      assign(this.shift, shift),
      assign(this.logScale, logScale),
      assign(this.initialized, full([1], 1)),
    ];
  }
}
