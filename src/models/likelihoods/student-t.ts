// Real numbers with outliers: the decoder yields a mean, a scale and degrees of freedom for each feature
// (Takahashi et al. 2018; Mattei and Frellsen 2019).
import { type Distribution, StudentT } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { studentNumbers } from '../student-numbers.ts';
import { Likelihood } from './likelihood.ts';

export const STUDENT_T = { keys: {}, about: 'means, scales and degrees of freedom' } as const;

export class StudentTLikelihood extends Likelihood {
  readonly outputsPerFeature = 3;

  distribution(outputs: Tensor): Distribution {
    const { mean, logStd, df } = studentNumbers(outputs);
    return new StudentT(mean, logStd, df);
  }
}
