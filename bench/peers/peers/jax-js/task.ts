// One jitted function as a piece of work.
import { blockUntilReady, type Array as JaxArray, jit } from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import { dispose } from './arrays.ts';

export function taskOf(name: string, once: () => JaxArray, end: () => void): Task {
  const run = async (times: number) => {
    // Work whose result nobody waits for is never done: all results are kept until they are there.
    const results = Array.from({ length: times }, once);
    await blockUntilReady(results);
    const last = results.pop() as JaxArray;
    dispose(results);
    return (await last.data()) as Float32Array;
  };
  return { run, check: async () => ({ [name]: await run(1) }), dispose: end };
}

/** A function of inputs that stay on the device. */
export function replayed(
  name: string,
  f: (...inputs: JaxArray[]) => JaxArray,
  inputs: JaxArray[],
): Task {
  const jitted = jit(f);
  return taskOf(
    name,
    () => jitted(...inputs.map((x) => x.ref)),
    () => {
      dispose(inputs);
      jitted.dispose();
    },
  );
}
