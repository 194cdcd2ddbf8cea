// Flows inside a variational autoencoder: a posterior that is more than normal, a prior that is learned.
import { Normal } from '../distributions/index.ts';
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
import type { Tensor } from '../graph/tensor.ts';
import { MLP } from '../nn/index.ts';
import { expand, randomNormal, reparameterize, reshape, sub } from '../ops/index.ts';

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

/** z = flow(ε; h) with ε ~ N(μ, σ²): a posterior whose density is known at its own draws. */
export class FlowPosterior {
  private readonly base: Normal;
  private readonly flow: Bijection;
  private readonly context: Tensor;

  /** @param base parameters [B, M] @param context [B, C] */
  constructor(base: Normal, flow: Bijection, context: Tensor) {
    this.base = base;
    this.flow = flow;
    this.context = context;
  }

  /** Where the flow carries μ: not the mean, but a code in the middle of the others. [B, M]. */
  get mean(): Tensor {
    return this.flow.forward(this.base.mean, this.context).value;
  }

  /** Draws [B, S, M] with their log-densities [B, S]; of a single one [B, M] and [B]. */
  weighedDraws(samples: number): { readonly value: Tensor; readonly logProb: Tensor } {
    const [batch, latent] = this.base.mean.shape as [number, number];
    const features = this.context.shape[1] as number;
    const wide = (x: Tensor, width: number) =>
      reshape(expand(reshape(x, [batch, 1, width]), [batch, samples, width]), [-1, width]);
    const q = new Normal(wide(this.base.mean, latent), wide(this.base.logStd, latent));
    const noise = reparameterize(q.mean, q.logStd, randomNormal([batch * samples, latent]));
    const { value, logDet } = this.flow.forward(noise, wide(this.context, features));
    const logProb = sub(q.logProb(noise), logDet);
    return samples === 1
      ? { value, logProb }
      : {
          value: reshape(value, [batch, samples, latent]),
          logProb: reshape(logProb, [batch, samples]),
        };
  }
}

/** p(z) by a flow, for z [..., M]. */
export class FlowPrior {
  private readonly flow: Flow;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  logProb(z: Tensor): Tensor {
    const rows = reshape(z, [-1, z.shape.at(-1) as number]);
    return reshape(this.flow.logProb(rows), z.shape.slice(0, -1));
  }
}
