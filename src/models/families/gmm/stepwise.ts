// Stepwise EM (Cappé and Moulines 2009; Liang and Klein 2009): after every batch, statistics are the old ones
// and the batch's, η of the latter, and parameters follow. Whitened by the mixture at hand, the old ones are
// what that mixture says of itself, π, 0 and π I: nothing else has to be kept, and R is near I.
import type { Tensor } from '../../../graph/tensor.ts';
import type { Variable } from '../../../graph/variable.ts';
import {
  add,
  assign,
  cholesky,
  div,
  exp,
  identity,
  log,
  matmul,
  maximum,
  mul,
  pow,
  reshape,
  square,
  step,
  sub,
  sum,
  toFloat,
  transpose,
  triangle,
  triangularInverse,
  unsqueeze,
} from '../../../ops/index.ts';
import { COVARIANCES, type CovarianceKind } from './covariance.ts';
import type { Mixtures } from './density.ts';
import { unpacked } from './packed.ts';

/** Of a batch of B rows, as {@link Mixtures} are shaped. */
export interface BatchStatistics {
  readonly weight: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
  readonly rows: number;
}

export interface StepwiseOptions {
  readonly kind: CovarianceKind;
  readonly features: number;
  /** η = (step + 2)^-power. */
  readonly power: number;
  readonly regularize: number;
}

/** A component keeps so much of all rows at least: it can come back. */
const LEAST = 1e-8;

/** The effects that a batch has on the mixtures. */
export function stepwiseEffects(
  mixtures: Record<keyof Mixtures, Variable>,
  { weight, first, second, rows }: BatchStatistics,
  { kind, features: n, power, regularize }: StepwiseOptions,
): Tensor[] {
  const { logWeights, mean, factor } = mixtures;
  const { isShared, colour } = COVARIANCES[kind];
  const rate = pow(add(toFloat(step), 2), -power);
  const kept = sub(1, rate);
  const share = div(rate, rows);
  // [S, K], [S, K, 1, D]: π' and ȳ.
  const before = exp(logWeights);
  const after = maximum(add(mul(kept, before), mul(share, weight)), LEAST);
  const column = unsqueeze(unsqueeze(after, 2), 3);
  const average = div(mul(share, unsqueeze(first, 2)), column);
  const isMatrix = kind === 'full' || kind === 'tied';
  // What I is among statistics of this kind: of all features together, their number.
  const unit = isMatrix ? identity(n) : kind === 'spherical' ? n : 1;
  const old = isShared ? unit : mul(unit, unsqueeze(unsqueeze(before, 2), 3));
  const moments = add(mul(kept, old), mul(share, second));
  const outer = isMatrix
    ? matmul(transpose(average), average)
    : kind === 'spherical'
      ? sum(square(average), -1, { keepDims: true })
      : square(average);
  const ratio = isShared
    ? sub(moments, sum(mul(column, outer), 1, { keepDims: true }))
    : sub(div(moments, column), outer);
  const shift = reshape(colour(factor, average), mean.shape);
  return [
    assign(logWeights, log(div(after, sum(after, -1, { keepDims: true })))),
    assign(mean, add(mean, shift)),
    assign(
      factor,
      isMatrix
        ? ofMatrix(factor, ratio, regularize, n)
        : ofScale(factor, ratio, kind, regularize, n),
    ),
  ];
}

/** Packed chol(R + λ P Pᵀ)⁻¹ P. */
function ofMatrix(factor: Tensor, ratio: Tensor, regularize: number, n: number): Tensor {
  const p = unpacked(factor);
  const held = regularize > 0 ? add(ratio, mul(regularize, matmul(p, transpose(p)))) : ratio;
  const next = matmul(triangularInverse(cholesky(held)), p);
  const diagonal = sum(mul(next, identity(n)), -1, { keepDims: true });
  return add(triangle(next, { strict: true }), mul(identity(n), log(diagonal)));
}

function ofScale(
  factor: Tensor,
  ratio: Tensor,
  kind: CovarianceKind,
  regularize: number,
  n: number,
): Tensor {
  const variance = kind === 'spherical' ? div(ratio, n) : ratio;
  const held = regularize > 0 ? add(variance, mul(regularize, exp(mul(2, factor)))) : variance;
  return sub(factor, mul(0.5, log(maximum(held, 1e-30))));
}
