// Codes of classes: each group of numbers is a one and zeros.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  exp,
  greaterEqual,
  logSoftmax,
  max,
  mul,
  neg,
  randomGumbel,
  reshape,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { checkParameters, type Distribution } from './distribution.ts';

/**
 * Independent categorical variables as one-hot codes: vectors of G · K numbers, K for each of G
 * variables.
 *
 * ```ts
 * const q = new distributions.OneHot(encoder.call(x), 10); // logits [B, 20 · 10]
 * const z = q.sample(); // [B, 200], twenty ones in each row
 * ```
 */
export class OneHot implements Distribution, Density {
  readonly classes: number;
  readonly groups: number;
  /** Log-probabilities, [..., G, K]. */
  readonly logProbs: Tensor;
  private readonly scores: Tensor;

  /** @param logits [..., G · K] @param classes K, 2 or more @throws LatentGpuError `shape-mismatch` */
  constructor(logits: Tensor, classes: number) {
    checkParameters('OneHot', logits);
    const width = logits.shape.at(-1) ?? 0;
    if (!(Number.isInteger(classes) && classes >= 2 && width > 0 && width % classes === 0)) {
      throw new LatentGpuError(
        'shape-mismatch',
        `OneHot: ${logits} is not [..., groups · ${classes}], with two classes or more`,
      );
    }
    this.classes = classes;
    this.groups = width / classes;
    this.scores = reshape(logits, [...logits.shape.slice(0, -1), this.groups, classes]);
    this.logProbs = logSoftmax(this.scores);
  }

  /**
   * Σ z · log p, for z [..., G · K]; of codes that are not one-hot, between those that are. What is masked does not
   * count.
   */
  logProb(z: Tensor, mask?: Tensor): Tensor {
    const grouped = (x: Tensor) => reshape(x, [...x.shape.slice(0, -1), this.groups, this.classes]);
    const each = mul(grouped(z), this.logProbs);
    return sum(mask ? where(grouped(mask), each, 0) : each, [-2, -1]);
  }

  /** The probabilities, [..., G · K]. */
  get mean(): Tensor {
    const { shape } = this.logProbs;
    return reshape(exp(this.logProbs), [...shape.slice(0, -2), -1]);
  }

  /** By the Gumbel-max trick (Maddison, Tarlow and Minka 2014); no gradient flows. */
  sample(lead: Shape = []): Tensor {
    const noise = randomGumbel([...lead, ...this.scores.shape]);
    return stopGradient(flat(hottest(add(this.scores, noise))));
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.sample(lead), false);
  }

  /** -Σ p log p over all groups, in nats: [...]. */
  entropy(): Tensor {
    return neg(sum(mul(exp(this.logProbs), this.logProbs), [-2, -1]));
  }
}

/**
 * 1 for the largest along the last axis, 0 for the others.
 *
 * @example distributions.hottest(ops.toFloat(ops.iota(3))) // [0, 0, 1]
 */
export function hottest(scores: Tensor): Tensor {
  return greaterEqual(scores, max(scores, -1, { keepDims: true }));
}

/** [..., G, K] to [..., G · K]. */
function flat(x: Tensor): Tensor {
  return reshape(x, [...x.shape.slice(0, -2), -1]);
}

/**
 * One-hot codes, every class as likely as any other.
 *
 * @example new distributions.UniformOneHot(2, 10).draw([3]).value.shape // [3, 20]
 */
export class UniformOneHot implements Density {
  readonly groups: number;
  readonly classes: number;

  constructor(groups: number, classes: number) {
    this.groups = groups;
    this.classes = classes;
  }

  logProb(z: Tensor): Tensor {
    return mul(sum(z, -1), -Math.log(this.classes));
  }

  draw(lead: Shape): Draw {
    const scores = randomGumbel([...lead, this.groups, this.classes]);
    const value = stopGradient(flat(hottest(scores)));
    return { value, logProb: () => this.logProb(value), pathwise: false };
  }
}

/**
 * KL(q ‖ p) of one-hot codes in nats, a group each: [..., G].
 *
 * ```ts
 * const q = new distributions.OneHot(ops.zeros([1, 20]), 10);
 * distributions.klOneHot(q, new distributions.UniformOneHot(2, 10)) // [0, 0]
 * ```
 */
export function klOneHot(q: OneHot, p: OneHot | UniformOneHot): Tensor {
  const ratio = p instanceof OneHot ? sub(q.logProbs, p.logProbs) : q.logProbs;
  const kl = sum(mul(exp(q.logProbs), ratio), -1);
  return p instanceof OneHot ? kl : add(kl, Math.log(p.classes));
}
