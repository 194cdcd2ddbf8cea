// Nets of convolutions that are told a class beside their input: as if its one-hot row stood beside the code, or
// beside every pixel, and inside the image all around.
import type { Tensor } from '../../graph/tensor.ts';
import { ClassColumns } from '../../nn/index.ts';
import { reshape } from '../../ops/index.ts';
import { ConvolutionalDecoder, ConvolutionalEncoder } from './convolutional.ts';

export class ToldConvolutionalEncoder extends ConvolutionalEncoder {
  readonly classes: ClassColumns;

  constructor(count: number, ...options: ConstructorParameters<typeof ConvolutionalEncoder>) {
    super(...options);
    this.classes = new ClassColumns(count, options[0].channels[0] as number);
  }

  /** @param labels of B rows x [B, …, D], [B] */
  of(x: Tensor, labels: Tensor | undefined): Tensor {
    return this.call(x, inPixels(this.classes.of(labels, x.rank - 2)));
  }

  /** @param weights of the classes of each row, [B, C] */
  weighed(x: Tensor, weights: Tensor): Tensor {
    return this.call(x, inPixels(this.classes.weighed(weights, x.rank - 2)));
  }

  /** What it yields for every class of each row x [B, D]: [B, C, …]. */
  ofEvery(x: Tensor): Tensor {
    const [rows, width] = x.shape as [number, number];
    return this.call(reshape(x, [rows, 1, width]), inPixels(this.classes.each));
  }
}

/** [..., C] as what all pixels of an image get, [..., 1, 1, C]. */
const inPixels = (x: Tensor): Tensor =>
  reshape(x, [...x.shape.slice(0, -1), 1, 1, x.shape.at(-1) as number]);

export class ToldConvolutionalDecoder extends ConvolutionalDecoder {
  readonly classes: ClassColumns;

  constructor(count: number, ...options: ConstructorParameters<typeof ConvolutionalDecoder>) {
    super(...options);
    this.classes = new ClassColumns(count, this.first.weight.shape[0] as number);
  }

  /** @param labels of B rows z [B, …, M], [B] */
  of(z: Tensor, labels: Tensor | undefined): Tensor {
    return this.call(z, this.classes.of(labels, z.rank - 2));
  }
}
