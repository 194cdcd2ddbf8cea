// What a Gaussian autoregressive model is made of.
import type { Tensor } from '../../../graph/tensor.ts';
import type { Module } from '../../../nn/index.ts';
import type { Walk } from '../../abilities.ts';
import type { Steps } from '../../by-channel.ts';

export interface ArDensity extends Module {
  /** log p(x) of rows [B, D]: [B]. */
  logProb(x: Tensor): Tensor;
  /** log p of each channel of series x, summed over steps, where what is seen before is of `seen`: [B, C]. */
  byChannel(x: Tensor, seen: Tensor, steps: Steps): Tensor;
  walk(rows: number, order: Tensor): Walk;
  /** Numbers that say which of its kind it is, where they are known to count. */
  readonly freedom?: number;
}
