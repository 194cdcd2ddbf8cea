// Independent normals: of the encoder's numbers the first M are the mean, the next log σ.
import { Normal } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { NormalPosterior, type Posterior } from '../../objectives/index.ts';
import { slice } from '../../ops/index.ts';
import { PosteriorPart } from './part.ts';

export const NORMAL = { keys: {}, about: 'independent normals' } as const;

export class NormalPart extends PosteriorPart {
  readonly width: number;
  private readonly latent: number;

  constructor(latent: number) {
    super();
    this.latent = latent;
    this.width = 2 * latent;
  }

  of(numbers: Tensor): Posterior {
    const { latent } = this;
    return new NormalPosterior(
      new Normal(slice(numbers, -1, 0, latent), slice(numbers, -1, latent, 2 * latent)),
    );
  }
}
