// A flow: a simple distribution carried through a bijection. Rezende and Mohamed 2015.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { Module } from '../nn/index.ts';
import { add, expand, mean, neg, reshape, sub } from '../ops/index.ts';
import { type Base, StandardBase } from './base.ts';
import { type Bijection, eventSize, type Mapped } from './bijection.ts';

export interface SampleOptions {
  /** [count, C], of conditional flows. */
  readonly context?: Tensor;
  /** Deviation of the noise: below 1 draws come from denser regions. Default: 1. */
  readonly temperature?: number;
}

/** Log-densities [B], and the assignments that a training step makes. */
export interface Lesson {
  readonly logProb: Tensor;
  readonly effects: readonly Tensor[];
}

/** x = forward(z), z drawn from the base. */
export class Flow extends Module {
  readonly bijection: Bijection;
  readonly base: Base;

  /** @param base default: N(0, I) */
  constructor(bijection: Bijection, base?: Base) {
    super();
    this.bijection = bijection;
    this.base = base ?? new StandardBase(eventSize(bijection.shape));
  }

  /** Extents of a data point. */
  get shape(): Shape {
    return this.bijection.dataShape;
  }

  /** log p(x) = log p(z) + log |det ∂z/∂x| in nats, for x [B, ...shape]: [B]. */
  logProb(x: Tensor, context?: Tensor): Tensor {
    return this.weigh(this.bijection.inverse(x, context));
  }

  /** The same as training does it: layers that keep statistics take those of the batch. */
  learn(x: Tensor, context?: Tensor): Lesson {
    const { effects, ...mapped } = this.bijection.learn(x, context);
    return { logProb: this.weigh(mapped), effects };
  }

  /** What has to be done once, with data, before the first step. */
  start(x: Tensor, context?: Tensor): readonly Tensor[] {
    return this.bijection.initialize(x, context).effects;
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
    return { value, logProb: sub(this.base.logProb(noise), logDet) };
  }

  private draw(
    count: number,
    { context, temperature = 1 }: SampleOptions,
  ): Mapped & { readonly noise: Tensor } {
    if (!(temperature >= 0)) {
      throw new LatentGpuError(
        'bad-input',
        `the temperature is ${temperature}; it must be at least 0`,
      );
    }
    const noise = this.base.rsample(count, temperature);
    const events = reshape(noise, [count, ...this.bijection.shape]);
    return { noise, ...this.bijection.forward(events, context) };
  }

  private weigh({ value, logDet }: Mapped): Tensor {
    const batch = value.shape[0] as number;
    return expand(add(this.base.logProb(reshape(value, [batch, -1])), logDet), [batch]);
  }
}

/** Mean of -log p(x) over a batch. */
export function negativeLogLikelihood(flow: Flow, x: Tensor, context?: Tensor): Tensor {
  return neg(mean(flow.logProb(x, context)));
}
