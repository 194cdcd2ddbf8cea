// What a pass of EM adds up on the GPU: of whole rows, and of rows with holes.
import { inverse, Matrix } from 'ml-matrix';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { concat, full, matmul, reshape, square, sum, transpose } from '../../../ops/index.ts';
import type { Before, FeatureSums, PassSums } from './m-step.ts';
import { codeCovariance, type Parameters, type Posterior } from './posterior.ts';

type Name = 'cross' | 'codes' | 'spread' | 'left';

/** Sums of one kind of rows, by the names of the variables that hold them. */
export interface Statistics {
  readonly held: Readonly<Partial<Record<Name, Variable>>>;
  /** A batch's part of each. */
  of(posterior: Posterior, mask?: Tensor): Readonly<Partial<Record<Name, Tensor>>>;
  /** @param read what a pass over `rows` rows has left in each */
  sums(
    read: (name: Name) => Float64Array,
    rows: number,
    before: Before & { readonly variance: number },
  ): PassSums;
}

/** (ẑ, 1), [B, M + 1], e (ẑ, 1)ᵀ and eᵀe. */
function crossOf({ code, residual }: Posterior) {
  const augmented = concat([code, full([code.shape[0] as number, 1], 1)], 1);
  return {
    augmented,
    cross: matmul(transpose(residual), augmented),
    left: sum(square(residual)),
  };
}

/** Every feature is seen in every row, and all posteriors have one covariance, σ² M⁻¹. */
export function ofWhole(features: number, latent: number): Statistics {
  const wide = latent + 1;
  return {
    held: {
      cross: variable('cross', [features, wide]),
      codes: variable('codes', [wide, wide]),
      left: variable('left', []),
    },
    of: (posterior) => {
      const { augmented, cross, left } = crossOf(posterior);
      return { cross, left, codes: matmul(transpose(augmented), augmented) };
    },
    sums: (read, rows, { weight, variance }) => {
      const w = matrixOf(weight, features, latent);
      const gram = w.transpose().mmul(w).add(Matrix.eye(latent).mul(variance));
      const spread = inverse(gram).mul(rows * variance);
      const every = featureSums(matrixOf(read('codes'), wide, wide), spread);
      return {
        ...{ cross: read('cross'), left: read('left')[0] as number, seen: rows * features },
        of: () => every,
      };
    },
  };
}

/** Each feature has the rows where it is seen, and each row the posterior of what is seen of it. */
export function ofSeen(features: number, latent: number, parameters: Parameters): Statistics {
  const wide = latent + 1;
  return {
    held: {
      cross: variable('cross', [features, wide]),
      codes: variable('codes', [features, wide * wide]),
      spread: variable('spread', [features, latent * latent]),
      left: variable('left', []),
    },
    of: (posterior, mask) => {
      const { augmented, cross, left } = crossOf(posterior);
      const rows = augmented.shape[0] as number;
      const squares = matmul(
        reshape(augmented, [rows, wide, 1]),
        reshape(augmented, [rows, 1, wide]),
      );
      const known = transpose(mask as Tensor);
      const covariance = codeCovariance(parameters, mask as Tensor);
      return {
        cross,
        left,
        codes: matmul(known, reshape(squares, [rows, wide * wide])),
        spread: matmul(known, reshape(covariance, [rows, latent * latent])),
      };
    },
    sums: (read) => {
      const [codes, spread] = [read('codes'), read('spread')];
      const part = (of: Float64Array, d: number, n: number) =>
        matrixOf(of.subarray(d * n * n, (d + 1) * n * n), n, n);
      // Of each feature 1 · 1 is summed, too.
      let seen = 0;
      for (let d = 0; d < features; d++) seen += codes[(d + 1) * wide * wide - 1] as number;
      return {
        ...{ cross: read('cross'), left: read('left')[0] as number, seen },
        of: (d) => featureSums(part(codes, d, wide), part(spread, d, latent)),
      };
    },
  };
}

const matrixOf = (values: Float64Array, rows: number, columns: number): Matrix =>
  Matrix.from1DArray(rows, columns, values);

/** Symmetric to the last bit, as sums of products of float32 are not. */
function featureSums(products: Matrix, variation: Matrix): FeatureSums {
  const [codes, spread] = [products, variation].map((half) =>
    Matrix.add(half, half.transpose()).mul(0.5),
  ) as [Matrix, Matrix];
  for (let i = 0; i < spread.rows; i++) {
    for (let j = 0; j < spread.columns; j++) codes.set(i, j, codes.get(i, j) + spread.get(i, j));
  }
  return { codes, spread };
}
