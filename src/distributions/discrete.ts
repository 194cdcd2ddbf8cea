import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  bernoulliLogProb,
  discretizedLogisticLogProb,
  exp,
  expand,
  floor,
  iota,
  less,
  log,
  logSumExp,
  max,
  maximum,
  minimum,
  mul,
  oneHot,
  randomBernoulli,
  randomUniform,
  sigmoid,
  softmax,
  softplus,
  stopGradient,
  sub,
  sum,
  toFloat,
  toUint,
  uniformGumbel,
  where,
} from '../ops/index.ts';
import { type Density, type Draw, drawn } from './density.ts';
import { checkParameters, type Distribution, type Parameter, sumOfSeen } from './distribution.ts';

/**
 * Independent Bernoulli variables given their log-odds [..., D].
 *
 * @example new distributions.Bernoulli(ops.zeros([2, 3])).logProb(ops.zeros([2, 3])) // [-2.0794, -2.0794]
 */
export class Bernoulli implements Distribution, Density {
  readonly logits: Tensor;

  constructor(logits: Tensor) {
    checkParameters('Bernoulli', logits);
    this.logits = logits;
  }

  /** x · logits - softplus(logits), summed; x in [0, 1]. */
  logProb(x: Tensor, mask?: Tensor): Tensor {
    return sumOfSeen(bernoulliLogProb(this.logits, x), mask);
  }

  get mean(): Tensor {
    return sigmoid(this.logits);
  }

  get parameters(): readonly Parameter[] {
    return [{ name: 'logits', about: 'log-odds of 1', of: this.logits }];
  }

  sample(lead: readonly number[] = []): Tensor {
    return stopGradient(randomBernoulli(expand(this.mean, [...lead, ...this.logits.shape])));
  }

  draw(lead: readonly number[]): Draw {
    return drawn(this, this.sample(lead), false);
  }

  /** Σ (softplus(logits) - σ(logits) · logits), in nats, summed over the last axis. */
  entropy(): Tensor {
    const { logits } = this;
    return sum(sub(softplus(logits), mul(sigmoid(logits), logits)), -1);
  }
}

/**
 * KL(q ‖ p) of Bernoulli variables in nats, a variable each: σ(a)(a - b) + softplus(b) - softplus(a).
 *
 * ```ts
 * const [q, p] = [ops.zeros([1]), ops.full([1], 1)].map((logits) => new distributions.Bernoulli(logits));
 * distributions.klBernoulli(q, p) // 0.1201
 * ```
 */
export function klBernoulli(q: Bernoulli, p: Bernoulli): Tensor {
  const crossed = mul(sigmoid(q.logits), sub(q.logits, p.logits));
  return add(crossed, sub(softplus(p.logits), softplus(q.logits)));
}

/**
 * Independent categorical variables over levels 0 … L - 1, given logits [..., D, L]. A value x in
 * [0, 1] stands for level round(x · (L - 1)): a byte of an image is one of 256 levels.
 *
 * @example new distributions.Categorical(ops.zeros([3, 4])).logProb(ops.zeros([3])) // -4.1589
 */
export class Categorical implements Distribution {
  readonly logits: Tensor;
  readonly levels: number;

  /** @throws LatentGpuError `shape-mismatch` for logits of fewer than two axes */
  constructor(logits: Tensor) {
    checkParameters('Categorical', logits);
    if (logits.rank < 2) {
      throw new LatentGpuError('shape-mismatch', `Categorical: ${logits} is not [..., D, levels]`);
    }
    this.logits = logits;
    this.levels = logits.shape.at(-1) as number;
  }

  /** From one level to the next. */
  private get step(): number {
    return 1 / Math.max(1, this.levels - 1);
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const level = toUint(add(mul(x, this.levels - 1), 0.5));
    const chosen = oneHot(level, this.levels);
    const picked = sum(where(chosen, this.logits, 0), -1);
    return sumOfSeen(sub(picked, logSumExp(this.logits, -1)), mask);
  }

  /** Σ level · probability / (L - 1). */
  get mean(): Tensor {
    const values = mul(toFloat(iota(this.levels)), this.step);
    return sum(mul(softmax(this.logits), values), -1);
  }

  get parameters(): readonly Parameter[] {
    const about = 'of grey level i, which stands for i / (levels - 1)';
    return [{ name: 'logits', about, of: this.logits }];
  }

  /** By the Gumbel-max trick: the level with the largest logit plus Gumbel noise. */
  sample(lead: readonly number[] = []): Tensor {
    const shape = [...lead, ...this.logits.shape];
    const scores = add(this.logits, uniformGumbel(shape));
    const winner = where(
      less(scores, max(scores, -1, { keepDims: true })),
      -1,
      toFloat(iota(this.levels)),
    );
    return stopGradient(mul(max(winner, -1), this.step));
  }
}

/**
 * Logistic densities integrated over the bins of `levels` grey levels; mean in [0, 1] units.
 *
 * ```ts
 * const p = new distributions.DiscretizedLogistic(ops.zeros([3]), ops.zeros([3]));
 * p.logProb(p.sample([5])).shape // [5]
 * ```
 */
export class DiscretizedLogistic implements Distribution {
  readonly mean: Tensor;
  readonly logScale: Tensor;
  readonly levels: number;

  constructor(mean: Tensor, logScale: Tensor, levels = 256) {
    checkParameters('DiscretizedLogistic', mean, logScale);
    this.mean = mean;
    this.logScale = logScale;
    this.levels = levels;
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const { mean, logScale, levels } = this;
    return sumOfSeen(discretizedLogisticLogProb(x, mean, logScale, levels), mask);
  }

  /**
   * By inversion: μ + s · log(u / (1 - u)), rounded to a level. Composed, because the draws of a seed
   * are to stay: `randomLogistic` makes others.
   */
  sample(lead: readonly number[] = []): Tensor {
    const u = randomUniform([...lead, ...this.mean.shape]);
    const drawn = add(this.mean, mul(exp(this.logScale), sub(log(u), log(sub(1, u)))));
    const level = floor(add(mul(minimum(maximum(drawn, 0), 1), this.levels - 1), 0.5));
    return stopGradient(mul(level, 1 / (this.levels - 1)));
  }
}
