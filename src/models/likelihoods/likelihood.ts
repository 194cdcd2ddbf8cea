// What a decoder describes.
import type { Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module } from '../../nn/index.ts';

/**
 * p(x | z) as a part of a model: which distribution a decoder's numbers describe.
 *
 * @example makeLikelihood({ kind: 'bernoulli' }).distribution(ops.zeros([3, 784])).mean.shape // [3, 784]
 */
export abstract class Likelihood extends Module {
  /** Decoder outputs for each data feature. */
  abstract readonly outputsPerFeature: number;

  /** Decoder outputs for a data point of so many features. */
  outputs(features: number): number {
    return features * this.outputsPerFeature;
  }

  /** The distribution of x given the decoder's outputs [..., outputs(features)]. */
  abstract distribution(outputs: Tensor): Distribution;
}
