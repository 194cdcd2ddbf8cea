// One idea for whatever has a density and can be drawn from: priors, bases of flows, posteriors' draws.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { mul } from '../ops/index.ts';

/** Points that were drawn, and what they weigh where they were drawn. */
export interface Draw {
  /** [..., M]. */
  readonly value: Tensor;
  /** Their log-densities in nats, [...], often at less cost than {@link Density.logProb} of the value. */
  logProb(): Tensor;
  /** Whether the value is a differentiable function of the parameters. */
  readonly pathwise: boolean;
}

export interface DrawOptions {
  /** Scales the noise: below 1 draws come from denser regions. Default: 1. */
  readonly temperature?: number | Tensor;
}

/** A distribution of vectors of M numbers. */
export interface Density {
  /** log p(z) in nats: z [..., M] to [...]. */
  logProb(z: Tensor): Tensor;
  /** Draws [...lead, M]. */
  draw(lead: Shape, options?: DrawOptions): Draw;
}

/**
 * Noise under a temperature; under 1 it is what it was.
 *
 * @example distributions.tempered(ops.constant(2), 0.5) // 1
 */
export function tempered(noise: Tensor, temperature: number | Tensor = 1): Tensor {
  return temperature === 1 ? noise : mul(noise, temperature);
}

/** Points of a distribution, weighed by its density where they lie. */
export const drawn = (of: Pick<Density, 'logProb'>, value: Tensor, pathwise: boolean): Draw => ({
  value,
  logProb: () => of.logProb(value),
  pathwise,
});
