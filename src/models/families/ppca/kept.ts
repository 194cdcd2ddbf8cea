// Where the parameters of probabilistic PCA lie.
import type { Variable } from '../../../graph/variable.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { Solution } from './solve.ts';

export interface Kept {
  /** W, [D, M]. */
  readonly weight: Variable;
  /** μ, [D]. */
  readonly mean: Variable;
  /** log σ, []. */
  readonly logStd: Variable;
}

export function writeKept(
  runtime: Runtime,
  kept: Kept,
  { weight, mean, variance }: Solution,
): void {
  runtime.write(kept.weight, Float32Array.from(weight));
  if (mean) runtime.write(kept.mean, Float32Array.from(mean));
  runtime.write(kept.logStd, [0.5 * Math.log(variance)]);
}
