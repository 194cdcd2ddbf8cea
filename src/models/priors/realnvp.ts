// A learned prior: couplings by turns with linear layers between them, on N(0, I).
import type { Density } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import { affine, Chain, Coupling, Flow, LuLinear } from '../../flows/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { MLP } from '../../nn/index.ts';
import { LATENT_FLOW_KEYS, type LatentFlowConfig } from '../nets/latent-flow.ts';
import { PriorPart } from './part.ts';

export const REALNVP = {
  keys: LATENT_FLOW_KEYS,
  about: 'a flow of couplings and linear layers',
} as const;

export class RealNvpPrior extends PriorPart {
  readonly isStandard = false;
  override readonly tensors = 'priorFlow';
  private readonly flow: Flow;

  /** @param seed of the rotations that its linear layers start from */
  constructor(latent: number, { depth, hidden }: LatentFlowConfig, seed: number) {
    super();
    if (latent < 2) {
      throw new LatentGpuError('bad-config', 'prior=realnvp takes codes of 2 numbers or more');
    }
    const parts = Array.from({ length: depth }, (_, i) => [
      ...(i > 0 ? [new LuLinear([latent], 1000 * seed + i)] : []),
      new Coupling({
        shape: [latent],
        transformer: affine(),
        flip: i % 2 === 1,
        net: ([from = 0], [to = 0]) => new MLP([from, ...hidden, to], 'relu', { zeroOutput: true }),
      }),
    ]);
    this.flow = new Flow(new Chain(parts.flat()));
  }

  override children(): [string, unknown][] {
    return this.flow.children();
  }

  get density(): Density {
    return this.flow;
  }

  codes(noise: Tensor): Tensor {
    return this.flow.bijection.forward(noise).value;
  }
}
