// Embeddings: a row of learned numbers for each of many things.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import { gather, reshape } from '../ops/index.ts';
import { normal } from './initializers.ts';
import { Module } from './module.ts';

/**
 * Rows of a table [N, D], `weight` as PyTorch has it, drawn from N(0, 1). A gradient has a row for each row of
 * the table, zeros where the batch names none, so that an optimizer does with rows that wait what PyTorch's
 * does with dense gradients: Adam's moments fade, and move them on. For tables of which a batch touches
 * little there is `optim.SparseEmbedding`.
 *
 * ```ts
 * const words = new nn.Embedding(5000, 64);
 * const each = words.call(index); // [B, T] to [B, T, 64]
 * ```
 */
export class Embedding extends Module {
  readonly weight: Variable;

  constructor(count: number, width: number, init: Initializer = normal(1)) {
    super();
    this.weight = variable('weight', [count, width], { role: 'parameter', init });
  }

  /**
   * @param index unsigned, of any shape, below N: a row beyond is NaN, and a trainer says so
   * @throws LatentGpuError `shape-mismatch` for other types
   */
  call(index: Tensor): Tensor {
    if (index.dtype !== 'u32') {
      const why = `embedding ${this.weight.name}: ${index} is no unsigned index; cast it with toIndex`;
      throw new LatentGpuError('shape-mismatch', why);
    }
    const rows = gather(this.weight, reshape(index, [-1]));
    return reshape(rows, [...index.shape, this.weight.shape[1] as number]);
  }
}
