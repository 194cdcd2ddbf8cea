// The interface of distributions. The last axis is the event: log-densities are summed over it.
import { LatentGpuError } from '../errors.ts';
import { named, type Tensor } from '../graph/tensor.ts';
import { constantValue } from '../ops/constant.ts';
import { positive, sum, where } from '../ops/index.ts';
import { checkTensor } from '../ops/operand-type.ts';

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

/** @throws LatentGpuError `bad-input` for parameters that are no tensors */
export function checkParameters(what: string, ...parameters: readonly Tensor[]): void {
  for (const parameter of parameters) checkTensor(`${what}, its parameters`, parameter);
}

/**
 * A parameter that has to be above 0. Where it is not, it is NaN under its own name, and so is all that is made of it.
 *
 * @throws LatentGpuError `bad-input` for a constant that is not
 */
export function aboveZero(what: string, name: string, x: Tensor): Tensor {
  const value = constantValue(x);
  if (value === undefined) return named(positive(x), `${name} of ${what}`);
  if (value > 0) return x;
  throw new LatentGpuError('bad-input', `${what}: the ${name} is ${value}; it has to be above 0`);
}

/** What stands for the logarithm of 0: float32 adds up a hundred million of them. */
export const NOWHERE = -1e30;

/** The sum over the last axis of what is known, whatever the rest may hold. */
export function sumOfSeen(each: Tensor, mask: Tensor | undefined): Tensor {
  return sum(mask ? where(mask, each, 0) : each, -1);
}
