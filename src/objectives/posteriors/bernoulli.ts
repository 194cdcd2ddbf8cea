// Codes of bits: q(z | x) = Π Bernoulli(z_j; σ(logit_j)). Relaxed by the binary concrete distribution
// σ((logit + L) / T), L logistic: Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017.
import { Bernoulli, type Density, type Draw, klBernoulli } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  add,
  concat,
  div,
  divUint,
  expand,
  greater,
  iota,
  matmul,
  modUint,
  randomBernoulli,
  randomLogistic,
  reshape,
  sigmoid,
  softplus,
  stopGradient,
  sub,
  sum,
  toFloat,
  transpose,
} from '../../ops/index.ts';
import type { DiscretePosterior, Enumeration } from './discrete.ts';

/**
 * Codes of bits: independent Bernoulli variables, which can be drawn, relaxed or summed over.
 *
 * ```ts
 * const q = new objectives.BernoulliPosterior(new distributions.Bernoulli(ops.zeros([3, 8])));
 * q.draw(5).value.shape // [3, 5, 8]
 * ```
 */
export class BernoulliPosterior implements DiscretePosterior {
  readonly configurations: number;
  private readonly q: Bernoulli;

  /** @param q log-odds [B, M] */
  constructor(q: Bernoulli) {
    this.q = q;
    this.configurations = 2 ** (q.logits.shape[1] as number);
  }

  get mean(): Tensor {
    return this.q.mean;
  }

  /** Log-odds for several draws, [B, S, M]; for one as they are. */
  private spread(samples: number): Tensor {
    const [batch, bits] = this.q.logits.shape as [number, number];
    if (samples === 1) return this.q.logits;
    return expand(reshape(this.q.logits, [batch, 1, bits]), [batch, samples, bits]);
  }

  draw(samples: number): Draw {
    const value = stopGradient(randomBernoulli(sigmoid(this.spread(samples))));
    return { value, logProb: () => this.logProb(value), pathwise: false };
  }

  logProb(z: Tensor): Tensor {
    const [batch, bits] = this.q.logits.shape as [number, number];
    const wide = z.rank > 2 ? reshape(this.q.logits, [batch, 1, bits]) : this.q.logits;
    return new Bernoulli(wide).logProb(z);
  }

  /** A bit each: [B, M]. */
  klTo(prior: Density): Tensor | undefined {
    return prior instanceof Bernoulli ? klBernoulli(this.q, prior) : undefined;
  }

  entropy(): Tensor {
    return this.q.entropy();
  }

  relaxed(samples: number, temperature: number | Tensor, isHard: boolean): Draw {
    const logits = this.spread(samples);
    const scores = add(logits, randomLogistic(logits.shape));
    const soft = sigmoid(div(scores, temperature));
    const value = isHard ? add(soft, stopGradient(sub(greater(scores, 0), soft))) : soft;
    return { value, logProb: () => this.logProb(value), pathwise: true };
  }

  enumerate(): Enumeration {
    const [, bits] = this.q.logits.shape as [number, number];
    const counted = reshape(iota(this.configurations), [this.configurations, 1]);
    const each = Array.from({ length: bits }, (_, bit) =>
      toFloat(modUint(divUint(counted, 2 ** bit), 2)),
    );
    const codes = concat(each, 1);
    const chosen = matmul(this.q.logits, transpose(codes));
    return { codes, logProbs: sub(chosen, sum(softplus(this.q.logits), -1, { keepDims: true })) };
  }
}
