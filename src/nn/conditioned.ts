// A net that is told a class beside its input, as if their one-hot rows stood side by side.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Activation, matmul, oneHot, reshape, transpose } from '../ops/index.ts';
import { normal } from './initializers.ts';
import { Linear, MLP, type MlpOptions } from './linear.ts';

/**
 * The classes of rows, [B], as a one among zeros, [B, C].
 *
 * @throws LatentGpuError `bad-input` where they are missing
 * @example nn.classesAsOnes(ops.iota(2), 3) // [1, 0, 0, 0, 1, 0]
 */
export function classesAsOnes(labels: Tensor | undefined, count: number): Tensor {
  if (labels) return oneHot(labels, count);
  throw new LatentGpuError('bad-input', 'a net of classes needs the class of each row');
}

/**
 * W_y [H, C], the part of a layer's weight that reads classes.
 *
 * As an embedding: of the size of what a unit sees, however wide the input beside it is. A class that is
 * whispered is not listened to, and codes then say what it says.
 *
 * @example new nn.ClassColumns(10, 300).weight.shape // [300, 10]
 */
export class ClassColumns extends Linear {
  /** @param count of classes, C */
  constructor(count: number, width: number) {
    super(count, width, { init: { weight: normal(1) }, bias: false });
  }

  /** What every class adds to the layer, [C, H]. */
  get each(): Tensor {
    return transpose(this.weight);
  }

  /**
   * What the classes of B rows, [B], add to the layer, for rows with so many axes between: [B, 1, …, H].
   *
   * @throws LatentGpuError `bad-input` where they are missing
   */
  of(labels: Tensor | undefined, axes: number): Tensor {
    return this.weighed(classesAsOnes(labels, this.weight.shape[1] as number), axes);
  }

  /** @param weights of the classes of each row, [B, C]: of a class that is known, a one */
  weighed(weights: Tensor, axes: number): Tensor {
    const own = matmul(weights, this.each);
    const [rows, width] = own.shape as [number, number];
    return reshape(own, [rows, ...Array<number>(axes).fill(1), width]);
  }
}

/**
 * An MLP of [x, one-hot y]. The first layer's weight is kept in two, `0.weight` [H, D] and
 * `classes.weight` [H, C], because W · [x, y] = Wₓ x + the column of W_y that y picks: no row is ever
 * widened, and what is the same for all classes of a row is computed once.
 *
 * ```ts
 * const net = new nn.ConditionedMLP([784, 300, 40], 'relu', 10);
 * net.of(ops.zeros([32, 784]), input('labels', [32], 'u32')).shape // [32, 40]
 * ```
 */
export class ConditionedMLP extends MLP {
  /** W_y. */
  readonly classes: ClassColumns;

  /** @param count of classes, C */
  constructor(
    widths: readonly number[],
    activation: Activation,
    count: number,
    options: MlpOptions = {},
  ) {
    super(widths, activation, options);
    this.classes = new ClassColumns(count, widths[1] as number);
  }

  override children(): [string, unknown][] {
    return [...super.children(), ['classes', this.classes]];
  }

  /**
   * @param x [..., D] of B rows in front
   * @param labels a class for each of the B rows, [B]
   */
  of(x: Tensor, labels: Tensor | undefined): Tensor {
    return this.call(x, this.classes.of(labels, x.rank - 2));
  }

  /** @param weights of the classes of each of the B rows, [B, C]: of a class that is known, a one */
  weighed(x: Tensor, weights: Tensor): Tensor {
    return this.call(x, this.classes.weighed(weights, x.rank - 2));
  }

  /** What it yields for every class of each row x [B, D]: [B, C, …]. */
  ofEvery(x: Tensor): Tensor {
    const [rows, width] = x.shape as [number, number];
    return this.call(reshape(x, [rows, 1, width]), this.classes.each);
  }
}
