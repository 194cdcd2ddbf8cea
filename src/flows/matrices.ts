// Small dense matrices on the host, in float64: the starts of linear layers and their certificates.
import { LatentGpuError } from '../errors.ts';
import { boxMuller, Random } from '../random.ts';
import { STREAMS } from '../streams.ts';

/** Row major [n, n]. */
export type Matrix = Float64Array;

/** Σ a[i + k] a[j + k]. */
function dot(a: Matrix, i: number, j: number, n: number): number {
  let total = 0;
  for (let k = 0; k < n; k++) total += (a[i + k] as number) * (a[j + k] as number);
  return total;
}

/**
 * A random rotation: the orthogonal factor of a Gaussian matrix by Gram-Schmidt (twice, for
 * accuracy), with determinant 1 for n > 1. Stewart 1980.
 */
export function randomRotation(n: number, seed: number): Matrix {
  const random = new Random(seed, STREAMS.matrix, 0);
  // Only true normals have no preferred direction.
  const normal = () => boxMuller(() => random.uniform());
  const q = Float64Array.from({ length: n * n }, normal);
  for (let i = 0; i < n; i++) {
    const at = i * n;
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < at; other += n) {
        const shared = dot(q, at, other, n);
        for (let j = 0; j < n; j++) {
          q[at + j] = (q[at + j] as number) - shared * (q[other + j] as number);
        }
      }
    }
    const norm = Math.sqrt(dot(q, at, at, n));
    for (let j = 0; j < n; j++) q[at + j] = (q[at + j] as number) / norm;
  }
  if (n > 1 && logDeterminant(q, n).sign < 0) {
    for (let j = 0; j < n; j++) q[j] = -(q[j] as number);
  }
  return q;
}

export interface Factors {
  /** Row i of P·A is row order[i] of A. */
  readonly order: Uint32Array;
  /** L below the diagonal (ones on it), U on and above it. */
  readonly packed: Matrix;
  /** 1 or -1: the sign of the permutation. */
  readonly parity: number;
}

/** P·A = L·U by Gaussian elimination with row pivoting. */
export function luFactors(a: Matrix, n: number): Factors {
  const packed = Float64Array.from(a);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let parity = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(packed[i * n + k] as number) > Math.abs(packed[best * n + k] as number))
        best = i;
    }
    if (best !== k) {
      parity = -parity;
      [order[k], order[best]] = [order[best] as number, order[k] as number];
      for (let j = 0; j < n; j++) {
        const at = [k * n + j, best * n + j] as const;
        [packed[at[0]], packed[at[1]]] = [packed[at[1]] as number, packed[at[0]] as number];
      }
    }
    const pivot = packed[k * n + k] as number;
    if (pivot === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = (packed[i * n + k] as number) / pivot;
      packed[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) {
        packed[i * n + j] = (packed[i * n + j] as number) - factor * (packed[k * n + j] as number);
      }
    }
  }
  return { order, packed, parity };
}

/** log |det A| and the sign of the determinant; -∞ and 0 for a singular matrix. */
export function logDeterminant(a: Matrix, n: number): { logAbs: number; sign: number } {
  const { packed, parity } = luFactors(a, n);
  let logAbs = 0;
  let sign = parity;
  for (let i = 0; i < n; i++) {
    const pivot = packed[i * n + i] as number;
    logAbs += Math.log(Math.abs(pivot));
    sign *= Math.sign(pivot);
  }
  return { logAbs, sign };
}

/** A Cholesky factor, or the first pivot that is not above the least one. */
export type Cholesky =
  | { readonly factor: Matrix }
  | { readonly pivot: number; readonly value: number };

/**
 * L with L Lᵀ = A for a symmetric A, of which the lower triangle is read. Golub and Van Loan, "Matrix
 * Computations", §4.2.
 *
 * @param least what every pivot must be above
 */
export function cholesky(a: Matrix, n: number, least = 0): Cholesky {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j] as number;
      for (let k = 0; k < j; k++)
        rest -= (factor[i * n + k] as number) * (factor[j * n + k] as number);
      if (i === j && !(rest > least)) return { pivot: i, value: rest };
      factor[i * n + j] = i === j ? Math.sqrt(rest) : rest / (factor[j * n + j] as number);
    }
  }
  return { factor };
}

/** The inverse of a lower triangle. */
export function lowerInverse(lower: Matrix, n: number): Matrix {
  const inverse = new Float64Array(n * n);
  for (let c = 0; c < n; c++) {
    for (let i = c; i < n; i++) {
      let rest = i === c ? 1 : 0;
      for (let k = c; k < i; k++)
        rest -= (lower[i * n + k] as number) * (inverse[k * n + c] as number);
      inverse[i * n + c] = rest / (lower[i * n + i] as number);
    }
  }
  return inverse;
}

/**
 * W with W C Wᵀ = I for a covariance C: the inverse of its Cholesky factor, a lower triangle. A linear
 * flow that starts from it makes data with that covariance white.
 *
 * @throws LatentGpuError `bad-input` unless C is positive definite
 * @example flows.whitening(Float64Array.of(4, 0, 0, 1), 2) // [0.5, 0, 0, 1]
 */
export function whitening(covariance: Matrix, n: number): Matrix {
  const found = cholesky(covariance, n);
  if ('factor' in found) return lowerInverse(found.factor, n);
  throw new LatentGpuError(
    'bad-input',
    `this covariance is not positive definite (pivot ${found.pivot} is ${found.value}); leave out constant features`,
  );
}
