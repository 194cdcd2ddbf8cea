// Covariances that become singular: how that shows, and what is said of it.
import { LatentGpuError } from '../../../errors.ts';
import { cholesky } from '../../../flows/matrices.ts';
import type { CovarianceKind } from './covariance.ts';
import { addSquares, featureName, type Sample, type StartOptions } from './start.ts';

/** A component whose covariance has become singular, and the feature that the others explain. */
export interface Collapse {
  readonly component: number;
  readonly feature: number;
}

/** A deviation below this part of its feature's is what float32 leaves of nothing. */
const NOTHING = 1e-5;

/**
 * @param logPrecision log of a factor's diagonal entry: of 1 / what a feature varies by given those before it
 * @param deviation of the feature over all rows
 */
export const isGone = (logPrecision: number, deviation: number): boolean =>
  !(Math.exp(-logPrecision) >= NOTHING * deviation);

/** What has collapsed of a mixture that is changed without asking, or has turned into no number. */
export function collapseOf(
  factor: ArrayLike<number>,
  kind: CovarianceKind,
  deviation: ArrayLike<number>,
): Collapse | undefined {
  const n = deviation.length;
  const each = { full: n * n, tied: n * n, diagonal: n, spherical: 1 }[kind];
  for (let at = 0; at < factor.length; at += each) {
    for (let j = 0; j < n; j++) {
      const inside = each === n * n ? j * n + j : Math.min(j, each - 1);
      if (isGone(factor[at + inside] as number, deviation[j] as number)) {
        return { component: at / each, feature: j };
      }
    }
  }
  return undefined;
}

/**
 * Where every covariance of data would be singular: the first feature that those before it explain. Steps too
 * small to get there would end as a mixture that is narrow without end.
 *
 * @throws LatentGpuError `bad-data`
 */
export function checkSpans({ rows, mean, deviation }: Sample, options: StartOptions): void {
  const n = deviation.length;
  const count = rows.length / n;
  if ((options.kind !== 'full' && options.kind !== 'tied') || options.regularize > 0) return;
  const correlation = new Float64Array(n * n);
  const scaled = new Float64Array(n);
  for (let at = 0; at < rows.length; at += n) {
    for (let i = 0; i < n; i++) {
      const unit = (deviation[i] as number) * Math.sqrt(count);
      scaled[i] = ((rows[at + i] as number) - (mean[i] as number)) / unit;
    }
    addSquares(correlation, scaled, true);
  }
  const found = cholesky(correlation, n, NOTHING ** 2);
  if ('pivot' in found) throw collapsed({ component: 0, feature: found.pivot }, options);
}

/** One line that names both. */
export function collapsed(
  { component, feature }: Collapse,
  { kind, columns, regularize }: StartOptions,
): LatentGpuError {
  const whose =
    kind === 'tied'
      ? 'the covariance of all components'
      : `the covariance of component ${component}`;
  const remedy = `--set regularize=${regularize > 0 ? (10 * regularize).toExponential() : '1e-6'} or fewer components`;
  return new LatentGpuError(
    'bad-data',
    `${whose} has become singular at ${featureName(columns, feature)}: ` +
      `its rows leave that no variance of its own; take ${remedy}${kind === 'full' ? ', or covariance=diagonal or tied' : ''}`,
  );
}
