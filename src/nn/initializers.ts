// Initial values of parameters. Each takes its numbers from the run's seed and the parameter's name.
import { sizeOf } from '../graph/shape.ts';
import type { Initializer } from '../graph/variable.ts';
import { boxMuller } from '../random.ts';

/**
 * U(-bound, bound).
 *
 * @example nn.uniform(0.1)([2], () => 0.75) // [0.05, 0.05]
 */
export function uniform(bound: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * bound);
}

/**
 * Glorot and Bengio 2010: U(±√(6 / (fan in + fan out))).
 *
 * @example nn.glorotUniform(3, 3)([2], () => 1) // [1, 1]
 */
export function glorotUniform(fanIn: number, fanOut: number): Initializer {
  return uniform(Math.sqrt(6 / (fanIn + fanOut)));
}

/**
 * N(0, std²).
 *
 * @example nn.normal(0.02)([300, 20], Math.random).length // 6000
 */
export function normal(std: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => boxMuller(random, std));
}

/**
 * One number everywhere.
 *
 * @example nn.constantInit(2)([2], Math.random) // [2, 2]
 */
export function constantInit(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}
