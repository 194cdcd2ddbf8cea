// Principal components, by which codes of many dimensions are drawn in two.
import { LatentGpuError } from '../errors.ts';

export interface PrincipalComponents {
  /** Row major `[count, components]`: the centred codes in the new axes. */
  projected: Float32Array;
  /** Variance along every principal axis, `[dims]`, descending (divided by `count`). */
  variances: Float64Array;
  /** Row major `[components, dims]`: unit vectors; the largest entry of each is positive. */
  axes: Float64Array;
  /** `[dims]`. */
  mean: Float64Array;
}

/**
 * Principal components (Pearson, 1901) in float64: the eigenvectors of the covariance matrix with the
 * largest eigenvalues, by cyclic Jacobi rotations.
 *
 * @param codes row major `[count, dims]`
 * @param components how many axes to keep, at most `dims`
 * @throws LatentGpuError `bad-input` if the sizes do not agree or a code is not finite
 * @example pictures.principalComponents(Float32Array.of(0, 0, 2, 0), 2, 2).variances // [1, 0]
 */
export function principalComponents(
  codes: Float32Array,
  count: number,
  dims: number,
  components = 2,
): PrincipalComponents {
  const bad = (why: string) => new LatentGpuError('bad-input', `principal components: ${why}`);
  if (count < 1 || dims < 1 || codes.length !== count * dims) {
    throw bad(`${codes.length} values are not ${count} codes of ${dims} dimensions`);
  }
  if (!Number.isInteger(components) || components < 1 || components > dims) {
    throw bad(`cannot keep ${components} of ${dims} dimensions`);
  }
  const broken = codes.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw bad(`code ${Math.floor(broken / dims)} is not finite`);

  const mean = new Float64Array(dims);
  for (let i = 0; i < codes.length; i++)
    mean[i % dims] = (mean[i % dims] as number) + (codes[i] as number);
  for (let d = 0; d < dims; d++) mean[d] = (mean[d] as number) / count;

  const { values, vectors } = jacobi(covariance(codes, count, dims, mean), dims);
  const order = Array.from(values.keys()).sort(
    (a, b) => (values[b] as number) - (values[a] as number),
  );
  const axes = new Float64Array(components * dims);
  for (let k = 0; k < components; k++) {
    const column = order[k] as number;
    let largest = 0;
    for (let d = 0; d < dims; d++) {
      const entry = vectors[d * dims + column] as number;
      axes[k * dims + d] = entry;
      if (Math.abs(entry) > Math.abs(largest)) largest = entry;
    }
    if (largest < 0)
      for (let d = 0; d < dims; d++) axes[k * dims + d] = -(axes[k * dims + d] as number);
  }
  const projected = new Float32Array(count * components);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < components; k++) {
      let sum = 0;
      for (let d = 0; d < dims; d++) {
        sum +=
          ((codes[i * dims + d] as number) - (mean[d] as number)) * (axes[k * dims + d] as number);
      }
      projected[i * components + k] = sum;
    }
  }
  const variances = Float64Array.from(order, (column) => Math.max(0, values[column] as number));
  return { projected, variances, axes, mean };
}

/** Principal components of more features would take longer than a picture is worth. */
export const FEATURES = 64;

/** The dimensions of largest variance, at most so many, in their order. @param codes row major `[count, dims]` */
export function mostVaried(codes: Float32Array, dims: number, most: number): number[] {
  const all = Array.from({ length: dims }, (_, d) => d);
  if (dims <= most) return all;
  const variances = variancesOf(codes, dims);
  return all
    .sort((a, b) => (variances[b] as number) - (variances[a] as number))
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** Of each dimension. */
export function variancesOf(codes: Float32Array, dims: number): Float64Array {
  const [first, second] = [new Float64Array(dims), new Float64Array(dims)];
  codes.forEach((value, i) => {
    const d = i % dims;
    first[d] = (first[d] as number) + value;
    second[d] = (second[d] as number) + value * value;
  });
  const count = codes.length / dims;
  return second.map((sum, d) => Math.max(0, sum / count - ((first[d] as number) / count) ** 2));
}

/** `[dims, dims]`, divided by `count`. */
function covariance(codes: Float32Array, count: number, dims: number, mean: Float64Array) {
  const matrix = new Float64Array(dims * dims);
  const row = new Float64Array(dims);
  for (let i = 0; i < count; i++) {
    for (let d = 0; d < dims; d++) row[d] = (codes[i * dims + d] as number) - (mean[d] as number);
    for (let a = 0; a < dims; a++) {
      const factor = (row[a] as number) / count;
      for (let b = a; b < dims; b++) {
        matrix[a * dims + b] = (matrix[a * dims + b] as number) + factor * (row[b] as number);
      }
    }
  }
  for (let a = 0; a < dims; a++) {
    for (let b = 0; b < a; b++) matrix[a * dims + b] = matrix[b * dims + a] as number;
  }
  return matrix;
}

/**
 * Eigenvalues and eigenvectors (columns) of a symmetric matrix, by cyclic Jacobi rotations (Golub and
 * Van Loan, "Matrix Computations", §8.5), until what is off the diagonal is negligible.
 */
function jacobi(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const rotate = (target: Float64Array, i: number, j: number, c: number, s: number) => {
    const x = target[i] as number;
    const y = target[j] as number;
    target[i] = c * x - s * y;
    target[j] = s * x + c * y;
  };
  const total = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) off += (a[p * n + q] as number) ** 2;
    }
    if (off <= 1e-30 * total) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const entry = a[p * n + q] as number;
        if (entry === 0) continue;
        const tau = ((a[q * n + q] as number) - (a[p * n + p] as number)) / (2 * entry);
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(a, k * n + p, k * n + q, c, s);
        for (let k = 0; k < n; k++) rotate(a, p * n + k, q * n + k, c, s);
        for (let k = 0; k < n; k++) rotate(vectors, k * n + p, k * n + q, c, s);
      }
    }
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number), vectors };
}
