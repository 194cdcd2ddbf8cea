// Likelihoods of decoders: how many numbers a decoder yields for each data feature, and which
// distribution they describe.
import { Bernoulli, Categorical, type Distribution, Normal } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, Module } from '../nn/index.ts';
import { add, constant, log, reshape, slice, softplus } from '../ops/index.ts';

/**
 * `bernoulli`: logits. `normal`: means, with a standard deviation that is fixed (`std`), learned
 * and shared by all features, or given by the decoder for each (`pixel`). `categorical`: logits of
 * `levels` grey levels a feature.
 */
export type LikelihoodConfig =
  | { kind: 'bernoulli' }
  | { kind: 'normal'; sigma: 'fixed'; std?: number }
  | { kind: 'normal'; sigma: 'shared' | 'pixel' }
  | { kind: 'categorical'; levels?: number };

/** The smallest standard deviation a decoder may give: the density stays bounded. */
const MIN_STD = 1e-3;

export abstract class Likelihood extends Module {
  /** Decoder outputs for each data feature. */
  abstract readonly outputsPerFeature: number;
  /** The distribution of x given the decoder's outputs [..., features · outputsPerFeature]. */
  abstract distribution(outputs: Tensor): Distribution;
}

class BernoulliLikelihood extends Likelihood {
  readonly outputsPerFeature = 1;
  distribution(outputs: Tensor): Distribution {
    return new Bernoulli(outputs);
  }
}

class FixedNormalLikelihood extends Likelihood {
  readonly outputsPerFeature = 1;
  readonly std: number;
  constructor(std: number) {
    super();
    this.std = std;
  }
  distribution(outputs: Tensor): Distribution {
    return new Normal(outputs, constant(Math.log(this.std)));
  }
}

class SharedNormalLikelihood extends Likelihood {
  readonly outputsPerFeature = 1;
  /** log σ, one for all features. */
  readonly logStd: Variable = variable('logStd', [1], {
    role: 'parameter',
    init: constantInit(Math.log(0.5)),
  });
  distribution(outputs: Tensor): Distribution {
    return new Normal(outputs, this.logStd);
  }
}

class PixelNormalLikelihood extends Likelihood {
  readonly outputsPerFeature = 2;
  distribution(outputs: Tensor): Distribution {
    const features = (outputs.shape.at(-1) as number) / 2;
    const raw = slice(outputs, -1, features, 2 * features);
    // Bounded below softly: a hard clamp would stop the gradient.
    return new Normal(slice(outputs, -1, 0, features), log(add(softplus(raw), MIN_STD)));
  }
}

class CategoricalLikelihood extends Likelihood {
  readonly outputsPerFeature: number;
  constructor(levels: number) {
    super();
    this.outputsPerFeature = levels;
  }
  distribution(outputs: Tensor): Distribution {
    const features = (outputs.shape.at(-1) as number) / this.outputsPerFeature;
    const shape = [...outputs.shape.slice(0, -1), features, this.outputsPerFeature];
    return new Categorical(reshape(outputs, shape));
  }
}

export function makeLikelihood(config: LikelihoodConfig): Likelihood {
  switch (config.kind) {
    case 'bernoulli':
      return new BernoulliLikelihood();
    case 'categorical':
      return new CategoricalLikelihood(config.levels ?? 256);
    case 'normal':
      if (config.sigma === 'fixed') return new FixedNormalLikelihood(config.std ?? 1);
      return config.sigma === 'shared' ? new SharedNormalLikelihood() : new PixelNormalLikelihood();
    default:
      throw new LatentGpuError(
        'bad-config',
        `likelihood.kind is '${(config as { kind: string }).kind}'; it may be bernoulli, normal or categorical`,
      );
  }
}
