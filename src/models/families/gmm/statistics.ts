// What the E step of EM finds in rows, for the M step.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  concat,
  exp,
  logSumExp,
  mul,
  padTo,
  reshape,
  slice,
  sub,
  sum,
  transpose,
  unsqueeze,
  weighedMoments,
  whitenedRows,
} from '../../../ops/index.ts';
import { rowsHeld } from '../../rows-held.ts';
import { COVARIANCES, type CovarianceKind } from './covariance.ts';
import { jointOf, type Mixtures, seenJointOf } from './density.ts';
import { identityOf, unpacked } from './packed.ts';

/** Sums over rows under S mixtures, with r = p(c | x), or what is guessed of it, and y = P (x - μ). */
export interface RowStatistics {
  /** Σ r, [S, K]. */
  readonly weight: Tensor;
  /** Σ r y, [S, K, D]. */
  readonly first: Tensor;
  /** Σ r y yᵀ, or what of it counts, as the factors are shaped. */
  readonly second: Tensor;
  /** log p(x) of each row, [S, B]. */
  readonly logDensity: Tensor;
}

/** @param x rows [B, D]. @param mixtures S of them, side by side. @param mask 1 where x is seen, [B, D] */
export function statisticsOf(
  kind: CovarianceKind,
  x: Tensor,
  mixtures: Mixtures,
  mask?: Tensor,
): RowStatistics {
  if (mask) return besideEachOther(mixtures, (one) => ofSeen(kind, x, mask, one));
  return kind === 'full' || kind === 'tied'
    ? byKernels(kind, x, mixtures)
    : ofScales(kind, x, mixtures);
}

/**
 * The same by any q(c | x) in place of p(c | x): what an M step of variational EM learns from (Neal and
 * Hinton 1998).
 *
 * @param guesses q, [S, K, B]
 */
export function guessedStatistics(
  kind: CovarianceKind,
  x: Tensor,
  mixtures: Mixtures,
  guesses: Tensor,
): RowStatistics {
  const { white, logProb } = jointOf(kind, x, mixtures);
  return weighed(kind, white, guesses, logSumExp(logProb, 1));
}

function ofScales(kind: CovarianceKind, x: Tensor, mixtures: Mixtures): RowStatistics {
  const { white, logProb } = jointOf(kind, x, mixtures);
  const logDensity = logSumExp(logProb, 1, { keepDims: true });
  const belongs = exp(sub(logProb, logDensity));
  const flat = reshape(logDensity, [mixtures.mean.shape[0] as number, -1]);
  return weighed(kind, white, belongs, flat);
}

/** Sums of whitened rows [S, K, B, D], each component's by its weights [S, K, B]. */
function weighed(
  kind: CovarianceKind,
  white: Tensor,
  belongs: Tensor,
  logDensity: Tensor,
): RowStatistics {
  const each = mul(unsqueeze(belongs, 3), white);
  return {
    weight: sum(belongs, -1),
    first: sum(each, -2),
    second: COVARIANCES[kind].second(each, white),
    logDensity,
  };
}

/**
 * Three passes over the rows: whitened, with their log-densities; responsibilities; sums. A 1 beside each
 * whitened row has all three sums among its products.
 */
function byKernels(kind: CovarianceKind, x: Tensor, mixtures: Mixtures): RowStatistics {
  const { logWeights, mean, factor } = mixtures;
  const [count, components, d] = mean.shape as [number, number, number];
  const padded = 4 * Math.ceil(d / 4);
  const root = transpose(unpacked(factor));
  const logDet = sum(mul(factor, identityOf(factor)), [-1, -2]);
  const white = whitenedRows(
    padTo(x, 1, 0, padded),
    padTo(mean, 2, 0, padded),
    padTo(padTo(root, 3, 0, padded), 2, 0, padded),
    sub(add(logWeights, logDet), (d / 2) * Math.log(2 * Math.PI)),
    d,
  );
  const logProb = reshape(slice(white, 3, padded + 1, padded + 2), white.shape.slice(0, 3));
  const logDensity = logSumExp(logProb, 1, { keepDims: true });
  const moments = weighedMoments(white, exp(sub(logProb, logDensity)));
  const sums = reshape(sum(moments, 0), [count, components, ...moments.shape.slice(2)]);
  const ones = slice(sums, 2, padded, padded + 1);
  const second = slice(slice(sums, 2, 0, d), 3, 0, d);
  return {
    weight: reshape(slice(ones, 3, padded, padded + 1), [count, components]),
    first: reshape(slice(ones, 3, 0, d), [count, components, d]),
    second: COVARIANCES[kind].isShared ? sum(second, 1, { keepDims: true }) : second,
    logDensity: reshape(logDensity, [count, -1]),
  };
}

/**
 * What is seen alone says whose a row is, and what is missing counts as it is expected given that, with what
 * it varies about that mean (Ghahramani and Jordan 1994). Of one mixture.
 */
function ofSeen(kind: CovarianceKind, x: Tensor, mask: Tensor, mixture: Mixtures): RowStatistics {
  const { second, whiten } = COVARIANCES[kind];
  const { logProb, filled, variation } = seenJointOf(kind, x, mask, mixture);
  const logDensity = logSumExp(logProb, 1, { keepDims: true });
  const belongs = exp(sub(logProb, logDensity));
  const { white } = whiten(mixture.factor, filled);
  const weighed = mul(unsqueeze(belongs, 3), white);
  return {
    weight: sum(belongs, -1),
    first: sum(weighed, -2),
    second: add(second(weighed, white), variation(belongs)),
    logDensity: reshape(logDensity, [1, -1]),
  };
}

/** The same of several mixtures. */
function besideEachOther(
  { logWeights, mean, factor }: Mixtures,
  of: (one: Mixtures) => RowStatistics,
): RowStatistics {
  const found = Array.from({ length: mean.shape[0] as number }, (_, s) => {
    const one = (x: Tensor) => slice(x, 0, s, s + 1);
    return of({ logWeights: one(logWeights), mean: one(mean), factor: one(factor) });
  });
  const joined = (name: keyof RowStatistics) =>
    concat(
      found.map((each) => each[name]),
      0,
    );
  return {
    weight: joined('weight'),
    first: joined('first'),
    second: joined('second'),
    logDensity: joined('logDensity'),
  };
}

/** Rows of so many numbers each, under so many components, that are whitened at once. */
export const rowsAtOnce = (components: number, features: number): number =>
  rowsHeld(components * features);

/**
 * Sums over many rows, some of them at a time.
 *
 * ```ts
 * const [logWeights, mean, factor] = [[1, 3], [1, 3, 2], [1, 3, 1, 2]].map((shape) => ops.zeros(shape));
 * mixtureSums('diagonal', ops.zeros([5, 2]), { logWeights, mean, factor }).weight // [1.6667, 1.6667, 1.6667]
 * ```
 */
export function mixtureSums(
  kind: CovarianceKind,
  x: Tensor,
  mixtures: Mixtures,
): Omit<RowStatistics, 'logDensity'> {
  const [starts, components, features] = mixtures.mean.shape as [number, number, number];
  const rows = x.shape[0] as number;
  const parts = Math.ceil(rows / rowsAtOnce(starts * components, features));
  const each = Math.ceil(rows / parts);
  return Array.from({ length: parts }, (_, i) =>
    statisticsOf(kind, slice(x, 0, i * each, Math.min(rows, (i + 1) * each)), mixtures),
  ).reduce((total, part) => ({
    weight: add(total.weight, part.weight),
    first: add(total.first, part.first),
    second: add(total.second, part.second),
    logDensity: part.logDensity,
  }));
}
