// Gradients of several steps before one is taken: of batches that would not fit at once.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, add, div, floor, less, mul, sub, where } from '../ops/index.ts';
import type { Optimizer } from './optimizers.ts';

/**
 * An optimizer that takes a step at every so many, by the mean of their gradients: batches of 8 with `every` = 4 move
 * parameters as batches of 32 do, where the loss is a mean over the batch. Its rate's schedule counts all steps; a norm
 * is clipped to in each of them; one that is skipped does not count.
 *
 * @param every 1 or more
 * @throws LatentGpuError `bad-config` for fewer
 * @example optim.accumulated(optim.adam({ lr: 1e-3 }), 4).state // ["sum", "m", "v"]
 */
export function accumulated(optimizer: Optimizer, every: number): Optimizer {
  if (!(Number.isInteger(every) && every >= 1)) {
    throw new LatentGpuError('bad-config', `accumulated: a step every ${every}; give 1 or more`);
  }
  return {
    name: `${optimizer.name}, every ${every}`,
    learningRate: optimizer.learningRate,
    state: ['sum', ...optimizer.state],
    update: (input) => {
      const { count, gradient, parameters, state } = input;
      const mean = add(state.sum as Tensor, mul(1 / every, gradient));
      // The half keeps the rounding of the quotient away from whole numbers.
      const taken = floor(div(add(count, 0.5), every));
      const isDue = less(abs(sub(mul(taken, every), count)), 0.5);
      const next = optimizer.update({ ...input, gradient: mean, count: taken });
      const kept = optimizer.state.map((name) => {
        const value = where(isDue, next.state[name] as Tensor, state[name] as Tensor);
        return [name, value] as const;
      });
      return {
        parameters: where(isDue, next.parameters, parameters),
        state: { sum: where(isDue, 0, mean), ...Object.fromEntries(kept) },
      };
    },
  };
}
