// An embedding whose step touches the rows that a batch names, and no others.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Initializer } from '../graph/variable.ts';
import { normal } from '../nn/index.ts';
import { gather, reshape } from '../ops/index.ts';
import { firstOf } from './first-of.ts';
import type { Followed } from './followed.ts';
import { RowTable } from './row-table.ts';

export interface Looked extends Followed {
  /** The rows that a loss is made of, [..., D]. */
  readonly rows: Tensor;
}

/**
 * A table [N, D] drawn from N(0, 1), of which rows are named as often as they come. Rows learn lazily, as
 * PyTorch's SparseAdam has them: one that no batch names keeps its numbers and its moments. (SparseAdam
 * corrects moments by the steps of all; here each row counts its own.) It is a buffer of the model, saved
 * with its weights; a step costs what the batch costs, however long the table is.
 *
 * ```ts
 * const users = new optim.SparseEmbedding(50_000, 64);
 * const loss = ({ x, labels }: Batch) => {
 *   const own = users.lookup(labels as Tensor);
 *   return { loss: lossGiven(own.rows, x), also: [own] };
 * };
 * ```
 */
export class SparseEmbedding extends RowTable {
  constructor(count: number, width: number, init: Initializer = normal(1)) {
    super({ rows: count, width, init });
  }

  /**
   * @param index unsigned, of any shape, below N; at most N of them
   * @throws LatentGpuError `shape-mismatch`
   */
  lookup(index: Tensor): Looked {
    const [count, width] = this.values.shape as [number, number];
    if (index.dtype !== 'u32' || index.size > count) {
      throw new LatentGpuError(
        'shape-mismatch',
        `lookup: ${index} is no unsigned index of at most the ${count} rows of the table; take nn.Embedding for fewer rows than a batch has`,
      );
    }
    const each = reshape(index, [-1]);
    const first = firstOf(each);
    const { update, ...followed } = this.follow(each);
    const { of } = followed;
    return {
      ...followed,
      // Read by the first of equal ones, whose gradient then is the sum of theirs.
      rows: reshape(gather(of, first), [...index.shape, width]),
      // Equal ones write the same numbers.
      update: (gradient, context) => update(gather(gradient, first), context),
    };
  }
}
