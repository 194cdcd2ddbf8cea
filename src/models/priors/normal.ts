// N(0, I).
import { type Density, StandardNormal } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { PriorPart } from './part.ts';

export const NORMAL = { keys: {}, about: 'N(0, I)' } as const;

export class NormalPrior extends PriorPart {
  readonly isStandard = true;
  readonly density: Density;

  constructor(latent: number) {
    super();
    this.density = new StandardNormal([latent]);
  }

  codes(noise: Tensor): Tensor {
    return noise;
  }
}
