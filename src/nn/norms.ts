// Normalisations over features, and over groups of channels of images.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, div, mean, mul, reshape, sqrt, square, sub } from '../ops/index.ts';
import { constantInit } from './initializers.ts';
import { Module } from './module.ts';

const EPSILON = 1e-5;

/** (x - mean) / √(variance + ε) over axes. */
function standardised(x: Tensor, axes: readonly number[]): Tensor {
  const centred = sub(x, mean(x, axes, { keepDims: true }));
  const variance = mean(square(centred), axes, { keepDims: true });
  return div(centred, sqrt(add(variance, EPSILON)));
}

/** What both have: a scale and a shift of each feature, as in PyTorch. */
abstract class Norm extends Module {
  readonly weight: Variable;
  readonly bias: Variable;

  constructor(features: number) {
    super();
    const init = (value: number) => ({ role: 'parameter' as const, init: constantInit(value) });
    this.weight = variable('weight', [features], init(1));
    this.bias = variable('bias', [features], init(0));
  }

  protected scaled(x: Tensor): Tensor {
    return add(mul(x, this.weight), this.bias);
  }
}

/**
 * Over the last axis: [..., D] (Ba, Kiros and Hinton 2016).
 *
 * @example new nn.LayerNorm(16).call(ops.zeros([32, 16])).shape // [32, 16]
 */
export class LayerNorm extends Norm {
  call(x: Tensor): Tensor {
    return this.scaled(standardised(x, [-1]));
  }
}

/**
 * Over pixels and groups of channels: [B, ..., C] (Wu and He 2018).
 *
 * @example new nn.GroupNorm(4, 16).call(ops.zeros([1, 8, 8, 16])).shape // [1, 8, 8, 16]
 */
export class GroupNorm extends Norm {
  readonly groups: number;

  /** @throws LatentGpuError `bad-config` for channels that cannot be cut into so many groups */
  constructor(groups: number, channels: number) {
    super(channels);
    if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0)) {
      const why = `${channels} channels cannot be cut into ${groups} groups`;
      throw new LatentGpuError('bad-config', `GroupNorm: ${why}`);
    }
    this.groups = groups;
  }

  call(x: Tensor): Tensor {
    const [batch, channels] = [x.shape[0] as number, x.shape.at(-1) as number];
    const cut = reshape(x, [batch, -1, this.groups, channels / this.groups]);
    return this.scaled(reshape(standardised(cut, [1, 3]), x.shape));
  }
}
