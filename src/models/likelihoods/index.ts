// Likelihoods of decoders: how many numbers a decoder yields for each data feature, and which
// distribution they describe. A file a kind.
import type { Category } from '../../categories.ts';
import { LatentGpuError } from '../../errors.ts';
import { partKeys } from '../part.ts';
import { BERNOULLI, BernoulliLikelihood } from './bernoulli.ts';
import { CATEGORICAL, CategoricalLikelihood } from './categorical.ts';
import type { Likelihood } from './likelihood.ts';
import { LOGISTIC_MIXTURE, LogisticMixtureLikelihood } from './logistic-mixture.ts';
import {
  FixedNormalLikelihood,
  NORMAL,
  PixelNormalLikelihood,
  SharedNormalLikelihood,
} from './normal.ts';
import { STUDENT_T, StudentTLikelihood } from './student-t.ts';
import { LikelihoodOfWords } from './words.ts';

export { Likelihood } from './likelihood.ts';

/**
 * `bernoulli`: logits. `normal`: means, with a standard deviation that is fixed (`std`), learned
 * and shared by all features, or given by the decoder for each (`pixel`). `categorical`: logits of
 * `levels` grey levels a feature. `student-t`: means, scales and degrees of freedom. `logistic-mixture`:
 * `mixture` logistic densities over the bins of `levels` grey levels.
 */
export interface LikelihoodConfig {
  readonly kind: 'bernoulli' | 'normal' | 'student-t' | 'categorical' | 'logistic-mixture';
  readonly sigma?: 'fixed' | 'shared' | 'pixel' | undefined;
  readonly std?: number | undefined;
  readonly levels?: number | undefined;
  readonly mixture?: number | undefined;
}

export const LIKELIHOOD_KEYS = partKeys(
  'likelihood',
  { bernoulli: BERNOULLI, normal: NORMAL, 'student-t': STUDENT_T, categorical: CATEGORICAL },
  {
    default: (get) => (get('data.continuous') === true ? 'normal' : 'bernoulli'),
    help: 'what the decoder describes; default: bernoulli, but normal for standardised data and vectors of numbers',
  },
);

/** How many numbers a decoder yields for a likelihood of so many features. */
export const describedBy = (
  likelihood: Likelihood,
  { kind }: LikelihoodConfig,
  features: number,
) => ({
  ...{ kind, outputsPerFeature: likelihood.outputsPerFeature },
  outputs: likelihood.outputs(features),
});

/**
 * p(x | z) by its settings.
 *
 * @param words of rows some of whose features are words, which have a probability each
 * @throws LatentGpuError `bad-config` for a kind that there is not
 * @example makeLikelihood({ kind: 'categorical', levels: 4 }).outputsPerFeature // 4
 */
export function makeLikelihood(
  config: LikelihoodConfig,
  words: { readonly features: number; readonly categories?: readonly Category[] | undefined } = {
    features: 0,
  },
): Likelihood {
  const { features, categories = [] } = words;
  const numbers = likelihoodOf(config);
  return categories.length > 0 ? new LikelihoodOfWords(numbers, categories, features) : numbers;
}

function likelihoodOf(config: LikelihoodConfig): Likelihood {
  switch (config.kind) {
    case 'bernoulli':
      return new BernoulliLikelihood();
    case 'categorical':
      return new CategoricalLikelihood(config.levels ?? CATEGORICAL.keys.levels.default);
    case 'logistic-mixture':
      return new LogisticMixtureLikelihood(
        config.levels ?? LOGISTIC_MIXTURE.keys.levels.default,
        config.mixture ?? LOGISTIC_MIXTURE.keys.mixture.default,
      );
    case 'student-t':
      return new StudentTLikelihood();
    case 'normal':
      if (config.sigma === 'fixed') return new FixedNormalLikelihood(config.std ?? 1);
      return config.sigma === 'pixel' ? new PixelNormalLikelihood() : new SharedNormalLikelihood();
    default:
      throw new LatentGpuError(
        'bad-config',
        `likelihood.kind is '${(config as { kind: string }).kind}'; it may be bernoulli, normal, student-t, categorical or logistic-mixture`,
      );
  }
}
