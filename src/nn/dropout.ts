// Dropout. Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { full, mul, randomBernoulli } from '../ops/index.ts';
import { isLearning } from './learning.ts';
import { Module } from './module.ts';

/**
 * Within {@link learning}, each number becomes 0 with probability `rate`, others in every step, and what stays is
 * divided by 1 - rate, as PyTorch has it; elsewhere all stays as it is. `Trainer` describes its steps within it.
 *
 * @example new nn.Dropout(0.5).call(ops.full([2], 3)) // [3, 3]
 */
export class Dropout extends Module {
  readonly rate: number;

  /** @throws LatentGpuError `bad-config` for a rate outside [0, 1) */
  constructor(rate = 0.5) {
    super();
    if (!(rate >= 0 && rate < 1)) {
      throw new LatentGpuError('bad-config', `dropout: the rate is ${rate}; it must lie in [0, 1)`);
    }
    this.rate = rate;
  }

  call(x: Tensor): Tensor {
    if (!isLearning() || this.rate === 0) return x;
    const stays = 1 - this.rate;
    return mul(x, mul(1 / stays, randomBernoulli(full(x.shape, stays))));
  }
}
