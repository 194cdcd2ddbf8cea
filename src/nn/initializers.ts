// Initial values of parameters. Each takes its numbers from the run's seed and the parameter's name.
import { sizeOf } from '../graph/shape.ts';
import type { Initializer } from '../graph/variable.ts';
import { boxMuller } from '../random.ts';

/** U(-bound, bound). */
export function uniform(bound: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * bound);
}

/** Glorot and Bengio 2010: U(±√(6 / (fan in + fan out))). */
export function glorotUniform(fanIn: number, fanOut: number): Initializer {
  return uniform(Math.sqrt(6 / (fanIn + fanOut)));
}

/** N(0, std²). */
export function normal(std: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => boxMuller(random, std));
}

/**
 * One number everywhere.
 *
 * @example nn.constantInit(2)([2]) // [2, 2]
 */
export function constantInit(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}
