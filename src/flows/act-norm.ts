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
    checkEvents('ActNorm', x, this.shape);
    const axes = x.shape.map((_, axis) => axis).slice(0, -1);
    const spread = sqrt(variance(x, axes));
    const usable = where(greater(spread, TINY), spread, 1);
    const done = greater(this.initialized, 0.5);
    const shift = where(done, this.shift, mean(x, axes));
    const logScale = where(done, this.logScale, log(usable));
    return {
      value: div(sub(x, shift), exp(logScale)),
      logDet: mul(-this.places, sum(logScale)),
      effects: [
        assign(this.shift, shift),
        assign(this.logScale, logScale),
        assign(this.initialized, full([1], 1)),
      ],
    };
  }
}
