// Discrete codes: what makes them more than a posterior that cannot be differentiated through.
import type { Draw } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Posterior } from '../model.ts';

/** Every code there is, and how likely each is. */
export interface Enumeration {
  /** [C, M]. */
  readonly codes: Tensor;
  /** log q(code | x), [B, C]. */
  readonly logProbs: Tensor;
}

export interface DiscretePosterior extends Posterior {
  /** How many codes there are, C. */
  readonly configurations: number;
  /**
   * Draws [B, S, M] (of a single one [B, M]) made continuous, through which gradients flow.
   *
   * @param temperature above 0: near 0 they are codes, and their gradients' variance grows
   * @param isHard whether the values are codes and only the gradients those of relaxed draws
   */
  relaxed(samples: number, temperature: number | Tensor, isHard: boolean): Draw;
  /** All codes, in the order of counting. */
  enumerate(): Enumeration;
}

/**
 * Whether codes are discrete, so that they can be summed over.
 *
 * ```ts
 * const q = new distributions.Normal(ops.zeros([3, 2]), ops.zeros([3, 2]));
 * objectives.isDiscrete(new objectives.NormalPosterior(q)) // false
 * ```
 */
export function isDiscrete(posterior: Posterior): posterior is DiscretePosterior {
  return 'enumerate' in posterior;
}
