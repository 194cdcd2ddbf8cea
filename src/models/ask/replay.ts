// One step of a plan, and what it computed.
import type { Plan } from '../../scheduler/index.ts';

/**
 * Runs a plan once and reads outputs, in one wait: the step is submitted before `run` returns, so that
 * the readings follow it on the queue.
 */
export async function replay(plan: Plan, outputs: readonly string[]): Promise<Float32Array[]> {
  const [, ...values] = await Promise.all([plan.run(), ...outputs.map((name) => plan.read(name))]);
  return values as Float32Array[];
}
