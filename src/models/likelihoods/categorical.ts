// Grey levels as classes: the decoder yields a logit for each level of each feature.
import { Categorical, type Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { reshape } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import { Likelihood } from './likelihood.ts';

export const CATEGORICAL = {
  about: 'a probability for each grey level',
  keys: {
    levels: {
      type: 'integer',
      min: 2,
      max: 256,
      default: 256,
      help: 'grey levels of a pixel',
    },
  } as const satisfies Schema,
};

export class CategoricalLikelihood extends Likelihood {
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
