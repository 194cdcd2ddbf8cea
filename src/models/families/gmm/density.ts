// log p(x, c) of mixtures of normals, several of them side by side.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, mul, reshape, sub, sum } from '../../../ops/index.ts';
import { COVARIANCES, type CovarianceKind, distance } from './covariance.ts';
import type { Given } from './given.ts';

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
  const centred = centredRows(x, mean);
  const { white, logDet } = COVARIANCES[kind].whiten(factor, centred);
  const scale = sub(add(logWeights, logDet), (features / 2) * Math.log(2 * Math.PI));
  return {
    white,
    logProb: sub(reshape(scale, [count, components, 1]), mul(0.5, distance(white))),
  };
}

/** x - μ of rows x [B, D], [S, K, B, D]. */
function centredRows(x: Tensor, mean: Tensor): Tensor {
  const [count, components, features] = mean.shape as [number, number, number];
  return sub(reshape(x, [1, 1, -1, features]), reshape(mean, [count, components, 1, features]));
}

export interface SeenJoint extends Given {
  /** log π + log N(what is seen; μ, Σ), [1, K, B]. */
  readonly logProb: Tensor;
}

/** The same of what a mask [B, D] calls seen, of one mixture, and what is missing given that. */
export function seenJointOf(
  kind: CovarianceKind,
  x: Tensor,
  mask: Tensor,
  { logWeights, mean, factor }: Mixtures,
): SeenJoint {
  const { given: of, whiten } = COVARIANCES[kind];
  const given = of(factor, mul(mask, centredRows(x, mean)), mask);
  const { white } = whiten(factor, given.filled);
  const size = mul(sum(mask, -1), 0.5 * Math.log(2 * Math.PI));
  const scale = add(reshape(logWeights, [1, -1, 1]), sub(given.logDet, size));
  return { ...given, logProb: sub(scale, mul(0.5, distance(white))) };
}
