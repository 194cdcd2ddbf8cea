// Where codes come from.
import type { Density } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module } from '../../nn/index.ts';

export abstract class PriorPart extends Module {
  /** The name that its tensors have in a model; of a part without tensors it does not matter. */
  readonly tensors: string = 'prior';
  /** Whether it is N(0, I). */
  abstract readonly isStandard: boolean;
  /** p(z). */
  abstract readonly density: Density;
  /** Codes [B, M] for noise [B, M] ~ N(0, I), or by noise of its own. */
  abstract codes(noise: Tensor): Tensor;
}
