// Codes of data as points in the plane.
import type { ImageDataset } from '../data/dataset.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { FEATURES, mostVaried, principalComponents, variancesOf } from './components.ts';
import type { Picture } from './png.ts';
import { scatter } from './scatter.ts';

/** Codes of a scatter plot, unless more are asked for. */
export const CODES = 5000;

/** Codes in the plane that tells most about them. */
export interface PlanarCodes {
  /** [count, 2]. */
  readonly points: Float32Array;
  /** The share of the codes' variance that the plane holds. */
  readonly share: number;
}

/** Dimensions that all count: the work grows with the third power of their number. */
const MOST = 1024;

/**
 * The codes themselves if they have two dimensions, else their first two principal components.
 *
 * @param most dimensions that count, those of largest variance
 */
export function inThePlane(
  codes: Float32Array,
  count: number,
  latent: number,
  most = latent > MOST ? FEATURES : latent,
): PlanarCodes {
  if (latent === 2) return { points: codes, share: 1 };
  if (latent > 2) {
    const chosen = mostVaried(codes, latent, most);
    const [own, isPart] = [chosen.length, chosen.length < latent];
    const some = isPart
      ? Float32Array.from(
          { length: count * own },
          (_, at) => codes[Math.floor(at / own) * latent + (chosen[at % own] as number)] as number,
        )
      : codes;
    const { projected, variances } = principalComponents(some, count, own);
    const total = (isPart ? variancesOf(codes, latent) : variances).reduce((a, b) => a + b, 0);
    const [first = 0, second = 0] = variances;
    return { points: projected, share: total > 0 ? (first + second) / total : 1 };
  }
  const points = new Float32Array(2 * count);
  codes.forEach((value, i) => {
    points[2 * i] = value;
  });
  return { points, share: 1 };
}

/**
 * Codes in the plane, by label; those of one dimension along a line, each label above the other.
 *
 * @param size side of the plot in pixels
 */
export function codesPicture(
  { points }: PlanarCodes,
  latent: number,
  { count, labels }: Pick<ImageDataset, 'count' | 'labels'>,
  size?: number,
): Picture {
  const options = { count, ...(labels && { labels }), ...(size !== undefined && { size }) };
  if (latent > 1) return scatter(points, options);
  const lines = points.filter((_, i) => i % 2 === 0);
  const range = lines.reduce((a, b) => Math.max(a, b)) - lines.reduce((a, b) => Math.min(a, b));
  const random = new Random(0, STREAMS.spreadCodes, 0);
  const spread = points.map((value, i) =>
    i % 2 === 0 ? value : 0.08 * (range || 1) * ((labels?.[i >> 1] ?? 0) + 0.8 * random.uniform()),
  );
  return scatter(spread, options);
}
