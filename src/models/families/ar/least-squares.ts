// Every feature by those before it, by least squares: in closed form, in float64.
import { LatentGpuError } from '../../../errors.ts';
import { cholesky, lowerInverse } from '../../../flows/matrices.ts';

/** A deviation below this part of a feature's own is rounding of the sums. */
const NOTHING = 1e-5;

/**
 * Weights W [D, D], strictly lower, and deviations σ [D] of x_i = Σ_j W_ij x_j + σ_i ε of features about
 * their means. With C = L Lᵀ of a feature and those it depends on, the last row of L⁻¹ is (-w, 1) / σ.
 *
 * @param covariance [D, D]
 * @param order features before its own that a feature depends on, at most
 * @param nameOf a feature, for errors
 * @throws LatentGpuError `bad-data` for a feature that follows from those before it
 */
export function leastSquares(
  covariance: Float64Array,
  features: number,
  order: number,
  nameOf: (feature: number) => string,
): { weight: Float64Array; std: Float64Array } {
  const weight = new Float64Array(features * features);
  const std = new Float64Array(features);
  const take = (from: number, to: number, first: number) => {
    const n = to - from;
    const block = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [from + Math.floor(at / n), from + (at % n)];
      return covariance[i * features + j] as number;
    });
    const found = cholesky(block, n);
    const inverse = 'factor' in found ? lowerInverse(found.factor, n) : undefined;
    for (let i = first; i < to; i++) {
      const at = i - from;
      const deviation = inverse ? 1 / (inverse[at * n + at] as number) : 0;
      const own = Math.sqrt(covariance[i * features + i] as number);
      if (!(deviation > NOTHING * own)) {
        throw new LatentGpuError(
          'bad-data',
          `${nameOf('pivot' in found ? from + found.pivot : i)} follows from what comes before it, or does not vary, which leaves no noise; leave it out, or train by --set net.fit=gradient`,
        );
      }
      std[i] = deviation;
      for (let j = from; j < i; j++) {
        weight[i * features + j] =
          -deviation * ((inverse as Float64Array)[at * n + j - from] as number);
      }
    }
  };
  // One factor serves all whose window starts with the first feature.
  const whole = Math.min(features, order + 1);
  take(0, whole, 0);
  for (let i = whole; i < features; i++) take(i - order, i + 1, i);
  return { weight, std };
}
