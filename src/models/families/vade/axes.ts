// Axes of codes in which clusters with covariances of their own have as good as diagonal ones.
import { CholeskyDecomposition, determinant, inverse, Matrix, solve } from 'ml-matrix';
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

/** Passes over the axes at most, and what one must bring of the mean log-density for another. */
const [PASSES, PROGRESS] = [200, 1e-7];
/** Products that passes may cost, M⁴ each: many numbers stay on axes that are found at once. */
const WORK = 1e9;

/**
 * The axes of semi-tied covariances (Gales 1999), in float64: those A of which components with diagonal covariances
 * there lose least of the mixture's log-density, log |det A| - ½ Σ_c π_c Σ_j log (A Σ_c Aᵀ)_jj at its highest, where
 * the covariance within components, Σ_c π_c A Σ_c Aᵀ, has a unit diagonal.
 */
export function semiTiedAxes({ logits, mean, factor }: FullMixture): Axes {
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
  const to = discriminantAxes(within, between, size);
  let reached = Number.NEGATIVE_INFINITY;
  const passes = Math.min(PASSES, Math.floor(WORK / size ** 4));
  for (let pass = 0; pass < passes; pass++) {
    for (let j = 0; j < size; j++) turnRow(to, j, weights, covariances);
    const now = fitOf(to, weights, covariances);
    if (now < reached + PROGRESS) break;
    reached = now;
  }
  const spread = along(to, within);
  for (let j = 0; j < size; j++) to.mulRow(j, 1 / Math.sqrt(spread[j] as number));
  const rows = (each: (c: number) => number[]) =>
    Float32Array.from(weights.flatMap((_, c) => each(c)));
  return {
    to,
    from: inverse(to),
    mean: rows((c) => to.mmul(means[c] as Matrix).to1DArray()),
    logStd: rows((c) =>
      along(to, covariances[c] as Matrix).map((variance) => 0.5 * Math.log(variance)),
    ),
  };
}

/** Fisher's, of which A W Aᵀ = I of the covariance within and A B Aᵀ of that between components is diagonal. */
function discriminantAxes(within: Matrix, between: Matrix, size: number): Matrix {
  const lower = new CholeskyDecomposition(within).lowerTriangularMatrix;
  const whitening = inverseOf(Float64Array.from(lower.to1DArray()), size);
  const whitened = whitening.mmul(between).mmul(whitening.transpose());
  const { vectors } = eigen(Float64Array.from(whitened.to1DArray()), size);
  return Matrix.from1DArray(size, size, Array.from(vectors)).mmul(whitening);
}

/** Diagonal of A Σ Aᵀ. */
const along = (axes: Matrix, covariance: Matrix): number[] =>
  axes.mmul(covariance).mmul(axes.transpose()).diagonal();

/** Row j at its best beside the others and the variances as they are: v G⁻¹ / √(v G⁻¹ vᵀ) with v of A⁻¹. */
function turnRow(axes: Matrix, j: number, weights: number[], covariances: Matrix[]): void {
  const row = axes.getRowVector(j);
  const scatter = Matrix.zeros(axes.rows, axes.rows);
  covariances.forEach((covariance, c) => {
    const variance = row.mmul(covariance).mmul(row.transpose()).get(0, 0);
    scatter.add(covariance.clone().mul((weights[c] as number) / variance));
  });
  const away = inverse(axes).getColumnVector(j);
  const turned = solve(scatter, away);
  const length = Math.sqrt(away.transpose().mmul(turned).get(0, 0));
  axes.setRow(j, turned.div(length).to1DArray());
}

/** log |det A| - ½ Σ_c π_c Σ_j log (A Σ_c Aᵀ)_jj. */
function fitOf(axes: Matrix, weights: number[], covariances: Matrix[]): number {
  return covariances.reduce(
    (sum, covariance, c) => {
      const logs = along(axes, covariance).reduce(
        (total, variance) => total + Math.log(variance),
        0,
      );
      return sum - 0.5 * (weights[c] as number) * logs;
    },
    Math.log(Math.abs(determinant(axes))),
  );
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
