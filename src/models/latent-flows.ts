// Flows inside a variational autoencoder: a posterior that is more than normal, a prior that is learned.
import { LatentGpuError } from '../errors.ts';
import {
  Autoregressive,
  affine,
  type Bijection,
  Chain,
  Coupling,
  Flow,
  Inverted,
  LuLinear,
  Permutation,
} from '../flows/index.ts';
import { MLP } from '../nn/index.ts';

export interface LatentFlowConfig {
  readonly depth: number;
  readonly hidden: readonly number[];
}

/**
 * Inverse autoregressive steps with a reversal between them, told the context (Kingma et al. 2016). Their
 * draws cost one pass.
 */
export function posteriorFlow(
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

/** Couplings by turns with linear layers between them, on N(0, I). */
export function priorFlow(latent: number, { depth, hidden }: LatentFlowConfig, seed: number): Flow {
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
  return new Flow(new Chain(parts.flat()));
}
