// Axes of codes in which clusters with covariances of their own have as good as diagonal ones.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { lowerInverse } from '../../../flows/matrices.ts';
import { eigen } from '../../eigen.ts';
import { unpack } from '../gmm/m-step.ts';

/** Components with a full covariance each, as EM leaves them. */
export interface FullMixture {
  /** log π up to a constant, [K]. */
  readonly logits: Float32Array;
  /** [K, M]. */
  readonly mean: Float32Array;
  /** P with Σ⁻¹ = Pᵀ P: lower triangles with the logarithm of their diagonals, [K, M, M]. */
  readonly factor: Float32Array;
}

export interface Axes {
  /** A of codes A z, and its inverse, [M, M]. */
  readonly to: Matrix;
  readonly from: Matrix;
  /** Means A μ_c and log deviations, ½ log diag(A Σ_c Aᵀ), [K, M]. */
  readonly mean: Float32Array;
  readonly logStd: Float32Array;
}

/**
 * Fisher's discriminant axes of a mixture, in float64: with W = Σ_c π_c Σ_c within components and B the
 * covariance of their means, A W Aᵀ = I and A B Aᵀ is diagonal. A prior of diagonal covariances loses least of the
 * mixture there: along other axes, what components' covariances have in common is lost.
 */
export function discriminantAxes({ logits, mean, factor }: FullMixture): Axes {
  const components = logits.length;
  const size = mean.length / components;
  const weights = softmax(logits);
  const means = Array.from({ length: components }, (_, c) => {
    return Matrix.columnVector(mean.subarray(c * size, (c + 1) * size));
  });
  const covariances = Array.from({ length: components }, (_, c) => {
    return covarianceOf(factor.subarray(c * size * size, (c + 1) * size * size), size);
  });
  const mixed = (each: (c: number) => Matrix) =>
    weights.reduce(
      (sum, weight, c) => sum.add(each(c).clone().mul(weight)),
      each(0).clone().mul(0),
    );
  const within = mixed((c) => covariances[c] as Matrix);
  const centre = mixed((c) => means[c] as Matrix);
  const between = mixed((c) => {
    const off = Matrix.sub(means[c] as Matrix, centre);
    return off.mmul(off.transpose());
  });
  const lower = new CholeskyDecomposition(within).lowerTriangularMatrix;
  const whitening = inverseOf(Float64Array.from(lower.to1DArray()), size);
  const whitened = whitening.mmul(between).mmul(whitening.transpose());
  const { vectors } = eigen(Float64Array.from(whitened.to1DArray()), size);
  const turn = Matrix.from1DArray(size, size, Array.from(vectors));
  const to = turn.mmul(whitening);
  const rows = (each: (c: number) => number[]) =>
    Float32Array.from(weights.flatMap((_, c) => each(c)));
  return {
    to,
    from: lower.mmul(turn.transpose()),
    mean: rows((c) => to.mmul(means[c] as Matrix).to1DArray()),
    logStd: rows((c) => {
      const turned = to.mmul(covariances[c] as Matrix).mmul(to.transpose());
      return turned.diagonal().map((variance) => 0.5 * Math.log(variance));
    }),
  };
}

/** (Pᵀ P)⁻¹. */
function covarianceOf(packed: Float32Array, size: number): Matrix {
  const inverse = inverseOf(unpack(packed, size), size);
  return inverse.mmul(inverse.transpose());
}

const inverseOf = (lower: Float64Array, size: number): Matrix =>
  Matrix.from1DArray(size, size, Array.from(lowerInverse(lower, size)));

/** π of its logarithms. */
export function softmax(logits: Float32Array): number[] {
  const weights = Array.from(logits, Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}
