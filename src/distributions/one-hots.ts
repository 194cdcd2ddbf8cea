// Categorical variables of unequal numbers of classes side by side, as one-hot codes: the words of a row of a table.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  exp,
  greaterEqual,
  mul,
  neg,
  randomGumbel,
  stopGradient,
  sub,
  sum,
} from '../ops/index.ts';
import { segmentLogSumExp, segmentMax } from '../ops/segments.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { type Distribution, sumOfSeen } from './distribution.ts';

/**
 * Independent categorical variables as one-hot codes, of so many classes each: vectors of Σ K numbers. Of classes of
 * one number {@link OneHot} has gradients for relaxed codes, too.
 *
 * ```ts
 * const p = new distributions.OneHots(ops.zeros([5]), [2, 3]);
 * p.mean // [0.5, 0.5, 0.3333, 0.3333, 0.3333]
 * ```
 */
export class OneHots implements Distribution, Density {
  readonly classes: readonly number[];
  /** Log-probabilities, [..., Σ K]. */
  readonly logProbs: Tensor;
  private readonly logits: Tensor;

  /** @param logits [..., Σ K] @param classes each K @throws LatentGpuError `shape-mismatch` */
  constructor(logits: Tensor, classes: readonly number[]) {
    if (classes.length === 0) {
      throw new LatentGpuError('shape-mismatch', 'OneHots: there is no variable');
    }
    this.logits = logits;
    this.classes = classes;
    this.logProbs = sub(logits, segmentLogSumExp(logits, classes));
  }

  /** Σ z · log p, for z [..., Σ K]; what is masked does not count. */
  logProb(z: Tensor, mask?: Tensor): Tensor {
    return sumOfSeen(mul(z, this.logProbs), mask);
  }

  /** The probabilities, [..., Σ K]. */
  get mean(): Tensor {
    return exp(this.logProbs);
  }

  /** By the Gumbel-max trick (Maddison, Tarlow and Minka 2014); no gradient flows. */
  sample(lead: Shape = []): Tensor {
    const scores = add(this.logits, randomGumbel([...lead, ...this.logits.shape]));
    return stopGradient(greaterEqual(scores, segmentMax(scores, this.classes)));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.sample(lead), false);
  }

  /** -Σ p log p over all variables, in nats: [...]. */
  entropy(): Tensor {
    return neg(sum(mul(exp(this.logProbs), this.logProbs), -1));
  }
}
