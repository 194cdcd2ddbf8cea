// The maximum-likelihood solution in closed form, in float64.

import { Matrix } from 'ml-matrix';
import { LatentGpuError } from '../../../errors.ts';
import { eigen } from '../../eigen.ts';

/** W [D, M] row major, and σ². */
export interface Solution {
  readonly weight: Float64Array;
  /** μ, [D], where it is found with them. */
  readonly mean?: Float64Array;
  readonly variance: number;
}

/** A variance below this part of the largest is rounding of the sums. */
const NOTHING = 1e-10;

/**
 * W = U (Λ - σ²)^½ of the M largest eigenvalues, σ² the mean of the others (Tipping and Bishop 1999, 3.2).
 * Columns go by falling variance; the largest entry of each is positive.
 *
 * @param covariance [D, D], symmetric; M < D
 * @throws LatentGpuError `bad-data` for data that vary in M directions or fewer
 */
export function principalSolution(
  covariance: Float64Array,
  features: number,
  latent: number,
): Solution {
  const { values, vectors } = eigen(covariance, features);
  const rest = values.slice(latent);
  const variance = rest.reduce((a, b) => a + b, 0) / rest.length;
  if (!(variance > NOTHING * (values[0] as number))) {
    throw noNoise(latent);
  }
  const weight = new Float64Array(features * latent);
  for (let m = 0; m < latent; m++) {
    const length = Math.sqrt(Math.max((values[m] as number) - variance, 0));
    for (let d = 0; d < features; d++) {
      weight[d * latent + m] = length * (vectors[m * features + d] as number);
    }
  }
  return { weight, variance };
}

/** W V with orthogonal columns, longest first, the largest entry of each positive: the same W Wᵀ. */
export function alongAxes(weight: Float64Array, features: number, latent: number): Float64Array {
  const w = Matrix.from1DArray(features, latent, weight);
  const { vectors } = eigen(Float64Array.from(w.transpose().mmul(w).to1DArray()), latent);
  const turned = w.mmul(Matrix.from1DArray(latent, latent, vectors).transpose());
  for (let m = 0; m < latent; m++) {
    const column = turned.getColumn(m);
    const largest = column.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    if (largest < 0) turned.mulColumn(m, -1);
  }
  return Float64Array.from(turned.to1DArray());
}

/** The refusal of data that M directions explain. */
export const noNoise = (latent: number): LatentGpuError =>
  new LatentGpuError(
    'bad-data',
    `latent is ${latent}, and the data vary in no more directions, which leaves no noise; ${latent > 1 ? `lower it with --set latent=${latent - 1} or less` : 'an autoencoder needs none: train ae'}`,
  );
