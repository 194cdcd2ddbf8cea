// Monotone rational-quadratic splines: as flexible as a coupling needs, inverted in closed form.
// Durkan, Bekasov, Murray and Papamakarios 2019.
import { LatentGpuError } from '../errors.ts';
import { rationalQuadratic } from '../ops/index.ts';
import type { Transformer } from './transformers.ts';

export interface SplineOptions {
  /** Pieces between -bound and bound. Default: 8. */
  readonly bins?: number;
  /** Outside ±bound the map is the identity. Default: 3. */
  readonly bound?: number;
}

/**
 * A transformer of 3 · bins - 1 parameters an element; parameters of 0 are the identity.
 *
 * @throws LatentGpuError `bad-config` for fewer than 2 or more than 64 bins, or a bound that is not above 0
 * @example flows.spline({ bins: 4 }).parameters // 11
 */
export function spline(options: SplineOptions = {}): Transformer {
  const { bins = 8, bound = 3 } = options;
  if (!(Number.isInteger(bins) && bins >= 2 && bins <= 64 && bound > 0)) {
    throw new LatentGpuError(
      'bad-config',
      `a spline takes 2 to 64 bins and a positive bound, not ${bins} and ${bound}`,
    );
  }
  return {
    parameters: 3 * bins - 1,
    forward: (z, parameters) => rationalQuadratic(z, parameters, { bins, bound, inverse: false }),
    inverse: (x, parameters) => rationalQuadratic(x, parameters, { bins, bound, inverse: true }),
  };
}
