// What an encoder's numbers mean: the distribution of the code that they describe.
import type { Tensor } from '../../graph/tensor.ts';
import { Module } from '../../nn/index.ts';
import type { Posterior } from '../../objectives/index.ts';

/**
 * q(z | x) as a part of a model: which posterior an encoder's numbers describe.
 *
 * ```ts
 * const part = makePosterior({ kind: 'normal' }, { kind: 'normal' }, 3);
 * part.of(ops.zeros([5, part.width])).mean.shape // [5, 3]
 * ```
 */
export abstract class PosteriorPart extends Module {
  /** Numbers that describe the posterior of one data point. */
  abstract readonly width: number;
  /** The name that its tensors have in a model; of a part without tensors it does not matter. */
  readonly tensors: string = 'posterior';
  /** q(z | x) by the numbers [B, width]. */
  abstract of(numbers: Tensor): Posterior;
}
