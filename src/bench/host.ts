// The host's clocks: time that passed, and processor time where a host tells it.
import { cpuMilliseconds, cpuSince, type Timing } from '../device/stopwatch.ts';

/** Times `count` things done by `f`, by the host's clock. */
export async function timed(count: number, f: () => Promise<unknown>): Promise<Timing> {
  const cpu = cpuMilliseconds();
  const start = performance.now();
  await f();
  const ms = performance.now() - start;
  const cpuMs = cpuSince(cpu);
  return { ms: ms / count, cpuMs: cpuMs === null ? null : cpuMs / count };
}
