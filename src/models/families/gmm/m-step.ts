// What EM makes of a pass's statistics, in float64: weights, means and factors of one mixture.
import { cholesky, lowerInverse, type Matrix } from '../../../flows/matrices.ts';
import { type Collapse, isGone } from './collapse.ts';
import { COVARIANCES, type CovarianceKind } from './covariance.ts';
import type { MixtureValues } from './mixture-values.ts';

/** Sums over the rows of a pass, with y = P (x - μ) of the mixture that they were weighed by. */
export interface Statistics {
  /** Σ r, [K]. */
  readonly weight: ArrayLike<number>;
  /** Σ r y, [K, D]. */
  readonly first: ArrayLike<number>;
  /** Σ r y yᵀ, or what of it counts. */
  readonly second: ArrayLike<number>;
}

export interface MStepOptions {
  readonly kind: CovarianceKind;
  readonly features: number;
  /** Added to every variance. */
  readonly regularize: number;
  /** Of each feature over all rows, [D]: what is far below it is nothing. */
  readonly deviation: ArrayLike<number>;
  /** Whether components that have lost their rows are to be given others. */
  readonly revives: boolean;
}

export type MStep =
  | { readonly mixture: MixtureValues; readonly revived: number }
  | { readonly collapse: Collapse };

/** A variance below this part of what it was before the pass is what float32 sums leave of nothing. */
const NOTHING = 1e-6;
/** A component with fewer rows has lost them. */
const FEWEST = 1;

/**
 * With statistics of whitened rows, Σ' = L R Lᵀ where R = Σ r y yᵀ / Σ r - ȳ ȳᵀ is near I once EM has
 * nearly converged: P' = chol(R)⁻¹ P loses nothing to the condition of Σ.
 */
export function mStep(
  { logWeights, mean, factor }: MixtureValues,
  statistics: Statistics,
  options: MStepOptions,
): MStep {
  const { features: n, kind } = options;
  const components = logWeights.length;
  const total = sumOf(statistics.weight);
  const next: MixtureValues = {
    logWeights: Float64Array.from(statistics.weight, (w) => Math.log(Math.max(w, 1e-30) / total)),
    mean: Float64Array.from(mean),
    factor: Float64Array.from(factor),
  };
  const each = factor.length / (COVARIANCES[kind].isShared ? 1 : components);
  const factorOf = (k: number) => (COVARIANCES[kind].isShared ? 0 : k * each);
  const dead: number[] = [];
  for (let k = 0; k < components; k++) {
    const weight = statistics.weight[k] as number;
    if (weight < FEWEST) {
      dead.push(k);
      continue;
    }
    const at = factorOf(k);
    const old = factor.subarray(at, at + each);
    const average = Float64Array.from(
      { length: n },
      (_, j) => (statistics.first[k * n + j] as number) / weight,
    );
    coloured(kind, old, average).forEach((shift, j) => {
      next.mean[k * n + j] = (mean[k * n + j] as number) + shift;
    });
    if (COVARIANCES[kind].isShared) continue;
    const second = Float64Array.from(
      { length: each },
      (_, i) => (statistics.second[at + i] as number) / weight,
    );
    without(second, average, 1, n);
    const feature = renew(next.factor.subarray(at, at + each), second, options);
    if (feature !== undefined) return { collapse: { component: k, feature } };
  }
  if (COVARIANCES[kind].isShared) {
    const second = Float64Array.from(statistics.second, (value) => value / total);
    for (let k = 0; k < components; k++) {
      const weight = Math.max(statistics.weight[k] as number, 1e-30);
      const average = Float64Array.from(
        { length: n },
        (_, j) => (statistics.first[k * n + j] as number) / weight,
      );
      without(second, average, weight / total, n);
    }
    const feature = renew(next.factor, second, options);
    if (feature !== undefined) return { collapse: { component: 0, feature } };
  }
  if (options.revives) for (const k of dead) revive(next, k, each, kind, n);
  return { mixture: next, revived: options.revives ? dead.length : 0 };
}

function sumOf(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}

/** Takes share · ȳ ȳᵀ, or what of it counts, off second moments. */
function without(second: Float64Array, average: Float64Array, share: number, n: number): void {
  if (second.length === n * n && n > 1) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        second[i * n + j] =
          (second[i * n + j] as number) - share * (average[i] as number) * (average[j] as number);
      }
    }
    return;
  }
  average.forEach((y, j) => {
    const at = second.length === 1 ? 0 : j;
    second[at] = (second[at] as number) - share * y * y;
  });
}

