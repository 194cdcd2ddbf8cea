// z = flow(ε; h), ε ~ N(μ, σ²): a posterior carried on by a flow that is told more of x.
// Rezende and Mohamed 2015; Kingma et al. 2016, whose flow is inverse autoregressive.
import { type Draw, Normal } from '../../distributions/index.ts';
import type { Bijection } from '../../flows/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, expand, randomNormal, reparameterize, reshape, sub } from '../../ops/index.ts';
import type { Posterior } from '../model.ts';

/**
 * A posterior that a flow makes of a normal one, told of x as well: any shape that the flow can make.
 *
 * ```ts
 * const base = new distributions.Normal(ops.zeros([3, 2]), ops.zeros([3, 2]));
 * const maf = { features: 2, hidden: [16], context: 8, transformer: flows.affine() };
 * const flow = new flows.Inverted(new flows.Autoregressive(maf));
 * new objectives.FlowPosterior(base, flow, ops.zeros([3, 8])).draw(5).value.shape // [3, 5, 2]
 * ```
 */
export class FlowPosterior implements Posterior {
  private readonly base: Normal;
  private readonly flow: Bijection;
  private readonly context: Tensor;

  /** @param base parameters [B, M] @param context what the flow is told, [B, C] */
  constructor(base: Normal, flow: Bijection, context: Tensor) {
    this.base = base;
    this.flow = flow;
    this.context = context;
  }

  /** Where the flow carries μ: not the mean, but a code in the middle of the others. [B, M]. */
  get mean(): Tensor {
    return this.flow.forward(this.base.mean, this.context).value;
  }

  /** A row for each of several draws: [B, width] to [B · S, width]. */
  private repeated(x: Tensor, samples: number): Tensor {
    const [batch, width] = x.shape as [number, number];
    return reshape(expand(reshape(x, [batch, 1, width]), [batch, samples, width]), [-1, width]);
  }

  draw(samples: number): Draw {
    const [batch, latent] = this.base.mean.shape as [number, number];
    const q = new Normal(
      this.repeated(this.base.mean, samples),
      this.repeated(this.base.logStd, samples),
    );
    const noise = reparameterize(q.mean, q.logStd, randomNormal([batch * samples, latent]));
    const { value, logDet } = this.flow.forward(noise, this.repeated(this.context, samples));
    const lead = samples === 1 ? [batch] : [batch, samples];
    return {
      value: reshape(value, [...lead, latent]),
      logProb: () => reshape(sub(q.logProb(noise), logDet), lead),
      pathwise: true,
    };
  }

  /** Of any code, by the flow's inverse: where that is autoregressive, a pass for each dimension. */
  logProb(z: Tensor): Tensor {
    const [batch, latent] = this.base.mean.shape as [number, number];
    const samples = z.size / (batch * latent);
    const q = new Normal(
      this.repeated(this.base.mean, samples),
      this.repeated(this.base.logStd, samples),
    );
    const rows = reshape(z, [batch * samples, latent]);
    const { value, logDet } = this.flow.inverse(rows, this.repeated(this.context, samples));
    return reshape(add(q.logProb(value), logDet), z.shape.slice(0, -1));
  }
}
