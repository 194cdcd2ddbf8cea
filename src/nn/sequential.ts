// Parts one after the other.
import type { Tensor } from '../graph/tensor.ts';
import { Module } from './module.ts';

/** A layer, or a function of a tensor: `ops.relu`. */
export type SequentialPart = (Module & { call(x: Tensor): Tensor }) | ((x: Tensor) => Tensor);

/**
 * Layers and functions one after the other, as PyTorch's: parameters are named by the place of their layer,
 * functions counted, so that a `state_dict` of its `Sequential` has the same names.
 *
 * ```ts
 * const net = new nn.Sequential([new nn.Linear(784, 300), ops.relu, new nn.Dropout(0.2), new nn.Linear(300, 10)]);
 * net.call(ops.zeros([32, 784])).shape // [32, 10]
 * net.namedParameters()[2]?.[0] // "3.weight"
 * ```
 */
export class Sequential extends Module {
  readonly parts: readonly SequentialPart[];

  constructor(parts: readonly SequentialPart[]) {
    super();
    this.parts = parts;
  }

  override children(): [string, unknown][] {
    return this.parts.map((part, i) => [String(i), part]);
  }

  call(x: Tensor): Tensor {
    return this.parts.reduce((h, part) => (part instanceof Module ? part.call(h) : part(h)), x);
  }
}
