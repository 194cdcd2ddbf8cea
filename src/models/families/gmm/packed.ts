// Lower triangles that are kept with the logarithm of their diagonal, so that every number makes one.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, equalUint, exp, iota, mul, reshape, triangle } from '../../../ops/index.ts';

/** P [..., D, D] of packed factors. */
export function unpacked(factor: Tensor): Tensor {
  return add(triangle(factor, { strict: true }), mul(exp(factor), identity(factor)));
}

/** I of a matrix's extent, [D, D]. */
export function identity(matrix: Tensor): Tensor {
  const n = matrix.shape.at(-1) as number;
  return equalUint(iota(n), reshape(iota(n), [n, 1]));
}
