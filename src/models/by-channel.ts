// Densities of series, a channel at a time, where what is seen before a step may be another series.
import type { Tensor } from '../graph/tensor.ts';
import { reshape, transpose } from '../ops/index.ts';
import { CategoricalLikelihood } from './likelihoods/categorical.ts';
import type { Likelihood } from './likelihoods/index.ts';

/** A series' extents. */
export interface Steps {
  readonly steps: number;
  readonly channels: number;
}

/**
 * log p of each channel: [B, C] of outputs [B, T, numbers, C] (of classes [B, T, C, numbers]), and series x
 * [B, T · C] that they describe.
 */
export function channelLogProb(
  { likelihood }: { readonly likelihood: Likelihood },
  outputs: Tensor,
  x: Tensor,
  { steps, channels }: Steps,
): Tensor {
  const rows = x.shape[0] as number;
  const numbers = likelihood.outputsPerFeature;
  const isOfClasses = likelihood instanceof CategoricalLikelihood;
  const apart = reshape(
    outputs,
    isOfClasses ? [rows, steps, channels, numbers] : [rows, steps, numbers, channels],
  );
  // All steps of a channel side by side, as features that are described together.
  const arranged = transpose(apart, isOfClasses ? [0, 2, 1, 3] : [0, 3, 2, 1]);
  const series = transpose(reshape(x, [rows, steps, channels]), [0, 2, 1]);
  return likelihood.distribution(reshape(arranged, [rows, channels, -1])).logProb(series);
}
