// Codes of classes: q(z | x) of G independent one-hot variables of K classes. Relaxed by Gumbel-softmax,
// softmax((logits + g) / T): Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017.
import {
  type Density,
  type Draw,
  hottest,
  klOneHot,
  OneHot,
  UniformOneHot,
} from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  add,
  concat,
  div,
  divUint,
  equalUint,
  expand,
  iota,
  matmul,
  modUint,
  mul,
  randomGumbel,
  reshape,
  softmax,
  stopGradient,
  sub,
  sum,
  transpose,
} from '../../ops/index.ts';
import type { DiscretePosterior, Enumeration } from './discrete.ts';

/**
 * One-hot codes of G groups of K classes, which can be drawn, relaxed or summed over.
 *
 * ```ts
 * const q = new objectives.CategoricalPosterior(new distributions.OneHot(ops.zeros([3, 20]), 10));
 * q.draw(5).value.shape // [3, 5, 20]
 * ```
 */
export class CategoricalPosterior implements DiscretePosterior {
  readonly configurations: number;
  private readonly q: OneHot;

  /** @param q of logits [B, G · K] */
  constructor(q: OneHot) {
    this.q = q;
    this.configurations = q.classes ** q.groups;
  }

  /** The probabilities of the classes, [B, G · K]. */
  get mean(): Tensor {
    return this.q.mean;
  }

  /** Log-probabilities plus Gumbel noise, [B, S, G, K]; of a single draw [B, G, K]. */
  private perturbed(samples: number): Tensor {
    const { logProbs, groups, classes } = this.q;
    const batch = logProbs.shape[0] as number;
    if (samples === 1) return add(logProbs, randomGumbel(logProbs.shape));
    const wide = reshape(logProbs, [batch, 1, groups, classes]);
    return add(wide, randomGumbel([batch, samples, groups, classes]));
  }

  private flat(x: Tensor): Tensor {
    return reshape(x, [...x.shape.slice(0, -2), -1]);
  }

  draw(samples: number): Draw {
    const value = stopGradient(this.flat(hottest(this.perturbed(samples))));
    return { value, logProb: () => this.logProb(value), pathwise: false };
  }

  logProb(z: Tensor): Tensor {
    const { groups, classes, logProbs } = this.q;
    const batch = z.shape[0] as number;
    const grouped = reshape(z, [batch, -1, groups, classes]);
    const wide = reshape(logProbs, [batch, 1, groups, classes]);
    return reshape(sum(mul(grouped, wide), [-2, -1]), z.shape.slice(0, -1));
  }

  /** A group each: [B, G]. */
  klTo(prior: Density): Tensor | undefined {
    const isKnown = prior instanceof OneHot || prior instanceof UniformOneHot;
    return isKnown ? klOneHot(this.q, prior) : undefined;
  }

  entropy(): Tensor {
    return this.q.entropy();
  }

  relaxed(samples: number, temperature: number | Tensor, isHard: boolean): Draw {
    const scores = this.perturbed(samples);
    const soft = softmax(div(scores, temperature));
    const value = this.flat(isHard ? add(soft, stopGradient(sub(hottest(scores), soft))) : soft);
    return { value, logProb: () => this.logProb(value), pathwise: true };
  }

  enumerate(): Enumeration {
    const { groups, classes, logProbs } = this.q;
    const count = this.configurations;
    const counted = reshape(iota(count), [count, 1]);
    const each = Array.from({ length: groups }, (_, group) =>
      equalUint(
        expand(modUint(divUint(counted, classes ** group), classes), [count, classes]),
        iota(classes),
      ),
    );
    const codes = concat(each, 1);
    return { codes, logProbs: matmul(this.flat(logProbs), transpose(codes)) };
  }
}
