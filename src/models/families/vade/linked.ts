// Rows whose cluster is known from the start, because they hang together, and what keeps them in it.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { gather, mul, oneHot, reshape, sum } from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';

/**
 * The bound alone hardly moves rows between clusters, and lets those go that lie side by side: a row that is known to
 * be of cluster c adds a log q(c | x), as labelled rows do in Kingma et al. 2014 (equation 9).
 */
export class LinkedRows {
  /** The cluster of each training row, [N, 1], unsigned; as many as there are clusters: of none that is known. */
  readonly clusters: Variable;
  private readonly count: number;

  /** @param rows N; @param count of clusters */
  constructor(rows: number, count: number) {
    this.count = count;
    this.clusters = variable('linked', [rows, 1], {
      dtype: 'u32',
      init: ([length]) => new Uint32Array(length as number).fill(count),
    });
  }

  /** @param parts the cluster of each row, [N]; below 0 where it is not known */
  tell(runtime: Runtime, parts: ArrayLike<number>): void {
    const { count } = this;
    runtime.write(
      this.clusters,
      Uint32Array.from(parts, (part) => (part < 0 ? count : part)),
    );
  }

  /**
   * log q(c | x) of the cluster c that a row is known to be of, 0 of others: [B].
   *
   * @param logBelongs log q(c | x), [B, K]
   * @param rows their numbers in the training data, [B], unsigned
   */
  logTold(logBelongs: Tensor, rows: Tensor): Tensor {
    const told = reshape(gather(this.clusters, rows), [rows.size]);
    return sum(mul(oneHot(told, this.count), logBelongs), 1);
  }
}
