// The weight of the divergence as a function of the epoch, on the GPU.
import type { Tensor } from '../graph/tensor.ts';
import { exp, floor, maximum, minimum, mul, sub } from '../ops/index.ts';

/**
 * From 0 to 1 in so many epochs, then 1 (Bowman et al. 2016). @param epoch scalar
 *
 * @example objectives.linearAnnealing(ops.constant(5), 10) // 0.5
 */
export function linearAnnealing(epoch: Tensor, epochs: number): Tensor {
  return minimum(mul(epoch, 1 / epochs), 1);
}

/** Of a cycle, what is spent rising. */
const RISING = 0.5;

/**
 * Cycles of so many epochs: in the first half from 0 to 1, in the second 1 (Fu et al. 2019).
 *
 * @param epoch scalar
 * @example objectives.cyclicalAnnealing(ops.constant(12), 10) // 0.4
 */
export function cyclicalAnnealing(epoch: Tensor, epochs: number): Tensor {
  const cycles = mul(epoch, 1 / epochs);
  return minimum(mul(sub(cycles, floor(cycles)), 1 / RISING), 1);
}

/**
 * A temperature that falls by the same factor every epoch, start · (floor / start)^(epoch / epochs), and
 * stays at its floor (Jang, Gu and Poole 2017).
 *
 * @param start scalar @param epoch scalar @param epochs until the floor is reached
 * @param fall floor / start, as a number
 * @example objectives.cooled(ops.constant(1), ops.constant(10), 10, 0.5) // 0.5
 */
export function cooled(start: Tensor, epoch: Tensor, epochs: number, fall: number): Tensor {
  const down = exp(mul(maximum(mul(epoch, 1 / epochs), 0), Math.log(fall)));
  return mul(start, maximum(down, fall));
}