/** Packed P' of P and R, in place. @returns the feature whose variance has vanished, if one has */
function renew(
  packed: Float64Array,
  ratio: Float64Array,
  { kind, features: n, regularize, deviation }: MStepOptions,
): number | undefined {
  const hasGone = (at: number, j: number) => isGone(packed[at] as number, deviation[j] as number);
  if (kind === 'diagonal' || kind === 'spherical') {
    const divisor = kind === 'spherical' ? n : 1;
    for (let j = 0; j < packed.length; j++) {
      const f = packed[j] as number;
      const value = (ratio[j] as number) / divisor + regularize * Math.exp(2 * f);
      if (!(value > NOTHING)) return j;
      packed[j] = f - 0.5 * Math.log(value);
      if (hasGone(j, j)) return j;
    }
    return undefined;
  }
  const p = unpack(packed, n);
  if (regularize > 0) addOuter(ratio, p, regularize, n);
  const found = cholesky(ratio, n, NOTHING);
  if (!('factor' in found)) return found.pivot;
  const inverse = lowerInverse(found.factor, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let value = 0;
      for (let k = j; k <= i; k++)
        value += (inverse[i * n + k] as number) * (p[k * n + j] as number);
      packed[i * n + j] = i === j ? Math.log(value) : value;
    }
    if (hasGone(i * n + i, i)) return i;
  }
  return undefined;
}

/** P of packed numbers. */
export function unpack(packed: ArrayLike<number>, n: number): Matrix {
  const p = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) p[i * n + j] = packed[i * n + j] as number;
    p[i * n + i] = Math.exp(packed[i * n + i] as number);
  }
  return p;
}

/** Adds share · P Pᵀ to a symmetric matrix. */
function addOuter(target: Matrix, p: Matrix, share: number, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let total = 0;
      for (let k = 0; k <= Math.min(i, j); k++) {
        total += (p[i * n + k] as number) * (p[j * n + k] as number);
      }
      target[i * n + j] = (target[i * n + j] as number) + share * total;
    }
  }
}

/** P⁻¹ y, by substitution. */
export function coloured(
  kind: CovarianceKind,
  packed: ArrayLike<number>,
  y: Float64Array,
): Float64Array {
  const n = y.length;
  if (kind === 'diagonal') return y.map((value, j) => value * Math.exp(-(packed[j] as number)));
  if (kind === 'spherical') return y.map((value) => value * Math.exp(-(packed[0] as number)));
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let rest = y[i] as number;
    for (let k = 0; k < i; k++) rest -= (packed[i * n + k] as number) * (x[k] as number);
    x[i] = rest * Math.exp(-(packed[i * n + i] as number));
  }
  return x;
}

/**
 * Gives a component that has lost its rows half of those of the heaviest one, which is cut across its
 * longest column of L: both keep its covariance, half a deviation to either side of its mean.
 */
export function revive(
  { logWeights, mean, factor }: MixtureValues,
  k: number,
  each: number,
  kind: CovarianceKind,
  n: number,
): void {
  const heaviest = logWeights.reduce(
    (best, w, i) => (w > (logWeights[best] as number) ? i : best),
    0,
  );
  const { isShared } = COVARIANCES[kind];
  const from = isShared ? 0 : heaviest * each;
  const own = factor.subarray(from, from + each);
  const longest = longestColumn(kind, own, n);
  const half = (logWeights[heaviest] as number) - Math.LN2;
  logWeights[k] = half;
  logWeights[heaviest] = half;
  for (let j = 0; j < n; j++) {
    const centre = mean[heaviest * n + j] as number;
    mean[k * n + j] = centre + 0.5 * (longest[j] as number);
    mean[heaviest * n + j] = centre - 0.5 * (longest[j] as number);
  }
  if (!isShared) factor.copyWithin(k * each, from, from + each);
}

/** Of L = P⁻¹, whose columns are its diagonal alone where P has no more. */
function longestColumn(kind: CovarianceKind, packed: Float64Array, n: number): Float64Array {
  const column = (j: number) => {
    const unit = new Float64Array(n);
    unit[j] = 1;
    return coloured(kind, packed, unit);
  };
  if (kind === 'diagonal' || kind === 'spherical') {
    return column(packed.reduce((best, p, j) => (p < (packed[best] as number) ? j : best), 0));
  }
  let longest: Float64Array = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    const next = column(j);
    if (norm(next) > norm(longest)) longest = next;
  }
  return longest;
}

const norm = (values: Float64Array): number => values.reduce((sum, v) => sum + v * v, 0);
