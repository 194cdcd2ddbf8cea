// KL(q ‖ p) as it weighs in a bound: β (Higgins et al. 2017) and free bits (Kingma et al. 2016).
import type { Density, Draw } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { maximum, mean, mul, sub, sum } from '../ops/index.ts';
import { overDraws } from './draws.ts';
import type { Posterior } from './model.ts';

export interface FreeBits {
  /** λ in nats, at least 0. */
  readonly least: number | Tensor;
  /** Whether each dimension, or group of a discrete code, is given λ, or all of them together. */
  readonly by: 'dimension' | 'group' | 'all';
}

export interface Weights {
  /** Weight of the divergence. */
  readonly beta?: number | Tensor;
  /**
   * The divergence counts as max(λ, KL), KL the mean over the batch: nothing is gained by making it
   * smaller than λ, so that what is said in λ nats is free.
   */
  readonly freeBits?: FreeBits;
}

export interface Divergence {
  /** KL(q ‖ p) of each data point or its estimate, [B]. */
  readonly kl: Tensor;
  /** The closed form by dimension or group, [B, G]. */
  readonly closed?: Tensor;
}

/** The closed form where it is wanted and there is one, else log q(z) - log p(z) at the draws. */
export function divergenceOf(
  posterior: Posterior,
  prior: Density,
  draw: Draw,
  kind: 'analytic' | 'sampled',
): Divergence {
  if (kind === 'analytic' && posterior.divergence) return posterior.divergence(draw);
  const closed = kind === 'analytic' ? posterior.klTo?.(prior) : undefined;
  if (closed) return { kl: sum(closed, -1), closed };
  return { kl: overDraws(sub(draw.logProb(), prior.logProb(draw.value))) };
}

/**
 * What the divergence takes from a bound: β KL, [B]; with free bits β Σ_j max(λ, mean_B KL_j), a scalar.
 *
 * @throws LatentGpuError `bad-config` for free bits by dimension of what is only known as a whole
 */
export function penaltyOf(
  { kl, closed }: Divergence,
  { beta = 1, freeBits }: Weights = {},
): Tensor {
  if (!freeBits) return mul(beta, kl);
  const { least, by } = freeBits;
  if (by === 'all') return mul(beta, maximum(mean(kl), least));
  if (!closed) {
    throw new LatentGpuError(
      'bad-config',
      `free bits by ${by} need a divergence in closed form, which this posterior and prior lack; give them by all`,
    );
  }
  return mul(beta, sum(maximum(mean(closed, 0), least)));
}
