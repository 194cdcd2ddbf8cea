// Tensors beside the parameters whose gradients a step uses: the rows of a table that a batch touches.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Optimizer } from './optimizers.ts';

/** The update of the parameters that goes on in the same step. */
export interface UpdateContext {
  readonly optimizer: Optimizer;
  /** Scalar. */
  readonly learningRate: Tensor;
  /** 1, or 0 where the update is to leave everything as it is (float32 scalar, or [B, 1] of rows). */
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
  /** Of rows of a table: it, whose rows learn once a step however often they are followed. */
  readonly table?: FollowedTable;
  /** Their numbers, unsigned [B]. */
  readonly index?: Tensor;
}

/** What rows are of. */
export interface FollowedTable {
  readonly values: Variable;
  /** What stands for rows that are followed several times in a step, given their gradients. */
  joined(parts: readonly Learned[]): Learned;
}

/** What is followed, and its gradient. */
export interface Learned {
  readonly followed: Followed;
  readonly gradient: Tensor;
}

/** The same with each table once: what is followed of it in several places learns together. */
export function joinedByTable(parts: readonly Learned[]): Learned[] {
  const tables = new Map<FollowedTable | Followed, Learned[]>();
  for (const part of parts) {
    const key = part.followed.table ?? part.followed;
    tables.set(key, [...(tables.get(key) ?? []), part]);
  }
  return [...tables.values()].map((own) => {
    const [first] = own as [Learned];
    return own.length === 1 ? first : (first.followed.table?.joined(own) ?? first);
  });
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
