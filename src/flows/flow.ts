// A flow: a simple distribution carried through a bijection. Rezende and Mohamed 2015.
import {
  type Density,
  type Draw,
  type DrawOptions,
  StandardNormal,
} from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { Module } from '../nn/index.ts';
import { add, expand, mean, neg, reshape, sub } from '../ops/index.ts';
import { type Bijection, eventSize, type Mapped } from './bijection.ts';

export interface SampleOptions extends DrawOptions {
  /** [draws, C], of conditional flows. */
  readonly context?: Tensor;
}

/** Log-densities [B], and the assignments that a training step makes. */
export interface Lesson {
  readonly logProb: Tensor;
  readonly effects: readonly Tensor[];
}

/**
 * x = forward(z), z drawn from the base.
 *
 * ```ts
 * const flow = new flows.Flow(new flows.ActNorm([2]));
 * flow.draw([5]).value.shape // [5, 2]
 * flow.logProb(ops.zeros([3, 2])).shape // [3]
 * ```
 */
export class Flow extends Module implements Density {
  readonly bijection: Bijection;
  readonly base: Density;

  /** @param base of vectors; default: N(0, I) */
  constructor(bijection: Bijection, base?: Density) {
    super();
    this.bijection = bijection;
    this.base = base ?? new StandardNormal([eventSize(bijection.shape)]);
  }

  /** Extents of a data point. */
  get shape(): Shape {
    return this.bijection.dataShape;
  }

  /**
   * log p(x) = log p(z) + log |det ∂z/∂x| in nats, for x [..., ...shape]: [...].
   *
   * @throws LatentGpuError `shape-mismatch` for what does not end in the shape of a data point
   */
  logProb(x: Tensor, context?: Tensor): Tensor {
    if (x.shape.slice(-this.shape.length).join() !== this.shape.join()) {
      throw new LatentGpuError(
        'shape-mismatch',
        `Flow: its data points are ${formatShape(this.shape)}, and ${x} does not end in one`,
      );
    }
    const rows = reshape(x, [-1, ...this.shape]);
    const logProb = this.weigh(this.bijection.inverse(rows, context));
    return reshape(logProb, x.shape.slice(0, x.rank - this.shape.length));
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

  /**
   * Differentiable draws [...lead, ...shape]; their log-densities cost no more than the draws alone.
   *
   * @throws LatentGpuError `bad-input` for a temperature below 0
   */
  draw(lead: Shape, { context, temperature = 1 }: SampleOptions = {}): Draw {
    if (typeof temperature === 'number' && !(temperature >= 0)) {
      throw new LatentGpuError(
        'bad-input',
        `the temperature is ${temperature}; it must be at least 0`,
      );
    }
    const count = lead.reduce((a, b) => a * b, 1);
    const base = this.base.draw([count], { temperature });
    const events = reshape(base.value, [count, ...this.bijection.shape]);
    const { value, logDet } = this.bijection.forward(events, context);
    return {
      value: reshape(value, [...lead, ...this.shape]),
      logProb: () => reshape(sub(base.logProb(), logDet), lead),
      pathwise: base.pathwise,
    };
  }

  private weigh({ value, logDet }: Mapped): Tensor {
    const batch = value.shape[0] as number;
    return expand(add(this.base.logProb(reshape(value, [batch, -1])), logDet), [batch]);
  }
}

/**
 * Mean of -log p(x) over a batch.
 *
 * ```ts
 * const flow = new flows.Flow(new flows.Squeeze([2, 2, 1]));
 * flows.negativeLogLikelihood(flow, ops.zeros([3, 2, 2, 1])) // 3.6758
 * ```
 */
export function negativeLogLikelihood(flow: Flow, x: Tensor, context?: Tensor): Tensor {
  return neg(mean(flow.logProb(x, context)));
}
