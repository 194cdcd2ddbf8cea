// Grey levels by a mixture of logistic densities: few numbers a pixel, however many levels there are.
import { type Distribution, LogisticMixture } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, maximum, mul, reshape, slice } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import { CATEGORICAL } from './categorical.ts';
import { Likelihood } from './likelihood.ts';

export const LOGISTIC_MIXTURE = {
  about: 'a mixture of logistic densities over grey levels (Salimans et al. 2017)',
  keys: {
    levels: CATEGORICAL.keys.levels,
    mixture: {
      type: 'integer',
      min: 1,
      max: 100,
      default: 10,
      help: 'densities that are mixed',
    },
  } as const satisfies Schema,
};

/** The least log scale, as in the paper, where white is 1 and black -1. */
const LEAST = -7;

export class LogisticMixtureLikelihood extends Likelihood {
  readonly outputsPerFeature: number;
  private readonly levels: number;

  constructor(levels: number, mixture: number) {
    super();
    this.levels = levels;
    this.outputsPerFeature = 3 * mixture;
  }

  /** Of a feature weights, then means, then log scales; white is 1 and black -1, as in the paper. */
  distribution(outputs: Tensor): Distribution {
    const { levels, outputsPerFeature: all } = this;
    const features = (outputs.shape.at(-1) as number) / all;
    const grouped = reshape(outputs, [...outputs.shape.slice(0, -1), features, all]);
    const part = (k: number) => slice(grouped, -1, (k * all) / 3, ((k + 1) * all) / 3);
    const means = add(mul(part(1), 0.5), 0.5);
    // Half the width: a scale of 1 there is one half here.
    const logScales = add(maximum(part(2), LEAST), -Math.LN2);
    return new LogisticMixture(part(0), means, logScales, levels);
  }
}
