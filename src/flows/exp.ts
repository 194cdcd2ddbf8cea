// Data above 0: the whole line carried to it.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { exp, log, neg } from '../ops/index.ts';
import { Bijection, checkEvents, type Mapped, perEvent } from './bijection.ts';

/**
 * Forward: x = exp z, so that of normal noise data are log-normal. Data have to be above 0.
 *
 * @example new flows.Exp([2]).forward(ops.zeros([1, 2])).value // [1, 1]
 */
export class Exp extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;

  constructor(shape: Shape) {
    super();
    this.shape = shape;
  }

  forward(z: Tensor): Mapped {
    checkEvents('exp', z, this.shape);
    return { value: exp(z), logDet: perEvent(z) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('exp', x, this.shape);
    const value = log(x);
    return { value, logDet: neg(perEvent(value)) };
  }
}
