// What covariances a mixture's components may have. Each is kept as the factor P of its inverse,
// Σ⁻¹ = Pᵀ P with P a lower triangle, packed: log of the diagonal on the diagonal, so that every number
// makes a covariance, and a density needs products alone.
import type { Shape } from '../../../graph/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  exp,
  matmul,
  mul,
  neg,
  reshape,
  square,
  sum,
  transpose,
  triangularInverse,
} from '../../../ops/index.ts';
import { type GivenSeen, givenByMatrix, givenByScale } from './given.ts';
import { identityOf, unpacked } from './packed.ts';

export type CovarianceKind = 'full' | 'tied' | 'diagonal' | 'spherical';

/** Of S mixtures side by side, with K components each, of D features. */
export interface Covariance {
  readonly about: string;
  /** Whether a component has none of its own. */
  readonly isShared: boolean;
  /** Extents of a packed factor: [D, D], [1, D] or [1, 1]. */
  extents(features: number): readonly [number, number];
  /** Numbers that say one of them. */
  freedom(features: number): number;
  /** P y and log det P of centred rows y [S, K, B, D]: [S, K, B, D], and [S, K] or [S, 1]. */
  whiten(factor: Tensor, centred: Tensor): { readonly white: Tensor; readonly logDet: Tensor };
  /** P⁻¹ ε of noise ε [S, 1, B, D]: [S, K, B, D]. */
  colour(factor: Tensor, noise: Tensor): Tensor;
  /** Σ_b r y yᵀ, or what of it counts, as the factors are shaped; `weighed` is r y. */
  second(weighed: Tensor, white: Tensor): Tensor;
  /** What is missing of rows, given what is seen. */
  readonly given: GivenSeen;
}

const whitenMatrix: Covariance['whiten'] = (factor, centred) => ({
  white: matmul(centred, transpose(unpacked(factor))),
  logDet: sum(mul(factor, identityOf(factor)), [-1, -2]),
});

const colourMatrix: Covariance['colour'] = (factor, noise) =>
  matmul(noise, transpose(triangularInverse(unpacked(factor))));

const colourScale: Covariance['colour'] = (factor, noise) => mul(noise, exp(neg(factor)));

const triangleSize = (n: number) => (n * (n + 1)) / 2;

export const COVARIANCES: Readonly<Record<CovarianceKind, Covariance>> = {
  full: {
    about: 'one of its own for each component',
    isShared: false,
    extents: (n) => [n, n],
    freedom: triangleSize,
    whiten: whitenMatrix,
    colour: colourMatrix,
    second: (weighed, white) => matmul(transpose(weighed), white),
    given: givenByMatrix,
  },
  tied: {
    about: 'one that all components share',
    isShared: true,
    extents: (n) => [n, n],
    freedom: triangleSize,
    whiten: whitenMatrix,
    colour: colourMatrix,
    second: (weighed, white) => matmul(transpose(overComponents(weighed)), overComponents(white)),
    given: givenByMatrix,
  },
  diagonal: {
    about: 'variances of each feature',
    isShared: false,
    extents: (n) => [1, n],
    freedom: (n) => n,
    whiten: (factor, centred) => ({
      white: mul(centred, exp(factor)),
      logDet: sum(factor, [-1, -2]),
    }),
    colour: colourScale,
    second: (weighed, white) => sum(mul(weighed, white), -2, { keepDims: true }),
    given: givenByScale,
  },
  spherical: {
    about: 'one variance for all features',
    isShared: false,
    extents: () => [1, 1],
    freedom: () => 1,
    whiten: (factor, centred) => ({
      white: mul(centred, exp(factor)),
      logDet: mul(sum(factor, [-1, -2]), centred.shape.at(-1) as number),
    }),
    colour: colourScale,
    second: (weighed, white) => sum(mul(weighed, white), [-1, -2], { keepDims: true }),
    given: givenByScale,
  },
};

/** [S, K, B, D] as the rows of all components: [S, 1, K B, D]. */
function overComponents(x: Tensor): Tensor {
  const [mixtures, components, rows, features] = x.shape as [number, number, number, number];
  return reshape(x, [mixtures, 1, components * rows, features]);
}

/** Extents of the packed factors of S mixtures. */
export function factorShape(
  kind: CovarianceKind,
  mixtures: number,
  components: number,
  features: number,
): Shape {
  const { isShared, extents } = COVARIANCES[kind];
  return [mixtures, isShared ? 1 : components, ...extents(features)];
}

/** Squares of whitened rows, summed: [S, K, B]. */
export const distance = (white: Tensor): Tensor => sum(square(white), -1);
