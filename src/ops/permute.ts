// Columns in another order.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { permuteColumns as permuteColumnsKernel } from '../kernels/shaders.gen.ts';
import { checkTypes } from './operand-type.ts';

const WORKGROUP = 64;

const permuteOp = defineOp({
  name: 'permuteColumns',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [, index, inverse] = [...node.inputs, node.attrs.inverse] as Tensor[];
    return [permuteColumns(gradient, inverse as Tensor, index as Tensor), undefined];
  },
  reference: ([x, index], node) => {
    const result = ndarray(node.shape);
    const width = node.shape.at(-1) as number;
    const [from, order] = [(x as NdArray).data, (index as NdArray).data];
    for (let i = 0; i < node.size; i++) {
      const column = order[i % width] as number;
      result.data[i] = column < width ? (from[i - (i % width) + column] as number) : Number.NaN;
    }
    return result;
  },
  kernel: (node) => {
    const width = node.shape.at(-1) as number;
    return {
      shader: permuteColumnsKernel,
      constants: { ROWS: node.size / width, WIDTH: width, WORKGROUP },
      workgroups: Math.ceil(node.size / WORKGROUP),
      flops: 0,
    };
  },
});

/**
 * The last axis of `x` [..., D] in another order: y[..., i] = x[..., index[i]].
 *
 * ```ts
 * const [index, inverse] = [1, 2].map((by) => modUint(addUint(iota(3), by), 3));
 * permuteColumns(toFloat(iota(3)), index, inverse) // [1, 2, 0]
 * ```
 *
 * @param index a permutation of 0 … D - 1, unsigned [D]
 * @param inverse its inverse, which gradients take
 * @throws LatentGpuError `shape-mismatch`
 */
export function permuteColumns(x: Tensor, index: Tensor, inverse: Tensor): Tensor {
  checkTypes('permuteColumns', [x]);
  const width = x.shape.at(-1);
  for (const order of [index, inverse]) {
    if (order.rank === 1 && order.dtype === 'u32' && order.size === width) continue;
    const why = `${order} is no unsigned permutation of the columns of ${x}`;
    throw new LatentGpuError('shape-mismatch', `permuteColumns: ${why}`);
  }
  return new Tensor(permuteOp, [x, index], x.shape, 'f32', { inverse });
}
