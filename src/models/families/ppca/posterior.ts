// p(z | x) and p(x) of probabilistic PCA, exactly, of whole rows and of what is seen of rows.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  cholesky,
  exp,
  identity,
  log,
  matmul,
  mul,
  reshape,
  square,
  sub,
  sum,
  transpose,
  triangularInverse,
} from '../../../ops/index.ts';

/** Under parameters W [D, M], μ [D], log σ []. */
export interface Parameters {
  readonly weight: Tensor;
  readonly mean: Tensor;
  readonly logStd: Tensor;
}

/** Of rows x [B, D], a mask says what is seen: [B, D]. Default: all. */
export interface Rows {
  readonly x: Tensor;
  readonly mask?: Tensor;
}

/** What rows say of their codes. */
export interface Posterior {
  /** ẑ = M⁻¹ Wᵀ (x - μ), [B, M]. */
  readonly code: Tensor;
  /** x - μ - W ẑ, [B, D], and 0 where nothing is seen. */
  readonly residual: Tensor;
  /** log p(x), or of what is seen of it, [B]. */
  readonly logProb: Tensor;
}

/**
 * R with R Rᵀ = M = Wᵀ W + σ² I, [M, M]: the posterior covariance is σ² R⁻ᵀ R⁻¹. Of rows that are seen in
 * part, one for each: W has the rows that are seen, [B, M, M].
 */
function rootOf({ weight, logStd }: Parameters, mask?: Tensor): Tensor {
  const [d, m] = weight.shape as [number, number];
  const gram = mask ? seenGram(weight, mask, d, m) : matmul(transpose(weight), weight);
  return cholesky(add(gram, mul(exp(mul(2, logStd)), identity(m))));
}

/** Σ_d mask w wᵀ of the rows w of W. */
function seenGram(weight: Tensor, mask: Tensor, d: number, m: number): Tensor {
  const squares = mul(reshape(weight, [d, m, 1]), reshape(weight, [d, 1, m]));
  return reshape(matmul(mask, reshape(squares, [d, m * m])), [-1, m, m]);
}

const whitener = (parameters: Parameters, mask?: Tensor): Tensor =>
  triangularInverse(rootOf(parameters, mask));

/** v A of rows v [B, M] or [B, S, M], with one A [M, M] for all or one for each row. */
function times(v: Tensor, matrix: Tensor): Tensor {
  if (matrix.rank === 2 || v.rank === 3) return matmul(v, matrix);
  const [rows, m] = v.shape as [number, number];
  return reshape(matmul(reshape(v, [rows, 1, m]), matrix), [rows, m]);
}

/** Σ log of triangles' diagonals. */
function logDiagonal(triangle: Tensor): Tensor {
  return sum(log(sum(mul(triangle, identity(triangle.shape.at(-1) as number)), -2)), -1);
}

/**
 * With C = W Wᵀ + σ² I, (x - μ)ᵀ C⁻¹ (x - μ) = ‖x - μ - W ẑ‖² / σ² + ‖ẑ‖²: the least value of that sum over
 * codes, so that rounding ẑ hardly moves it and nothing cancels; log |C| = (D - M) log σ² + log |M|.
 */
export function posteriorOf({ x, mask }: Rows, parameters: Parameters): Posterior {
  const { weight, mean, logStd } = parameters;
  const [d, m] = weight.shape as [number, number];
  const inverse = whitener(parameters, mask);
  const seen = (values: Tensor) => (mask ? mul(mask, values) : values);
  const centred = seen(sub(x, mean));
  const code = times(times(matmul(centred, weight), transpose(inverse)), inverse);
  const residual = seen(sub(centred, matmul(code, transpose(weight))));
  const far = add(mul(exp(mul(-2, logStd)), sum(square(residual), -1)), sum(square(code), -1));
  const count = mask ? sum(mask, -1) : d;
  const logDet = sub(mul(mul(2, sub(count, m)), logStd), mul(2, logDiagonal(inverse)));
  const logProb = mul(-0.5, add(far, add(logDet, mul(count, Math.log(2 * Math.PI)))));
  return { code, residual, logProb };
}

/** Posterior covariances of rows that are seen in part, σ² M⁻¹: [B, M, M]. */
export function codeCovariance(parameters: Parameters, mask: Tensor): Tensor {
  const inverse = whitener(parameters, mask);
  return mul(exp(mul(2, parameters.logStd)), matmul(transpose(inverse), inverse));
}

/** log deviations of each number of a code, [M], or of each row's, [B, M]. */
export function codeLogStd(parameters: Parameters, mask?: Tensor): Tensor {
  return add(parameters.logStd, mul(0.5, log(sum(square(whitener(parameters, mask)), -2))));
}

/** log q(z | x) of codes z [B, M] or [B, S, M] about means of the same rank: [B] or [B, S]. */
export function codeLogProb(
  z: Tensor,
  code: Tensor,
  parameters: Parameters,
  mask?: Tensor,
): Tensor {
  const { logStd } = parameters;
  const m = z.shape.at(-1) as number;
  const root = rootOf(parameters, mask);
  const white = times(sub(z, code), root);
  const far = mul(exp(mul(-2, logStd)), sum(square(white), -1));
  const ofRoot = logDiagonal(root);
  const perRow = mask && z.rank === 3 ? reshape(ofRoot, [-1, 1]) : ofRoot;
  const logDet = sub(mul(2 * m, logStd), mul(2, perRow));
  return mul(-0.5, add(far, add(logDet, m * Math.log(2 * Math.PI))));
}

/** A draw of q(z | x) for noise ε [B, M]: ẑ + σ R⁻ᵀ ε. */
export function drawnCode(
  code: Tensor,
  noise: Tensor,
  parameters: Parameters,
  mask?: Tensor,
): Tensor {
  return add(code, mul(exp(parameters.logStd), times(noise, whitener(parameters, mask))));
}
