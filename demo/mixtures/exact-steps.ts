// EM itself: q is the posterior, and the library's mixture gathers and settles.
import { ops, type SweepLearner, type Variable } from '../../src/index.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import type { Ground, HalfSteps } from './track.ts';

export async function exactSteps(
  { runtime, x, joint, guesses }: Ground,
  { sweep }: SweepLearner,
): Promise<HalfSteps> {
  const { settle, converged, state = {} } = sweep;
  const posterior = ops.sub(joint, ops.logSumExp(joint, 1, { keepDims: true }));
  const [gather, infer] = await Promise.all([
    runtime.compile({ effects: sweep.gather({ x }) }),
    runtime.compile({ effects: [ops.assign(guesses, posterior)] }),
  ]);
  return {
    infer: async () => {
      await infer.run();
    },
    // Statistics weighed by q, which is p(c | x) of the mixtures as they are, settled in float64.
    settle: async () => {
      await gather.run();
      if (typeof settle !== 'function') throw new Error('a mixture settles on the host');
      // It reads and writes variables, and does no more.
      await settle(runtime as unknown as Runtime);
      return converged !== undefined && (await runtime.read(converged))[0] === 1;
    },
    lost: () => runtime.read(state.lost as Variable),
  };
}
