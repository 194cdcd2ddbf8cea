// Numbers of their own for each row of the data: a mean and a deviation for each, say, where an encoder
// would give them. A step touches the rows of its batch alone, however many there are.
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import { Module } from '../nn/index.ts';
import {
  add,
  addRows,
  concat,
  full,
  gather,
  greater,
  iota,
  mul,
  scatterRows,
  where,
} from '../ops/index.ts';
import { firstOf } from './first-of.ts';
import type { Followed, FollowedTable, Learned, UpdateContext } from './followed.ts';

export interface RowTableOptions {
  /** Rows of the training data, N. */
  readonly rows: number;
  /** Numbers for each, P. */
  readonly width: number;
  /** Default: zeros. */
  readonly init?: Initializer;
}

/**
 * A table [N, P] that learns by rows. It is a buffer of the model, saved with its weights.
 *
 * ```ts
 * const table = new optim.RowTable({ rows: data.count, width: 2 * latent });
 * const loss = (batch: Batch) => {
 *   const own = table.follow(batch.rows as Tensor); // own.of [B, P]
 *   return { loss: lossGiven(own.of, batch.x), also: [own] };
 * };
 * ```
 */
export class RowTable extends Module implements FollowedTable {
  readonly values: Variable;

  constructor({ rows, width, init }: RowTableOptions) {
    super();
    this.values = variable('values', [rows, width], {
      role: 'buffer',
      init: init ?? (([n, p]) => new Float32Array((n as number) * (p as number))),
    });
  }

  /**
   * The rows of a batch, and how they learn: by the optimizer of the parameters, whose moments and whose
   * count of updates each row has for itself, so that a row that waits stands still ("lazy" Adam).
   *
   * Rows that are followed in several places of a step learn once, by the sum of their gradients.
   *
   * @param rows numbers of rows [B], unsigned, each at most once
   */
  follow(rows: Tensor): Followed {
    const of = gather(this.values, rows);
    const update: Followed['update'] = (gradient, context) =>
      this.learn({ rows, of, gradient }, context);
    return { of, table: this, index: rows, update };
  }

  /** @param parts what was followed of this table in one step, with gradients [B, P] */
  joined(parts: readonly Learned[]): Learned {
    const count = this.values.shape[0] as number;
    const index = concat(parts.map(({ followed }) => followed.index as Tensor));
    const gradients = concat(
      parts.map(({ gradient }) => gradient),
      0,
    );
    if (index.size > count) return this.joinedWhole(index, gradients);
    const first = firstOf(index);
    const followed = this.follow(index);
    return {
      // Once: a norm of all gradients has them as they add up.
      gradient: addRows(gradients, first, index.size),
      // Equal ones write the same numbers.
      followed: {
        ...followed,
        update: (gradient, context) => followed.update(gather(gradient, first), context),
      },
    };
  }

  /** Of more rows than the table has: all of it, of which those that are named move. */
  private joinedWhole(index: Tensor, gradients: Tensor): Learned {
    const count = this.values.shape[0] as number;
    const isNamed = greater(addRows(full([index.size, 1], 1), index, count), 0);
    const followed = this.follow(iota(count));
    return {
      gradient: addRows(gradients, index, count),
      followed: {
        ...followed,
        update: (gradient, context) =>
          followed.update(gradient, { ...context, usable: mul(context.usable, isNamed) }),
      },
    };
  }

  private learn(
    { rows, of, gradient }: Record<'rows' | 'of' | 'gradient', Tensor>,
    { optimizer, learningRate, usable }: UpdateContext,
  ): Tensor[] {
    const { values } = this;
    const [count, width] = values.shape as [number, number];
    const tables = optimizer.state.map((name) => variable(name, [count, width]));
    const updates = variable('updates', [count, 1]);
    const done = gather(updates, rows);
    const old = Object.fromEntries(tables.map((table) => [table.name, gather(table, rows)]));
    const next = optimizer.update({
      parameters: of,
      gradient,
      learningRate,
      count: add(done, 1),
      state: old,
    });
    const put = (table: Variable, value: Tensor, before: Tensor) =>
      scatterRows(table, rows, where(usable, value, before));
    return [
      put(values, next.parameters, of),
      ...tables.map((table) =>
        put(table, next.state[table.name] as Tensor, old[table.name] as Tensor),
      ),
      put(updates, add(done, 1), done),
    ];
  }
}
