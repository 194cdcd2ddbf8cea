// The operands of products: which views a product kernel reads as they stand.
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';
import { type Access, isVirtual } from './access.ts';

/** What a product kernel can read: rows or columns with unit stride, one stride over the batch. */
export interface Operand {
  readonly base: Tensor;
  readonly transposed: boolean;
  readonly ld: number;
  readonly offset: number;
  readonly batchStride: number;
}

/**
 * The operand of a product as its kernel reads it, or undefined if it has to be copied first.
 *
 * @param isRight it may be kept as halves, as the weights of a layer are
 */
export function operandOf(access: Access, batch: Shape, isRight = false): Operand | undefined {
  const operand = stridedOperand(access, batch);
  if (!operand || !isHalf(access.base)) return operand;
  const { ld, offset, batchStride } = operand;
  const inQuads = [ld, offset, batchStride].every((count) => count % 4 === 0);
  return isRight && inQuads ? operand : undefined;
}

function stridedOperand(access: Access, batch: Shape): Operand | undefined {
  const rank = access.shape.length;
  const lead = batch.length - (rank - 2);
  let batchStride = 0;
  let expected: number | undefined;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const extent = batch[axis] as number;
    if (extent === 1) continue;
    const stride = axis < lead ? 0 : (access.strides[axis - lead] as number);
    if (expected === undefined) batchStride = stride;
    else if (stride !== expected) return undefined;
    expected = stride * extent;
  }
  const [rows, columns] = access.shape.slice(-2) as [number, number];
  const [rowStride, columnStride] = access.strides.slice(-2) as [number, number];
  const shared = { base: access.base, offset: access.offset, batchStride };
  if (access.base.dtype !== 'f32' || isVirtual(access.base)) return undefined;
  if (columnStride === 1 || columns === 1) {
    if (rows > 1 && rowStride < columns) return undefined;
    if (columns > 1 || rowStride === 1 || rows === 1) {
      return { ...shared, transposed: false, ld: rows === 1 ? columns : rowStride };
    }
  }
  if (rowStride === 1 || rows === 1) {
    if (columns > 1 && columnStride < rows) return undefined;
    return { ...shared, transposed: true, ld: columns === 1 ? rows : columnStride };
  }
  // One column of a wider matrix: a [rows, 1] matrix with a long row stride.
  if (columns === 1 && rowStride > 1) return { ...shared, transposed: false, ld: rowStride };
  return undefined;
}
