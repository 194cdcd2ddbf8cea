// A flow: a simple distribution carried through a bijection. Rezende and Mohamed 2015.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { Module } from '../nn/index.ts';
import {
  add,
  expand,
  mul,
  neg,
  randomNormal,
  reshape,
  standardNormalLogProb,
  sub,
  sum,
} from '../ops/index.ts';
import type { Bijection, Mapped } from './bijection.ts';

export interface SampleOptions {
  /** [count, C], of conditional flows. */
  readonly context?: Tensor;
  /** Deviation of the noise: below 1 draws come from denser regions. Default: 1. */
  readonly temperature?: number;
}

/** x = forward(z), z ~ N(0, I). */
export class Flow extends Module {
  readonly bijection: Bijection;

  constructor(bijection: Bijection) {
    super();
    this.bijection = bijection;
  }

  /** Extents of a data point. */
  get shape(): Shape {
    return this.bijection.dataShape;
  }

  /** log p(x) = log N(z; 0, I) + log |det ∂z/∂x| in nats, for x [B, ...shape]: [B]. */
  logProb(x: Tensor, context?: Tensor): Tensor {
    const { value, logDet } = this.bijection.inverse(x, context);
    return add(this.baseLogProb(value), logDet);
  }

  /** Differentiable draws [count, ...shape]. */
  rsample(count: number, options: SampleOptions = {}): Tensor {
    return this.draw(count, options).value;
  }

  /** Draws with their own log-densities, at no more cost than draws alone. */
  rsampleWithLogProb(
    count: number,
    options: SampleOptions = {},
  ): { readonly value: Tensor; readonly logProb: Tensor } {
    const { noise, value, logDet } = this.draw(count, options);
    return { value, logProb: sub(this.baseLogProb(noise), logDet) };
  }

  private draw(
    count: number,
    { context, temperature = 1 }: SampleOptions,
  ): Mapped & { readonly noise: Tensor } {
    const drawn = randomNormal([count, ...this.bijection.shape]);
    const noise = temperature === 1 ? drawn : mul(drawn, temperature);
    return { noise, ...this.bijection.forward(noise, context) };
  }

  private baseLogProb(z: Tensor): Tensor {
    return sum(standardNormalLogProb(reshape(z, [z.shape[0] as number, -1])), -1);
  }
}

/** Mean of -log p(x) over a batch. */
export function negativeLogLikelihood(flow: Flow, x: Tensor, context?: Tensor): Tensor {
  const logProb = flow.logProb(x, context);
  return neg(mul(sum(expand(logProb, [x.shape[0] as number])), 1 / (x.shape[0] as number)));
}
