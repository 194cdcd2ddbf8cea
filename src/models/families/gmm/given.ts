// What is missing of rows, given what is seen of them and the component: a normal's conditional.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  cholesky,
  exp,
  expand,
  log,
  matmul,
  mul,
  neg,
  reshape,
  sub,
  sum,
  transpose,
  triangularInverse,
} from '../../../ops/index.ts';
import { identityOf, unpacked } from './packed.ts';

/** Of rows [B, D] under K components. */
export interface Given {
  /** E[x - μ | what is seen], [1, K, B, D]: what is seen stays as it is. */
  readonly filled: Tensor;
  /** What a density of what is seen has in place of log det P, [1, K | 1, B]. */
  readonly logDet: Tensor;
  /** What a draw has beside that mean, for noise [1, 1, B, D]: [1, K | 1, B, D], 0 where it is seen. */
  spread(noise: Tensor): Tensor;
  /** Σ_b r P C Pᵀ of the covariances C that it has about that mean, as factors are shaped; r is [1, K, B]. */
  variation(belongs: Tensor): Tensor;
}

/** @param seen x - μ, [1, K, B, D], and 0 where nothing is seen */
export type GivenSeen = (factor: Tensor, seen: Tensor, mask: Tensor) => Given;

/**
 * With Λ = Pᵀ P, o what is seen and m what is missing, x_m | x_o is normal about -Λ_mm⁻¹ Λ_mo x_o with the
 * covariance Λ_mm⁻¹ (Bishop 2006, 2.73, 2.75), and p(x_o) is p(x_o, x_m) over p(x_m | x_o) wherever x_m lies:
 * at that mean, the latter is √|Λ_mm| / (2π)^(m/2). Where a row is seen, Λ_mm has the rows of I.
 */
export const givenByMatrix: GivenSeen = (factor, seen, mask) => {
  const [rows, d] = mask.shape as [number, number];
  const copies = factor.shape[1] as number;
  const root = unpacked(factor);
  const precision = matmul(transpose(root), root);
  const hidden = sub(1, mask);
  const both = mul(reshape(hidden, [rows, d, 1]), reshape(hidden, [rows, 1, d]));
  const own = mul(both, reshape(precision, [copies, 1, d, d]));
  const lower = cholesky(add(own, mul(reshape(mask, [rows, 1, d]), identityOf(own))));
  const inverse = triangularInverse(lower);
  const pull = mul(hidden, matmul(seen, precision));
  const column = reshape(pull, [...pull.shape.slice(1), 1]);
  const pulled = matmul(transpose(inverse), matmul(inverse, column));
  const logDet = sub(
    sum(mul(factor, identityOf(factor)), [-1, -2], { keepDims: true }),
    reshape(sum(log(sum(mul(lower, identityOf(lower)), -1)), -1), [1, copies, rows, 1]),
  );
  return {
    filled: sub(seen, mul(hidden, reshape(pulled, pull.shape))),
    logDet: reshape(logDet, [1, copies, rows]),
    spread: (noise) => {
      const line = reshape(noise, [1, rows, 1, d]);
      return mul(hidden, reshape(matmul(line, inverse), [1, copies, rows, d]));
    },
    variation: (belongs) => {
      // C = V Vᵀ with V = H L⁻ᵀ, H the rows that are missing: (P V)ᵀ of all rows, one under the other.
      const components = belongs.shape[1] as number;
      const missing = mul(inverse, reshape(hidden, [rows, 1, d]));
      const sides = matmul(
        reshape(missing, [1, copies, rows * d, d]),
        reshape(transpose(root), [1, copies, d, d]),
      );
      const share = copies === components ? belongs : sum(belongs, 1, { keepDims: true });
      const weights = expand(reshape(share, [1, copies, rows, 1]), [1, copies, rows, d]);
      const weighed = mul(sides, reshape(weights, [1, copies, rows * d, 1]));
      return matmul(transpose(weighed), sides);
    },
  };
};

/** Features that do not depend on each other say nothing of what is missing, whose variance is their own. */
export const givenByScale: GivenSeen = (factor, seen, mask) => ({
  filled: seen,
  logDet: sum(mul(mask, factor), -1),
  spread: (noise) => mul(sub(1, mask), mul(noise, exp(neg(factor)))),
  variation: (belongs) => {
    const each = matmul(belongs, sub(1, mask));
    const shaped = reshape(each, [1, each.shape[1] as number, 1, each.shape[2] as number]);
    return factor.shape[3] === 1 ? sum(shaped, -1, { keepDims: true }) : shaped;
  },
});
