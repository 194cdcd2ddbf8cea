// Control variates of the score function: what is taken from its signal, so that the gradient varies less
// and is the same in the mean. Mnih and Gregor 2014.
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, MLP, Module } from '../nn/index.ts';
import {
  add,
  assign,
  div,
  maximum,
  mean,
  mul,
  reshape,
  square,
  stopGradient,
  sub,
} from '../ops/index.ts';

/** What a baseline says of a batch, before its draws are known. */
export interface Baselined {
  /** Taken from the signal: a scalar, or [B]. */
  readonly value: Tensor;
  /** Added to the surrogate, [B], so that the baseline learns. */
  readonly lesson?: Tensor;
  readonly effects?: readonly Tensor[];
}

export interface Baseline {
  /**
   * @param x data points [B, D]
   * @param signal what is to be predicted, [B]: the mean over each data point's draws
   */
  of(x: Tensor, signal: Tensor): Baselined;
}

/** How much of the average stays at a step. */
const DECAY = 0.95;
const TINY = 1e-6;

/**
 * The moving average of the signal over the steps before, in two buffers: the decayed sum, and the
 * decayed count by which it is divided, so that the first steps are not drawn to zero.
 *
 * @example new objectives.MeanBaseline().of(ops.zeros([32, 784]), ops.zeros([32])).effects?.length // 2
 */
export class MeanBaseline extends Module implements Baseline {
  readonly total: Variable;
  readonly weight: Variable;

  constructor() {
    super();
    const buffer = (name: string) => variable(name, [], { role: 'buffer', init: constantInit(0) });
    this.total = buffer('total');
    this.weight = buffer('weight');
  }

  of(_x: Tensor, signal: Tensor): Baselined {
    const next = (old: Variable, now: Tensor | number) =>
      assign(old, add(mul(DECAY, old), mul(1 - DECAY, now)));
    return {
      value: div(this.total, maximum(this.weight, TINY)),
      effects: [next(this.total, mean(stopGradient(signal))), next(this.weight, 1)],
    };
  }
}

/**
 * A net that is told x, and learns the signal by least squares with the model's own optimizer.
 *
 * @example new objectives.NetworkBaseline(784).of(ops.zeros([32, 784]), ops.zeros([32])).value.shape // [32]
 */
export class NetworkBaseline extends Module implements Baseline {
  readonly net: MLP;

  /** @param features D */
  constructor(features: number, hidden: readonly number[] = [100]) {
    super();
    this.net = new MLP([features, ...hidden, 1], 'tanh', { zeroOutput: true });
  }

  of(x: Tensor, signal: Tensor): Baselined {
    const predicted = reshape(this.net.call(x), [-1]);
    const lesson = mul(-0.5, square(sub(stopGradient(signal), predicted)));
    return { value: stopGradient(predicted), lesson };
  }
}
