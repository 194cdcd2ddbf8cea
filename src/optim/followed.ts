// Tensors beside the parameters whose gradients a step uses: the rows of a table that a batch touches.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Optimizer } from './optimizers.ts';

/** The update of the parameters that goes on in the same step. */
export interface UpdateContext {
  readonly optimizer: Optimizer;
  /** Scalar. */
  readonly learningRate: Tensor;
  /** 1, or 0 where the update is to leave everything as it is (float32 scalar). */
  readonly usable: Tensor;
}

export interface Followed {
  /** What the loss depends on. */
  readonly of: Tensor;
  /**
   * Effects that use its gradient, clipped as that of the parameters is. What they leave in variables of
   * role `state` is the optimizer's: it is part of a run's state.
   */
  update(gradient: Tensor, context: UpdateContext): readonly Tensor[];
}

/**
 * The variables of a role that effects write.
 *
 * ```ts
 * const total = variable('total', [], { role: 'state' });
 * optim.targetsOf([ops.assign(total, ops.constant(1))], 'state').length // 1
 * ```
 */
export function targetsOf(effects: readonly Tensor[], role: 'state' | 'buffer'): Variable[] {
  const targets = effects.map(({ attrs }) => attrs.target as Variable);
  return [...new Set(targets)].filter((target) => target.role === role);
}
