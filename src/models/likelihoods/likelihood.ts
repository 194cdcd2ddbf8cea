// What a decoder describes.
import type { Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module } from '../../nn/index.ts';

export abstract class Likelihood extends Module {
  /** Decoder outputs for each data feature. */
  abstract readonly outputsPerFeature: number;
  /** The distribution of x given the decoder's outputs [..., features · outputsPerFeature]. */
  abstract distribution(outputs: Tensor): Distribution;
}
