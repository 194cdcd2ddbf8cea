// Rows of a matrix picked by index, and their adjoint: how a batch leaves a data set that lies on the GPU,
// and how rows of an embedding learn.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { checkShape } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { addRows as addRowsKernel } from '../kernels/shaders.gen.ts';
import { evaluate } from './evaluate.ts';
import { NOWHERE } from './integers.ts';

const WORKGROUP = 64;

const gatherOp = defineOp({
  name: 'gather',
  kind: 'gather',
  vjp: ({ inputs: [table, index] }, gradient) =>
    table?.dtype === 'f32'
      ? [addRows(gradient, index as Tensor, table.shape[0] as number), undefined]
      : [undefined, undefined],
  reference: ([table, index], node) => {
    const rows = table as NdArray;
    const width = rows.shape[1] as number;
    const result = ndarray(node.shape);
    const beyond = node.dtype === 'u32' ? NOWHERE : Number.NaN;
    (index as NdArray).data.forEach((row, i) => {
      for (let j = 0; j < width; j++) {
        result.data[i * width + j] = rows.data[row * width + j] ?? beyond;
      }
    });
    return result;
  },
});

/** Elements of an index that is known when the graph is built, up to which it is looked through. */
const LOOKED_THROUGH = 65_536;

/** The first element of an index, made of constants and counts alone, that a table of `count` rows has not. */
function beyond(index: Tensor, count: number): number | undefined {
  if (index.size > LOOKED_THROUGH) return undefined;
  const isKnown = topological([index]).every(
    ({ op }) => op.reference && ['constant', 'iota', 'view', 'elementwise'].includes(op.kind),
  );
  return isKnown ? evaluate([index], new Map())[0]?.data.find((row) => row >= count) : undefined;
}

/**
 * Rows of `table` [N, D] at `index` [B] (unsigned integers below N): [B, D]. A table of bytes is
 * read as byte / 255. Its gradient is {@link addRows}. Of an index that is not below N the row is NaN, which a
 * trainer names (4,294,967,295 of a table of unsigned integers); floats become an index by {@link toIndex}.
 *
 * @throws LatentGpuError `shape-mismatch` for what is no table and unsigned indices; `bad-input` for an index of
 *   constants that is not below N
 * @example gather(reshape(toFloat(iota(4)), [2, 2]), toUint(full([3], 1))) // [2, 3, 2, 3, 2, 3]
 */
export function gather(table: Tensor, index: Tensor): Tensor {
  if (table.rank !== 2 || index.rank !== 1 || index.dtype !== 'u32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `gather: needs a table [N, D] and unsigned indices [B], not ${table} and ${index}`,
    );
  }
  const [count, width] = table.shape as [number, number];
  const row = beyond(index, count);
  if (row !== undefined) {
    throw new LatentGpuError(
      'bad-input',
      `gather: index ${row} is beyond the ${count} rows of ${table}; they are numbered from 0`,
    );
  }
  const shape = [index.shape[0] as number, width];
  return new Tensor(gatherOp, [table, index], shape, table.dtype === 'u32' ? 'u32' : 'f32');
}

const addRowsOp = defineOp({
  name: 'addRows',
  kind: 'kernel',
  vjp: ({ inputs: [, index] }, gradient) => [gather(gradient, index as Tensor), undefined],
  reference: ([x, index], node) => {
    const result = ndarray(node.shape);
    const width = node.shape[1] as number;
    (index as NdArray).data.forEach((row, b) => {
      for (let k = 0; k < width; k++) {
        const at = row * width + k;
        result.data[at] = (result.data[at] as number) + ((x as NdArray).data[b * width + k] ?? 0);
      }
    });
    return result;
  },
  kernel: (node, { isSoftware }) => {
    const [COUNT, WIDTH] = node.shape as [number, number];
    const ROWS = node.inputs[1]?.size as number;
    // Without a GPU the index is gone through once a row, not once an element.
    const PART = isSoftware ? WIDTH : 1;
    return {
      shader: addRowsKernel,
      constants: { ROWS, COUNT, WIDTH, PART, WORKGROUP },
      workgroups: Math.ceil((COUNT * Math.ceil(WIDTH / PART)) / WORKGROUP),
      flops: ROWS * WIDTH,
      turns: ROWS + PART,
    };
  },
});

/**
 * Rows x [B, D] added up by `index` [B] (unsigned integers below `count`, as often as they come): [count, D],
 * zeros where nothing is added; of an index that is not below `count` the row is left out. Terms are added in the order of the rows: the bits are the same every time.
 *
 * @throws LatentGpuError `shape-mismatch`
 * @example addRows(full([2, 1], 1), iota(2), 3) // [1, 1, 0]
 */
export function addRows(x: Tensor, index: Tensor, count: number): Tensor {
  const [rows, width] = x.shape;
  const fits = x.rank === 2 && index.rank === 1 && index.shape[0] === rows;
  if (!fits || index.dtype !== 'u32' || x.dtype !== 'f32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `addRows: needs rows [B, D] and unsigned indices [B], not ${x} and ${index}`,
    );
  }
  const shape = checkShape('addRows', [count, width as number]);
  return new Tensor(addRowsOp, [x, index], shape, 'f32');
}
