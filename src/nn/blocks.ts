// Blocks of convolutions that keep an image's shape.
import type { Tensor } from '../graph/tensor.ts';
import { type Activation, activations, add, mul, sigmoid, slice, tanh } from '../ops/index.ts';
import { Conv2d } from './conv.ts';
import { Module } from './module.ts';
import { makeNorm, type Norm, type NormKind } from './norm-kinds.ts';

/**
 * x + W₂ a(W₁ a(x)), a with a normalisation before it if there is one: activations come first, so that what is passed on is linear (He et al. 2016).
 *
 * @example new nn.ResidualBlock(16, 'silu', 3, 'group').call(ops.zeros([1, 8, 8, 16])).shape // [1, 8, 8, 16]
 */
export class ResidualBlock extends Module {
  readonly first: Conv2d;
  readonly second: Conv2d;
  readonly activation: Activation;
  /** Before either activation, or none. */
  readonly norms: readonly Norm[];

  /** @param kernel of the first convolution; the second one is pointwise */
  constructor(
    channels: number,
    activation: Activation = 'relu',
    kernel: number | readonly [number, number] = 3,
    norm: NormKind = 'none',
  ) {
    super();
    this.activation = activation;
    this.first = new Conv2d(channels, channels, { kernel });
    this.second = new Conv2d(channels, channels, { kernel: 1 });
    this.norms = [0, 1].flatMap(() => makeNorm(norm, channels) ?? []);
  }

  call(x: Tensor): Tensor {
    const [before, between] = this.norms;
    const active = activations[this.activation];
    if (!before || !between) {
      return add(x, this.second.call(this.first.call(active(x), this.activation)));
    }
    const inner = this.first.call(active(before.call(x)));
    return add(x, this.second.call(active(between.call(inner))));
  }
}

/** tanh(a) σ(b) of halves a and b of the last axis, [..., 2C]: [..., C]. */
export function gated(x: Tensor): Tensor {
  const channels = (x.shape.at(-1) as number) / 2;
  return mul(tanh(slice(x, -1, 0, channels)), sigmoid(slice(x, -1, channels, 2 * channels)));
}

/**
 * x + W (tanh(a) ⊙ σ(b)), a and b halves of a convolution (van den Oord et al. 2016).
 *
 * @example new nn.GatedBlock(16).call(ops.zeros([1, 8, 8, 16])).shape // [1, 8, 8, 16]
 */
export class GatedBlock extends Module {
  readonly gates: Conv2d;
  readonly out: Conv2d;

  constructor(channels: number, kernel: number | readonly [number, number] = 3) {
    super();
    this.gates = new Conv2d(channels, 2 * channels, { kernel });
    this.out = new Conv2d(channels, channels, { kernel: 1 });
  }

  call(x: Tensor): Tensor {
    return add(x, this.out.call(gated(this.gates.call(x))));
  }
}
