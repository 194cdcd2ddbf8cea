// Features that are 0 or 1, or grey values taken as probabilities: the decoder yields log-odds.
import { Bernoulli, type Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Likelihood } from './likelihood.ts';

export const BERNOULLI = { keys: {}, about: 'log-odds of 0/1 data' } as const;

export class BernoulliLikelihood extends Likelihood {
  readonly outputsPerFeature = 1;

  distribution(outputs: Tensor): Distribution {
    return new Bernoulli(outputs);
  }
}
