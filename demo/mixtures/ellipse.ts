// A component of the plane as what is drawn of it.
import type { CovarianceKind } from '../../src/models/families/gmm/covariance.ts';
import type { Start } from './track.ts';

/** The covariance of component k: its deviations along the axes and the angle of the first. */
export function ellipseOf(kind: CovarianceKind, { factor }: Start, k: number) {
  const of = kind === 'tied' ? 0 : k;
  // P, of which Σ⁻¹ = Pᵀ P.
  let [a, b, c] = [0, 0, 0];
  if (kind === 'full' || kind === 'tied') {
    [a, b, c] = [
      Math.exp(factor[4 * of] as number),
      factor[4 * of + 2] as number,
      Math.exp(factor[4 * of + 3] as number),
    ];
  } else if (kind === 'diagonal') {
    [a, c] = [Math.exp(factor[2 * of] as number), Math.exp(factor[2 * of + 1] as number)];
  } else {
    a = Math.exp(factor[of] as number);
    c = a;
  }
  const precision = [a * a + b * b, b * c, c * c] as const;
  const det = precision[0] * precision[2] - precision[1] ** 2;
  const [xx, xy, yy] = [precision[2] / det, -precision[1] / det, precision[0] / det];
  const middle = (xx + yy) / 2;
  const off = Math.hypot((xx - yy) / 2, xy);
  return {
    major: Math.sqrt(middle + off),
    minor: Math.sqrt(Math.max(0, middle - off)),
    angle: 0.5 * Math.atan2(2 * xy, xx - yy),
  };
}
