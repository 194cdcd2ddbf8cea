// Discrete codes: the encoder's numbers are log-odds of bits, or logits of the classes of each group.
import { Bernoulli, OneHot } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  BernoulliPosterior,
  CategoricalPosterior,
  type Posterior,
} from '../../objectives/index.ts';
import { PosteriorPart } from './part.ts';

export class BitsPart extends PosteriorPart {
  readonly width: number;

  constructor(bits: number) {
    super();
    this.width = bits;
  }

  of(numbers: Tensor): Posterior {
    return new BernoulliPosterior(new Bernoulli(numbers));
  }
}

export class ClassesPart extends PosteriorPart {
  readonly width: number;
  private readonly classes: number;

  constructor(groups: number, classes: number) {
    super();
    this.width = groups * classes;
    this.classes = classes;
  }

  of(numbers: Tensor): Posterior {
    return new CategoricalPosterior(new OneHot(numbers, this.classes));
  }
}
