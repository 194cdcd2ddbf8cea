// What EM of probabilistic PCA makes of a pass's sums, in float64: every row of W and its mean by least squares.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { noNoise, type Solution } from './solve.ts';

/** As the pass began. */
export interface Before {
  /** W, [D, M]. */
  readonly weight: Float64Array;
  /** μ, [D]. */
  readonly mean: Float64Array;
}

/** Sums over rows, with e = x - μ - W ẑ where x is seen and 0 elsewhere, and ẑ' = (ẑ, 1). */
export interface PassSums {
  /** Σ e ẑ'ᵀ, [D, M + 1]. */
  readonly cross: Float64Array;
  /** Σ eᵀe. */
  readonly left: number;
  /** How many values are seen. */
  readonly seen: number;
  /** Of the rows where features are seen; the same object where all features are seen in the same rows. */
  of(feature: number): FeatureSums;
}

export interface FeatureSums {
  /** Σ ẑ' ẑ'ᵀ + V, V with a row and a column of zeros: [M + 1, M + 1]. */
  readonly codes: Matrix;
  /** V = Σ of the posterior covariances, [M, M]. */
  readonly spread: Matrix;
}

/** A variance below this part of what W explains is what float32 sums leave of nothing. */
const NOTHING = 1e-10;

/**
 * Each feature has its own least squares: with w' = (w, μ), A = Σ ẑ' ẑ'ᵀ + V and E the feature's row of
 * Σ e ẑ'ᵀ, w' grows by Δ = A⁻¹ (E - V w), and N σ² = Σ eᵀe + Σ wᵀ V (w + Δ) - Δᵀ E over features. That is
 * the M step of Tipping and Bishop 1999, appendix B, of what the old W leaves; of rows with holes, each
 * feature has the rows where it is seen.
 *
 * @throws LatentGpuError `bad-data` for data that leave no noise
 */
export function mStep({ weight, mean }: Before, sums: PassSums, latent: number): Solution {
  const features = mean.length;
  const next = { weight: new Float64Array(weight), mean: new Float64Array(mean) };
  let [total, explained] = [sums.left, 0];
  let last: { sums: FeatureSums; solver: CholeskyDecomposition } | undefined;
  for (let d = 0; d < features; d++) {
    const own = sums.of(d);
    if (last?.sums !== own) last = { sums: own, solver: new CholeskyDecomposition(own.codes) };
    const before = Matrix.columnVector(weight.subarray(d * latent, (d + 1) * latent));
    const pull = own.spread.mmul(before);
    const cross = sums.cross.subarray(d * (latent + 1), (d + 1) * (latent + 1));
    const right = cross.map((e, i) => e - (i < latent ? pull.get(i, 0) : 0));
    const change = last.solver.solve(Matrix.columnVector(right)).to1DArray();
    for (const [i, delta] of change.entries()) {
      total -= delta * (cross[i] as number);
      if (i === latent) next.mean[d] = (next.mean[d] as number) + delta;
      else {
        const value = (weight[d * latent + i] as number) + delta;
        next.weight[d * latent + i] = value;
        total += value * pull.get(i, 0);
        explained += value ** 2;
      }
    }
  }
  const variance = total / sums.seen;
  if (!(variance > (NOTHING * explained) / features)) throw noNoise(latent);
  return { ...next, variance };
}
