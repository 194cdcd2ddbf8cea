// The interface of distributions. The last axis is the event: log-densities are summed over it.
import type { Tensor } from '../graph/tensor.ts';
import { sum, where } from '../ops/index.ts';

export interface Distribution {
  /**
   * log p(x) in nats, summed over the last axis: x [..., D] to [...]. Leading axes broadcast.
   *
   * @param mask [..., D], 1 where a value is known and 0 where it is missing, which does not count
   */
  logProb(x: Tensor, mask?: Tensor): Tensor;
  /** Draws of the shape of the parameters, or with axes of the given extents in front of it. */
  sample(lead?: readonly number[]): Tensor;
  /** The mean, of the shape of the parameters. */
  readonly mean: Tensor;
  /** What it is given by, beside its mean. */
  readonly parameters?: readonly Parameter[];
}

/** A parameter of a distribution, for whoever takes its numbers elsewhere. */
export interface Parameter {
  /** The field's name: `std`, `logits`. */
  readonly name: string;
  /** What it is, in words. */
  readonly about: string;
  readonly of: Tensor;
  /** Whether it is as large as the data's unit makes it: a deviation. */
  readonly isScale?: boolean;
}

/** A distribution whose draws are differentiable functions of its parameters. */
export interface Reparameterized extends Distribution {
  rsample(lead?: readonly number[]): Tensor;
  /** Entropy in nats, summed over the last axis. */
  entropy(): Tensor;
}

/** The sum over the last axis of what is known, whatever the rest may hold. */
export function sumOfSeen(each: Tensor, mask: Tensor | undefined): Tensor {
  return sum(mask ? where(mask, each, 0) : each, -1);
}
