// A long chain of small operations.
import { type Array as JaxArray, jit } from '@jax-js/jax';
import type { Backend, Task } from '../../engine.ts';
import { CHAIN, chainInput } from '../../inputs.ts';
import { arrayOf } from './arrays.ts';
import { taskOf } from './task.ts';

/** Kernels that the chain of operations takes. */
const PIECES = 2;

/**
 * Jitted in pieces: a hundred multiplications and additions in one kernel nest deeper than Chrome
 * compiles.
 */
export function chain(backend: Backend): Task {
  const pieces = backend === 'webgpu' ? PIECES : 1;
  const piece = (y: JaxArray, x: JaxArray) => {
    let next = y;
    for (let i = 0; i < CHAIN.length / 2 / pieces; i++) next = next.mul(0.5).add(x.ref);
    x.dispose();
    return next;
  };
  const jitted = jit(piece);
  const x = arrayOf(chainInput(), [CHAIN.size]);
  return taskOf(
    'y',
    () => {
      let y = x.ref;
      for (let i = 0; i < pieces; i++) y = jitted(y, x.ref);
      return y;
    },
    () => {
      x.dispose();
      jitted.dispose();
    },
  );
}
