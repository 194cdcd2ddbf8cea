// The host's clocks: time that passed, and processor time where a host tells it.
import type { Timing } from './stopwatch.ts';

/**
 * Processor time of this process so far, all its threads together, in milliseconds: on a software
 * adapter in Node.js that is the GPU's work, however busy the machine is with something else. Null
 * in a browser, which does not tell.
 */
export function cpuMilliseconds(): number | null {
  if (typeof process === 'undefined' || typeof process.cpuUsage !== 'function') return null;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time since an earlier look. */
export function cpuSince(start: number | null): number | null {
  const now = cpuMilliseconds();
  return start === null || now === null ? null : now - start;
}

/** Times `count` things done by `f`, by the host's clock. */
export async function timed(count: number, f: () => Promise<unknown>): Promise<Timing> {
  const cpu = cpuMilliseconds();
  const start = performance.now();
  await f();
  const ms = performance.now() - start;
  const cpuMs = cpuSince(cpu);
  return { ms: ms / count, cpuMs: cpuMs === null ? null : cpuMs / count };
}
