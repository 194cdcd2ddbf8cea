// A mixture of normals: weights, means and deviations are learned.
import { LearnedMixture } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Schema } from '../../schema/index.ts';
import type { GroupDraws } from '../abilities.ts';
import { PriorPart } from './part.ts';

export const MIXTURE = {
  keys: {
    components: {
      type: 'integer',
      min: 2,
      max: 65536,
      default: (get) => (get('prior.kind') === 'vamp' ? 500 : 10),
      help: 'normals of a mixture, or pseudo-inputs',
    },
  } as const satisfies Schema,
  about: 'a mixture of normals',
};

export class MixturePrior extends PriorPart {
  readonly isStandard = false;
  readonly density: LearnedMixture;
  override readonly groups: GroupDraws;

  constructor(latent: number, components: number) {
    super();
    this.density = new LearnedMixture(latent, components);
    this.groups = { count: components, codes: (chosen) => this.density.drawOf(chosen) };
  }

  override children(): [string, unknown][] {
    return Object.entries(this.density);
  }

  override logResponsibilities(z: Tensor): Tensor {
    return this.density.logResponsibilities(z);
  }

  codes(noise: Tensor): Tensor {
    return this.density.draw([noise.shape[0] as number]).value;
  }
}
