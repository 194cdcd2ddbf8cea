// What an objective gives: a bound, and what to differentiate for its gradient.
import type { Tensor } from '../graph/tensor.ts';

export interface BoundTerms {
  /** The bound, [B], in nats. */
  readonly bound: Tensor;
  /** E_q log p(x | z), [B]. */
  readonly reconstruction: Tensor;
  /** KL(q ‖ p) or its estimate, [B]. */
  readonly kl: Tensor;
}

export interface Estimate extends BoundTerms {
  /**
   * What to raise, [B]. The gradient of its mean is the estimate of the gradient of the bound's; its value
   * need not be the bound, and is the same tensor where one serves for both.
   */
  readonly surrogate: Tensor;
  /** Scalars worth recording. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** What a step leaves behind in buffers: moving averages, multipliers. */
  readonly effects?: readonly Tensor[];
}
