// log p(x, c) of mixtures of normals, several of them side by side.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, mul, reshape, sub } from '../../../ops/index.ts';
import { COVARIANCES, type CovarianceKind, distance } from './covariance.ts';

/** S mixtures of K components of D features. */
export interface Mixtures {
  /** log π, [S, K]. */
  readonly logWeights: Tensor;
  /** [S, K, D]. */
  readonly mean: Tensor;
  /** Packed factors of inverse covariances, as their kind shapes them. */
  readonly factor: Tensor;
}

export interface Joint {
  /** P (x - μ), [S, K, B, D]. */
  readonly white: Tensor;
  /** log π + log N(x; μ, Σ), [S, K, B]. */
  readonly logProb: Tensor;
}

/**
 * The joint log-density of rows x [B, D] and each component: with y = P (x - μ) it is
 * log π + log det P - ½ yᵀy - D/2 log 2π. Rows are centred before they are multiplied, so that means far
 * from 0 cost no digits.
 */
export function jointOf(kind: CovarianceKind, x: Tensor, mixtures: Mixtures): Joint {
  const { logWeights, mean, factor } = mixtures;
  const [count, components, features] = mean.shape as [number, number, number];
  const rows = x.shape[0] as number;
  const centred = sub(
    reshape(x, [1, 1, rows, features]),
    reshape(mean, [count, components, 1, features]),
  );
  const { white, logDet } = COVARIANCES[kind].whiten(factor, centred);
  const scale = sub(add(logWeights, logDet), (features / 2) * Math.log(2 * Math.PI));
  return {
    white,
    logProb: sub(reshape(scale, [count, components, 1]), mul(0.5, distance(white))),
  };
}
