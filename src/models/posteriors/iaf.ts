// Normals carried on by an inverse autoregressive flow, which is told as much more of x as they are.
// Kingma et al. 2016.
import { Normal } from '../../distributions/index.ts';
import {
  Autoregressive,
  affine,
  type Bijection,
  Chain,
  Inverted,
  Permutation,
} from '../../flows/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { FlowPosterior, type Posterior } from '../../objectives/index.ts';
import { slice } from '../../ops/index.ts';
import { LATENT_FLOW_KEYS, type LatentFlowConfig } from '../nets/latent-flow.ts';
import { PosteriorPart } from './part.ts';

export const IAF = {
  keys: LATENT_FLOW_KEYS,
  about: 'normals carried on by an inverse autoregressive flow',
} as const;

export class IafPart extends PosteriorPart {
  readonly width: number;
  override readonly tensors = 'posteriorFlow';
  private readonly latent: number;
  private readonly flow: Bijection;

  constructor(latent: number, config: LatentFlowConfig) {
    super();
    this.latent = latent;
    this.width = 4 * latent;
    this.flow = inverseAutoregressive(latent, 2 * latent, config);
  }

  override children(): [string, unknown][] {
    return this.flow.children();
  }

  of(numbers: Tensor): Posterior {
    const { latent } = this;
    const part = (i: number, j: number) => slice(numbers, -1, i * latent, j * latent);
    return new FlowPosterior(new Normal(part(0, 1), part(1, 2)), this.flow, part(2, 4));
  }
}

/** Steps with a reversal between them, told the context. Their draws cost one pass. */
function inverseAutoregressive(
  latent: number,
  context: number,
  { depth, hidden }: LatentFlowConfig,
): Bijection {
  const parts = Array.from({ length: depth }, (_, i) => [
    ...(i > 0 ? [Permutation.reversal([latent])] : []),
    new Inverted(
      new Autoregressive({
        features: latent,
        hidden,
        context,
        transformer: affine(),
        zeroOutput: true,
      }),
    ),
  ]);
  return new Chain(parts.flat());
}
