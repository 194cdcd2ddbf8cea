// Posteriors of the weights of y = wᵀφ + noise, w ~ N(0, I / α), noise ~ N(0, 1 / β), in float64: exactly, and
// by families of q that contain less. Bishop 2006, 3.3 and 3.5 (evidence), 10.1 (mean field).
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { LatentGpuError } from '../../../errors.ts';

/** What the rows say: all that any of these posteriors depends on. */
export interface Statistics {
  /** Σ φ φᵀ, [M, M]. */
  readonly gram: Matrix;
  /** Σ y φ, [M, 1]. */
  readonly cross: Matrix;
  /** Σ y². */
  readonly square: number;
  readonly rows: number;
}

export interface Precisions {
  /** α and β; none are those of the largest evidence. */
  readonly prior?: number | undefined;
  readonly noise?: number | undefined;
}

export type Fit = 'exact' | 'full' | 'mean-field' | 'map';

export interface Solution {
  readonly prior: number;
  readonly noise: number;
  /** [M, 1]. */
  readonly mean: Matrix;
  /** Of q, [M, M]; none of a point. */
  readonly covariance: Matrix | undefined;
  /** log p(y | x). */
  readonly evidence: number;
  /** The evidence lower bound of q, or log p(y, w | x) of a point. */
  readonly bound: number;
}

/** Rounds that find precisions, or a q; they end once nothing moves by more than this part. */
const [ROUNDS, STILL] = [10_000, 1e-12];
/** A natural gradient's step: all the way would be the closed form. */
const STEP = 0.5;
/** A noise below this part of the target's spread is none. */
const NOISELESS = 1e-12;
/** Weights that are nothing have a prior of this precision. */
const LARGEST = 1e12;

const LOG_2PI = Math.log(2 * Math.PI);
const scalar = (matrix: Matrix) => matrix.get(0, 0);
const squareOf = (w: Matrix) => scalar(w.transpose().mmul(w));

/** Σ (y - wᵀφ)². */
export function residual({ gram, cross, square }: Statistics, w: Matrix): number {
  const along = scalar(w.transpose().mmul(cross));
  return Math.max(0, square - 2 * along + scalar(w.transpose().mmul(gram).mmul(w)));
}

function precisionOf({ gram }: Statistics, prior: number, noise: number): Matrix {
  return Matrix.mul(gram, noise).add(Matrix.eye(gram.rows).mul(prior));
}

const symmetric = (a: Matrix) => Matrix.add(a, a.transpose()).mul(0.5);
const cholesky = (a: Matrix) => new CholeskyDecomposition(symmetric(a));
const logDet = (a: Matrix) =>
  cholesky(a)
    .lowerTriangularMatrix.diagonal()
    .reduce((sum, l) => sum + 2 * Math.log(l), 0);

/** log p(y | x, α, β), 3.86. */
export function evidenceOf(of: Statistics, prior: number, noise: number): number {
  const precision = precisionOf(of, prior, noise);
  const mean = cholesky(precision).solve(Matrix.mul(of.cross, noise));
  const energy = 0.5 * (noise * residual(of, mean) + prior * squareOf(mean));
  const scales = of.gram.rows * Math.log(prior) + of.rows * (Math.log(noise) - LOG_2PI);
  return 0.5 * (scales - logDet(precision)) - energy;
}

/** E_q log p(y, w | x) - E_q log q of q = N(mean, covariance). */
export function boundOf(
  of: Statistics,
  prior: number,
  noise: number,
  mean: Matrix,
  covariance: Matrix,
): number {
  const m = of.gram.rows;
  const left = residual(of, mean) + Matrix.mul(of.gram, covariance).sum();
  const size = squareOf(mean) + covariance.trace();
  const scales = of.rows * (Math.log(noise) - LOG_2PI) + m * Math.log(prior);
  return 0.5 * (scales - noise * left - prior * size + logDet(covariance) + m);
}

/** A q for given precisions. @param from one for others, to begin with */
type Family = (
  of: Statistics,
  prior: number,
  noise: number,
  from: Matrix | undefined,
) => { readonly mean: Matrix; readonly covariance: Matrix };

const exactly: Family = (of, prior, noise) => {
  const root = cholesky(precisionOf(of, prior, noise));
  const covariance = root.solve(Matrix.eye(of.gram.rows));
  return { mean: root.solve(Matrix.mul(of.cross, noise)), covariance: symmetric(covariance) };
};

