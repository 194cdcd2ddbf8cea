// Independent Student's t distributions, whose heavy tails make importance weights less wild (Domke and
// Sheldon 2018): the encoder yields means, scales and degrees of freedom.
import { StudentT } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Posterior, StudentPosterior } from '../../objectives/index.ts';
import { studentNumbers } from '../student-numbers.ts';
import { PosteriorPart } from './part.ts';

export const STUDENT_T = { keys: {}, about: "independent Student's t, of heavier tails" } as const;

export class StudentPart extends PosteriorPart {
  readonly width: number;

  constructor(latent: number) {
    super();
    this.width = 3 * latent;
  }

  of(numbers: Tensor): Posterior {
    const { mean, logStd, df } = studentNumbers(numbers);
    return new StudentPosterior(new StudentT(mean, logStd, df));
  }
}
