// One normal with all its covariances: of the encoder's numbers the first M are the mean, the next the
// logarithms of a Cholesky factor's diagonal, the others what lies below it, row by row.
import type { Tensor } from '../../graph/tensor.ts';
import { belowDiagonal, FullPosterior, type Posterior } from '../../objectives/index.ts';
import { slice } from '../../ops/index.ts';
import { PosteriorPart } from './part.ts';

export const FULL = { keys: {}, about: 'a normal with full covariance' } as const;

export class FullPart extends PosteriorPart {
  readonly width: number;
  private readonly latent: number;

  constructor(latent: number) {
    super();
    this.latent = latent;
    this.width = 2 * latent + belowDiagonal(latent);
  }

  of(numbers: Tensor): Posterior {
    const { latent, width } = this;
    const part = (from: number, to: number) => slice(numbers, -1, from, to);
    return new FullPosterior(part(0, latent), part(latent, 2 * latent), part(2 * latent, width));
  }
}
