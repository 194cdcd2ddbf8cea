// Batch normalisation as a layer of a net.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  add,
  batchNorm,
  mean,
  mul,
  NORM_MOMENTUM,
  reshape,
  square,
  stopGradient,
  sub,
} from '../ops/index.ts';
import { constantInit } from './initializers.ts';
import { isLearning, moves } from './learning.ts';
import { Module } from './module.ts';

/**
 * (x - m) / √(v + 1e-5) · weight + bias of each channel, over all axes but the last: [..., C], rows and
 * places alike (Ioffe and Szegedy 2015). Within {@link learning}, m and v are the batch's, v with divisor n,
 * and moving averages take a tenth of them, of v with divisor n - 1, as PyTorch's do; elsewhere m and v are
 * those averages. Buffers `running_mean` and `running_var` [C] are saved with the weights.
 *
 * @example new nn.BatchNorm(8).call(ops.zeros([32, 8])).shape // [32, 8]
 */
export class BatchNorm extends Module {
  readonly weight: Variable;
  readonly bias: Variable;
  readonly mean: Variable;
  readonly variance: Variable;

  constructor(channels: number) {
    super();
    const held = (name: string, role: 'parameter' | 'buffer', value: number) =>
      variable(name, [channels], { role, init: constantInit(value) });
    this.weight = held('weight', 'parameter', 1);
    this.bias = held('bias', 'parameter', 0);
    this.mean = held('running_mean', 'buffer', 0);
    this.variance = held('running_var', 'buffer', 1);
  }

  override children(): [string, unknown][] {
    return [
      ['weight', this.weight],
      ['bias', this.bias],
      ['running_mean', this.mean],
      ['running_var', this.variance],
    ];
  }

  /** @throws LatentGpuError `bad-config` for a step of one value a channel, which has no variance */
  call(x: Tensor): Tensor {
    const rows = reshape(x, [-1, this.weight.size]);
    const [center, spread] = isLearning() ? this.ofBatch(rows) : [this.mean, this.variance];
    return reshape(batchNorm(rows, center, spread, this.weight, this.bias), x.shape);
  }

  private ofBatch(rows: Tensor): [mean: Tensor, variance: Tensor] {
    const count = rows.shape[0] as number;
    if (count < 2) {
      throw new LatentGpuError(
        'bad-config',
        'batch normalisation learns from batches of two rows or more; take a larger batch, or norm=layer',
      );
    }
    const center = mean(rows, 0);
    // The variance's slope along the mean is 0.
    const spread = mean(square(sub(rows, stopGradient(center))), 0);
    const average = (now: Tensor) => (old: Tensor) =>
      add(mul(1 - NORM_MOMENTUM, old), mul(NORM_MOMENTUM, now));
    moves(this.mean, average(center));
    moves(this.variance, average(mul(count / (count - 1), spread)));
    return [center, spread];
  }
}
