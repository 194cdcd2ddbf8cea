// Lower triangles that are kept with the logarithm of their diagonal, so that every number makes one.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, exp, identity, mul, triangle } from '../../../ops/index.ts';

/** P [..., D, D] of packed factors. */
export function unpacked(factor: Tensor): Tensor {
  return add(triangle(factor, { strict: true }), mul(exp(factor), identityOf(factor)));
}

/** I of a matrix's extent, [D, D]. */
export const identityOf = (matrix: Tensor): Tensor => identity(matrix.shape.at(-1) as number);
