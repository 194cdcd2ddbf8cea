// Rows of a matrix picked by index: how a batch leaves a data set that lives on the GPU.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';

const gatherOp = defineOp({
  name: 'gather',
  kind: 'gather',
  reference: ([table, index], node) => {
    const rows = table as NdArray;
    const width = rows.shape[1] as number;
    const result = ndarray(node.shape);
    (index as NdArray).data.forEach((row, i) => {
      for (let j = 0; j < width; j++) {
        result.data[i * width + j] = rows.data[row * width + j] as number;
      }
    });
    return result;
  },
});

/**
 * Rows of `table` [N, D] at `index` [B] (unsigned integers below N): [B, D]. A table of bytes is
 * read as byte / 255. No gradient flows into the table.
 *
 * @example gather(reshape(toFloat(iota(4)), [2, 2]), toUint(full([3], 1))) // [2, 3, 2, 3, 2, 3]
 */
export function gather(table: Tensor, index: Tensor): Tensor {
  if (table.rank !== 2 || index.rank !== 1 || index.dtype !== 'u32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `gather: needs a table [N, D] and unsigned indices [B], not ${table} and ${index}`,
    );
  }
  const shape = [index.shape[0] as number, table.shape[1] as number];
  return new Tensor(gatherOp, [table, index], shape, table.dtype === 'u32' ? 'u32' : 'f32');
}
