// Mixtures of any distributions with parameters of their own for each row: what a mixture density net tells
// (Bishop 1994), or a decoder whose data points come in kinds.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape, sameShape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  logSoftmax,
  logSumExp,
  mul,
  randomGumbel,
  softmax,
  stopGradient,
  sum,
  unsqueeze,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import type { Distribution } from './distribution.ts';
import { hottest } from './one-hot.ts';

/**
 * Σ_k π_k p_k(x) over vectors x [..., D], with weights softmax(logits) [..., K] and components whose
 * parameters are [..., K, D]. Of mixtures that all rows share, `logits` are [K] and components [K, D].
 *
 * ```ts
 * // p(y | x) of pairs, five normals a row: K + 2 · K · D numbers of a net
 * const [logits, means, logStds] = ops.split(ops.zeros([32, 25]), [5, 10, 10]);
 * const each = (numbers: Tensor) => ops.reshape(numbers, [32, 5, 2]);
 * const normals = new distributions.Normal(each(means), each(logStds));
 * new distributions.Mixture(logits, normals).logProb(ops.zeros([32, 2])).shape // [32]
 * ```
 */
export class Mixture implements Distribution, Density {
  /** Log weights up to a constant, [..., K]. */
  readonly logits: Tensor;
  readonly components: Distribution;
  /** Leading axes of a draw, and those that it is to add to the components'. */
  private readonly rows: Shape;
  private readonly added: Shape;

  /** @throws LatentGpuError `shape-mismatch` for components whose parameters are not [..., K, D] */
  constructor(logits: Tensor, components: Distribution) {
    const weights = logits.shape.slice(0, -1);
    const { shape } = components.mean;
    const own = shape.slice(0, -2);
    const fits = own.length === 0 || weights.length === 0 || sameShape(own, weights);
    if (logits.rank < 1 || shape.at(-2) !== logits.shape.at(-1) || !fits) {
      throw new LatentGpuError(
        'shape-mismatch',
        `Mixture: weights ${formatShape(logits.shape)} and components ${formatShape(shape)} do not go together; give [..., K] and [..., K, D]`,
      );
    }
    this.logits = logits;
    this.components = components;
    this.rows = own.length === 0 ? weights : own;
    this.added = own.length === 0 ? weights : [];
  }

  /** log π_k + log p_k(x), [..., K]. */
  private joint(x: Tensor, mask?: Tensor): Tensor {
    const each = this.components.logProb(unsqueeze(x, -2), mask && unsqueeze(mask, -2));
    return add(each, logSoftmax(this.logits));
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    return logSumExp(this.joint(x, mask), -1);
  }

  /** log p(k | x), [..., K]. */
  logResponsibilities(x: Tensor, mask?: Tensor): Tensor {
    return logSoftmax(this.joint(x, mask));
  }

  get mean(): Tensor {
    return sum(mul(unsqueeze(softmax(this.logits), -1), this.components.mean), -2);
  }

  /** A component by its weight, and a draw of it; no gradient flows. */
  sample(lead: Shape = []): Tensor {
    const count = this.logits.shape.at(-1) as number;
    const noise = randomGumbel([...lead, ...this.rows, count]);
    const chosen = unsqueeze(hottest(add(this.logits, noise)), -1);
    const each = this.components.sample([...lead, ...this.added]);
    // Chosen, not multiplied away: what is not may be of any size.
    return stopGradient(sum(where(chosen, each, 0), -2));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.sample(lead), false);
  }
}
