// Where codes come from.
import type { Density } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Variable } from '../../graph/variable.ts';
import { Module } from '../../nn/index.ts';
import type { GroupDraws } from '../abilities.ts';
import type { TrainingRows } from '../learner.ts';

/**
 * p(z) as a part of a model.
 *
 * ```ts
 * const traits = { latent: 2, features: 784, seed: 0, posteriorOf: 'none is needed' };
 * const part = makePrior({ kind: 'mixture', components: 5 }, { ...traits, code: { kind: 'normal' } });
 * part.density.draw([3]).value.shape // [3, 2]
 * ```
 */
export abstract class PriorPart extends Module {
  /** The name that its tensors have in a model; of a part without tensors it does not matter. */
  readonly tensors: string = 'prior';
  /** Whether it is N(0, I). */
  abstract readonly isStandard: boolean;
  /** p(z). */
  abstract readonly density: Density;
  /** Initial values that are found in the data. */
  initial?(data: TrainingRows, seed: number): ReadonlyMap<Variable, Float32Array>;
  /** Of a mixture: draws of its components. */
  readonly groups?: GroupDraws;
  /** Of a mixture: log p(c | z) of codes z [B, M], [B, K]. */
  logResponsibilities?(z: Tensor): Tensor;
  /** Codes [B, M] for noise [B, M] ~ N(0, I), or by noise of its own. */
  abstract codes(noise: Tensor): Tensor;
}