/** Natural gradient ascent of the bound from the prior, in precision and precision times mean. */
const fully: Family = (of, prior, noise) => {
  const m = of.gram.rows;
  const target = { precision: precisionOf(of, prior, noise), pull: Matrix.mul(of.cross, noise) };
  let precision: Matrix = Matrix.eye(m).mul(prior);
  let pull = Matrix.zeros(m, 1);
  let before = Number.NEGATIVE_INFINITY;
  for (;;) {
    precision = Matrix.mul(precision, 1 - STEP).add(Matrix.mul(target.precision, STEP));
    pull = Matrix.mul(pull, 1 - STEP).add(Matrix.mul(target.pull, STEP));
    const root = cholesky(precision);
    const covariance = symmetric(root.solve(Matrix.eye(m)));
    const mean = root.solve(pull);
    const bound = boundOf(of, prior, noise, mean, covariance);
    if (bound - before <= STILL * Math.abs(bound)) return { mean, covariance };
    before = bound;
  }
};

/** Each weight by itself, given the others' means, in turn: variances are 1 / Λ_ii. */
const separately: Family = (of, prior, noise, from) => {
  const precision = precisionOf(of, prior, noise);
  const m = precision.rows;
  const mean = from ? new Matrix(from) : Matrix.zeros(m, 1);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (let i = 0; i < m; i++) {
      let pull = noise * of.cross.get(i, 0);
      for (let j = 0; j < m; j++) if (j !== i) pull -= precision.get(i, j) * mean.get(j, 0);
      const next = pull / precision.get(i, i);
      // In its own deviations.
      moved = Math.max(moved, Math.abs(next - mean.get(i, 0)) * Math.sqrt(precision.get(i, i)));
      mean.set(i, 0, next);
    }
    if (moved < 1e-9) break;
  }
  return { mean, covariance: Matrix.diag(precision.diagonal().map((lambda) => 1 / lambda)) };
};

const FAMILIES: Readonly<Record<Fit, Family>> = {
  exact: exactly,
  full: fully,
  'mean-field': separately,
  map: exactly,
};

/**
 * A posterior of the weights, and the precisions where they are not given: those of the largest bound, by
 * γ = M - α tr S, α = γ / ‖m‖², β = (N - γ) / Σ (y - mᵀφ)² (3.92, 3.95; of a mean field likewise).
 *
 * @throws LatentGpuError `bad-data` for a target without noise
 */
export function solveLinear(of: Statistics, fit: Fit, given: Precisions): Solution {
  const m = of.gram.rows;
  const family = FAMILIES[fit];
  const spread = of.square / of.rows;
  let prior = given.prior ?? 1;
  let noise = given.noise ?? 1 / Math.max(spread, Number.MIN_VALUE);
  let q = family(of, prior, noise, undefined);
  const isLearned = given.prior === undefined || given.noise === undefined;
  for (let round = 0; isLearned && round < ROUNDS; round++) {
    const known = m - prior * q.covariance.trace();
    const [alpha, beta] = [prior, noise];
    if (given.prior === undefined) {
      prior = Math.min(LARGEST, Math.max(known, Number.MIN_VALUE) / squareOf(q.mean));
    }
    if (given.noise === undefined) noise = (of.rows - known) / residual(of, q.mean);
    if (!(noise > 0 && noise * spread * NOISELESS < 1)) throw noiseless();
    q = family(of, prior, noise, q.mean);
    const moved = Math.max(Math.abs(prior / alpha - 1), Math.abs(noise / beta - 1));
    if (moved < 1e-10) break;
  }
  const evidence = evidenceOf(of, prior, noise);
  const bound =
    fit === 'map'
      ? 0.5 *
        (of.rows * (Math.log(noise) - LOG_2PI) -
          noise * residual(of, q.mean) +
          m * (Math.log(prior) - LOG_2PI) -
          prior * squareOf(q.mean))
      : boundOf(of, prior, noise, q.mean, q.covariance);
  return {
    ...{ prior, noise, mean: q.mean, evidence, bound },
    covariance: fit === 'map' ? undefined : q.covariance,
  };
}

function noiseless(): LatentGpuError {
  return new LatentGpuError(
    'bad-data',
    'the target follows from the other columns without noise, or there are too few rows to tell; say what the noise is with --set noiseStd=0.1',
  );
}

/** L of S = L Lᵀ. */
export function rootOf(covariance: Matrix): Matrix {
  return cholesky(covariance).lowerTriangularMatrix;
}
