// Nets that are told a class beside their input: as if its one-hot row stood beside the code, or beside every pixel
// or step, and inside an image all around.
import type { Tensor } from '../../graph/tensor.ts';
import { ClassColumns, Module } from '../../nn/index.ts';
import { reshape } from '../../ops/index.ts';
import { ConvolutionalDecoder } from './convolutional.ts';
import { RecurrentDecoder } from './recurrent.ts';

/** An encoder whose first layer takes more than data. */
interface Encoder extends Module {
  /** Numbers that the first layer makes of a pixel or of a step, C. */
  readonly width: number;
  /** @param more what is added to all of them: [..., C] */
  call(x: Tensor, more?: Tensor): Tensor;
}

/** An encoder of pixels or steps that is told a class at each of them. */
export class ToldEncoder extends Module {
  readonly classes: ClassColumns;
  private readonly net: Encoder;

  constructor(net: Encoder, count: number) {
    super();
    this.net = net;
    this.classes = new ClassColumns(count, net.width);
  }

  override children(): [string, unknown][] {
    return [...this.net.children(), ['classes', this.classes]];
  }

  call(x: Tensor): Tensor {
    return this.net.call(x);
  }

  /** @param labels of B rows x [B, …, D], [B] */
  of(x: Tensor, labels: Tensor | undefined): Tensor {
    return this.net.call(x, this.classes.of(labels, x.rank - 2));
  }

  /** @param weights of the classes of each row, [B, C] */
  weighed(x: Tensor, weights: Tensor): Tensor {
    return this.net.call(x, this.classes.weighed(weights, x.rank - 2));
  }

  /** What it yields for every class of each row x [B, D]: [B, C, …]. */
  ofEvery(x: Tensor): Tensor {
    const [rows, width] = x.shape as [number, number];
    return this.net.call(reshape(x, [rows, 1, width]), this.classes.each);
  }
}

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

export class ToldRecurrentDecoder extends RecurrentDecoder {
  /** Beside the code of which states are made that units start from. */
  readonly startClasses: ClassColumns;
  /** Beside the code that every step is told. */
  readonly classes: ClassColumns;

  constructor(count: number, ...options: ConstructorParameters<typeof RecurrentDecoder>) {
    super(...options);
    this.startClasses = new ClassColumns(count, this.first.weight.shape[0] as number);
    this.classes = new ClassColumns(count, this.units.inputsWidth);
  }

  override children(): [string, unknown][] {
    return [...super.children(), ['startClasses', this.startClasses], ['classes', this.classes]];
  }

  /** @param labels of B rows z [B, …, M], [B] */
  of(z: Tensor, labels: Tensor | undefined): Tensor {
    const told = (classes: ClassColumns) => classes.of(labels, z.rank - 2);
    return this.call(z, { start: told(this.startClasses), step: told(this.classes) });
  }
}
