// Real numbers: the decoder yields means, with a deviation that is given, learned, or decoded.

import { MIN_STD } from '../../constants.ts';
import { type Distribution, Normal } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import { constantInit } from '../../nn/index.ts';
import { add, constant, log, slice, softplus } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import { Likelihood } from './likelihood.ts';

export const NORMAL = {
  about: 'means and a deviation',
  keys: {
    sigma: {
      type: 'choice',
      choices: ['fixed', 'shared', 'pixel'],
      default: 'shared',
      help: 'deviation: given, learned, or decoded for each pixel',
    },
    std: {
      type: 'number',
      min: 1e-3,
      max: 1e3,
      default: 1,
      when: { sigma: ['fixed'] },
      help: 'the fixed deviation',
    },
  } as const satisfies Schema,
};

export class FixedNormalLikelihood extends Likelihood {
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

export class SharedNormalLikelihood extends Likelihood {
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

export class PixelNormalLikelihood extends Likelihood {
  readonly outputsPerFeature = 2;

  distribution(outputs: Tensor): Distribution {
    const features = (outputs.shape.at(-1) as number) / 2;
    const raw = slice(outputs, -1, features, 2 * features);
    // Bounded below softly: a hard clamp would stop the gradient.
    return new Normal(slice(outputs, -1, 0, features), log(add(softplus(raw), MIN_STD)));
  }
}
