// Mixtures of logistic densities over grey levels. Salimans, Karpathy, Chen and Kingma 2017, "PixelCNN++".
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  discretizedLogisticLogProb,
  exp,
  floor,
  greaterEqual,
  logSoftmax,
  logSumExp,
  max,
  maximum,
  minimum,
  mul,
  randomGumbel,
  randomLogistic,
  reshape,
  softmax,
  stopGradient,
  sum,
} from '../ops/index.ts';
import { type Distribution, sumOfSeen } from './distribution.ts';

/**
 * Independent features on levels 0 … L - 1 as x in [0, 1]; weights, means and log scales [..., D, K].
 *
 * ```ts
 * const [logits, means, logScales] = ops.split(ops.zeros([3, 30]), [10, 10, 10]);
 * new distributions.LogisticMixture(logits, means, logScales).logProb(ops.zeros([5, 3])).shape // [5]
 * ```
 */
export class LogisticMixture implements Distribution {
  readonly logits: Tensor;
  readonly means: Tensor;
  readonly logScales: Tensor;
  readonly levels: number;

  /**
   * @param means in units in which white is 1
   * @param logScales the same
   */
  constructor(logits: Tensor, means: Tensor, logScales: Tensor, levels = 256) {
    this.logits = logits;
    this.means = means;
    this.logScales = logScales;
    this.levels = levels;
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { logits, means, logScales, levels } = this;
    const shape = [...x.shape, 1];
    const each = discretizedLogisticLogProb(reshape(x, shape), means, logScales, levels);
    return sumOfSeen(logSumExp(add(logSoftmax(logits), each), -1), mask);
  }

  /** The mixture's mean, clipped to [0, 1]: the ends hold what lies beyond. */
  get mean(): Tensor {
    const middle = sum(mul(softmax(this.logits), this.means), -1);
    return minimum(maximum(middle, 0), 1);
  }

  /** A component by its weight, then a logistic draw of it, rounded to a level. */
  sample(lead: readonly number[] = []): Tensor {
    const shape = [...lead, ...this.logits.shape];
    const scores = add(this.logits, randomGumbel(shape));
    const chosen = greaterEqual(scores, max(scores, -1, { keepDims: true }));
    const each = add(this.means, mul(exp(this.logScales), randomLogistic(shape)));
    const drawn = minimum(maximum(sum(mul(chosen, each), -1), 0), 1);
    const level = floor(add(mul(drawn, this.levels - 1), 0.5));
    return stopGradient(mul(level, 1 / (this.levels - 1)));
  }
}
