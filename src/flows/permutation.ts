// Fixed orders of the last axis: they mix what couplings keep apart, and change no volume.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constant, permuteColumns } from '../ops/index.ts';
import { Random, shuffled } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { Bijection, checkEvents, type Mapped } from './bijection.ts';

/**
 * A random order of 0 … n - 1, the same for the same seed.
 *
 * @example flows.randomOrder(4, 0).length // 4
 */
export const randomOrder = (n: number, seed: number): Uint32Array =>
  shuffled(n, new Random(seed, STREAMS.permutation, 0));

/**
 * x[..., i] = z[..., order[i]]. The order is a buffer and travels with the model.
 *
 * ```ts
 * const swap = new flows.Permutation([2], [1, 0]);
 * swap.forward(ops.zeros([3, 2])).value.shape // [3, 2]
 * ```
 */
export class Permutation extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly order: Variable;
  readonly back: Variable;

  /**
   * @param order a permutation of the indices of the last axis
   * @throws LatentGpuError `bad-config` for an order that does not name each index once
   */
  constructor(shape: Shape, order: ArrayLike<number>) {
    super();
    const width = shape.at(-1) as number;
    const given = Array.from(order);
    if (given.length !== width || given.some((_, i) => !given.includes(i))) {
      throw new LatentGpuError(
        'bad-config',
        `[${given.slice(0, 8).join(', ')}${given.length > 8 ? ', …' : ''}] does not name each of ${width} indices once`,
      );
    }
    this.shape = shape;
    const back = Uint32Array.from(given, (_, i) => given.indexOf(i));
    const held = (name: string, values: ArrayLike<number>) =>
      variable(name, [width], { dtype: 'u32', role: 'buffer', init: () => values });
    this.order = held('order', Uint32Array.from(given));
    this.back = held('back', back);
  }

  /** The last axis turned around. */
  static reversal(shape: Shape): Permutation {
    const width = shape.at(-1) as number;
    return new Permutation(
      shape,
      Array.from({ length: width }, (_, i) => width - 1 - i),
    );
  }

  static random(shape: Shape, seed: number): Permutation {
    return new Permutation(shape, randomOrder(shape.at(-1) as number, seed));
  }

  forward(z: Tensor): Mapped {
    checkEvents('permutation', z, this.shape);
    return { value: permuteColumns(z, this.order, this.back), logDet: constant(0) };
  }

  inverse(x: Tensor): Mapped {
    checkEvents('permutation', x, this.shape);
    return { value: permuteColumns(x, this.back, this.order), logDet: constant(0) };
  }
}
