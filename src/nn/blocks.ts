// Blocks of convolutions that keep an image's shape.
import type { Tensor } from '../graph/tensor.ts';
import { type Activation, activations, add, mul, sigmoid, slice, tanh } from '../ops/index.ts';
import { Conv2d } from './conv.ts';
import { Module } from './module.ts';

/** x + W₂ a(W₁ a(x)): activations come first, so that what is passed on is linear (He et al. 2016). */
export class ResidualBlock extends Module {
  readonly first: Conv2d;
  readonly second: Conv2d;
  readonly activation: Activation;

  /** @param kernel of the first convolution; the second one is pointwise */
  constructor(
    channels: number,
    activation: Activation = 'relu',
    kernel: number | readonly [number, number] = 3,
  ) {
    super();
    this.activation = activation;
    this.first = new Conv2d(channels, channels, { kernel });
    this.second = new Conv2d(channels, channels, { kernel: 1 });
  }

  call(x: Tensor): Tensor {
    const inner = this.first.call(activations[this.activation](x), this.activation);
    return add(x, this.second.call(inner));
  }
}

/** x + W (tanh(a) ⊙ σ(b)), a and b halves of a convolution (van den Oord et al. 2016). */
export class GatedBlock extends Module {
  readonly gates: Conv2d;
  readonly out: Conv2d;
  private readonly channels: number;

  constructor(channels: number, kernel: number | readonly [number, number] = 3) {
    super();
    this.channels = channels;
    this.gates = new Conv2d(channels, 2 * channels, { kernel });
    this.out = new Conv2d(channels, channels, { kernel: 1 });
  }

  call(x: Tensor): Tensor {
    const { channels } = this;
    const both = this.gates.call(x);
    const gated = mul(
      tanh(slice(both, -1, 0, channels)),
      sigmoid(slice(both, -1, channels, 2 * channels)),
    );
    return add(x, this.out.call(gated));
  }
}
