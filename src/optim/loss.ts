// What a step lowers, and what it leaves behind.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Followed } from './followed.ts';

export interface LossTerms {
  /** Scalar to be lowered, and recorded. */
  readonly loss: Tensor;
  /** Scalar whose gradients lower the loss, where they are not the loss's own: an estimator's. */
  readonly surrogate?: Tensor;
  /** Scalars to be recorded beside it. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** What else the step leaves behind, in buffers of the model (running statistics) or in `state`. */
  readonly effects?: readonly Tensor[];
  /** Tensors beside the parameters whose gradients some effects use: rows of a table. */
  readonly also?: readonly Followed[];
  /**
   * Variables of the loss itself, by name, without which a run could not go on with the same bits:
   * multipliers, moving averages. Buffers of the model need no mention.
   */
  readonly state?: Readonly<Record<string, Variable>>;
}
