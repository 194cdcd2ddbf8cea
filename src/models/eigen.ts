// Eigenvectors of symmetric matrices, on the host, in float64.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Eigenvalues, falling, and their vectors as rows, the largest entry of each positive. */
export function eigen(symmetric: Float64Array, n: number) {
  const matrix = Matrix.from1DArray(n, n, Array.from(symmetric));
  const found = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = found.realEigenvalues
    .map((value, at) => [value, at] as const)
    .sort(([a], [b]) => b - a);
  const vectors = new Float64Array(n * n);
  order.forEach(([, column], row) => {
    const entries = Array.from({ length: n }, (_, d) => found.eigenvectorMatrix.get(d, column));
    const largest = entries.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    vectors.set(largest < 0 ? entries.map((x) => -x) : entries, row * n);
  });
  return { values: order.map(([value]) => value), vectors };
}
