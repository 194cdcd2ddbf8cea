// p(z | x) and p(x) of probabilistic PCA, exactly.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  cholesky,
  equalUint,
  exp,
  iota,
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

/** What rows x [B, D] say of their codes. */
export interface Posterior {
  /** ẑ = M⁻¹ Wᵀ (x - μ), [B, M]. */
  readonly code: Tensor;
  /** x - μ - W ẑ, [B, D]. */
  readonly residual: Tensor;
  /** log p(x), [B]. */
  readonly logProb: Tensor;
}

/** R with R Rᵀ = M = Wᵀ W + σ² I, [M, M]: the posterior covariance is σ² R⁻ᵀ R⁻¹. */
function rootOf({ weight, logStd }: Parameters): Tensor {
  const m = weight.shape[1] as number;
  const identity = equalUint(iota(m), reshape(iota(m), [m, 1]));
  return cholesky(add(matmul(transpose(weight), weight), mul(exp(mul(2, logStd)), identity)));
}

const whitener = (parameters: Parameters): Tensor => triangularInverse(rootOf(parameters));

/** Σ log of a triangle's diagonal. */
function logDiagonal(triangle: Tensor): Tensor {
  const m = triangle.shape[0] as number;
  const identity = equalUint(iota(m), reshape(iota(m), [m, 1]));
  return sum(log(sum(mul(triangle, identity), 0)));
}

/**
 * With C = W Wᵀ + σ² I, (x - μ)ᵀ C⁻¹ (x - μ) = ‖x - μ - W ẑ‖² / σ² + ‖ẑ‖²: the least value of that sum over
 * codes, so that rounding ẑ hardly moves it and nothing cancels; log |C| = (D - M) log σ² + log |M|.
 */
export function posteriorOf(x: Tensor, parameters: Parameters): Posterior {
  const { weight, mean, logStd } = parameters;
  const [d, m] = weight.shape as [number, number];
  const inverse = whitener(parameters);
  const centred = sub(x, mean);
  const code = matmul(matmul(matmul(centred, weight), transpose(inverse)), inverse);
  const residual = sub(centred, matmul(code, transpose(weight)));
  const far = add(mul(exp(mul(-2, logStd)), sum(square(residual), -1)), sum(square(code), -1));
  const logDet = sub(mul(2 * (d - m), logStd), mul(2, logDiagonal(inverse)));
  const logProb = mul(-0.5, add(far, add(logDet, d * Math.log(2 * Math.PI))));
  return { code, residual, logProb };
}

/** log deviations of each number of a code, [M]. */
export function codeLogStd(parameters: Parameters): Tensor {
  return add(parameters.logStd, mul(0.5, log(sum(square(whitener(parameters)), 0))));
}

/** log q(z | x) of codes z [B, M] or [B, S, M] about means of the same rank: [B] or [B, S]. */
export function codeLogProb(z: Tensor, code: Tensor, parameters: Parameters): Tensor {
  const { logStd } = parameters;
  const m = z.shape.at(-1) as number;
  const root = rootOf(parameters);
  const white = matmul(sub(z, code), root);
  const far = mul(exp(mul(-2, logStd)), sum(square(white), -1));
  const logDet = sub(mul(2 * m, logStd), mul(2, logDiagonal(root)));
  return mul(-0.5, add(far, add(logDet, m * Math.log(2 * Math.PI))));
}

/** A draw of q(z | x) for noise ε [B, M]: ẑ + σ R⁻ᵀ ε. */
export function drawnCode(code: Tensor, noise: Tensor, parameters: Parameters): Tensor {
  return add(code, mul(exp(parameters.logStd), matmul(noise, whitener(parameters))));
}
