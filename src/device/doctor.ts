// Every adapter of this host, and what stands in the way of the others.
import { describeSearch, requestGpu } from '#host';
import { type AdapterReport, loopTurnsOf, plainLimits, reportAdapter } from './adapter.ts';
import type { EngineFound, HostName } from './host.ts';

/** What `latentgpu doctor` tells. Plain data. */
export interface DoctorReport {
  /** Whether a device can be opened. */
  ok: boolean;
  host: HostName;
  /** The host's version, in words. */
  runtime: string;
  /** The adapter that `openDevice()` takes first, then others that can be asked for. */
  adapters: AdapterReport[];
  /** The limits that every device is opened with. */
  deviceLimits: Record<string, number>;
  /** Why there is no adapter; null if there is one. */
  problem: string | null;
  /** Where a WebGPU implementation was looked for, and what was there. */
  looked: string[];
  /** Every implementation of WebGPU on this machine that kernels could be tested in. */
  engines: EngineFound[];
  /** What to do: empty when a GPU was found. */
  advice: string[];
}

function runtime(): string {
  const versions: Partial<Record<string, string>> | undefined =
    typeof process === 'undefined' ? undefined : process.versions;
  if (versions?.deno) return `Deno ${versions.deno}`;
  return versions?.node ? `Node.js ${versions.node}` : navigator.userAgent;
}

/** Looks at every adapter this host offers. Never throws for want of one. */
export async function doctorReport(): Promise<DoctorReport> {
  const adapters: AdapterReport[] = [];
  let problem: string | null = null;
  let deviceLimits: Record<string, number> = {};
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    try {
      const opened = await requestGpu({ powerPreference });
      const report = reportAdapter(opened);
      if (adapters.length === 0) {
        const gpu = await opened.adapter.requestDevice();
        deviceLimits = plainLimits(gpu.limits);
        gpu.destroy();
      }
      if (!adapters.some(({ name }) => name === report.name)) adapters.push(report);
    } catch (error) {
      problem ??= (error as Error).message;
    }
  }
  const search = describeSearch(problem ?? undefined);
  const ok = adapters.length > 0;
  const advice = ok ? [] : search.advice;
  if (ok && adapters.every(({ isSoftware }) => isSoftware)) {
    advice.push(
      'this adapter is software: everything works, slowly; a GPU with its driver is faster',
    );
  }
  const turns = adapters[0] && loopTurnsOf(adapters[0]);
  if (turns !== undefined) {
    advice.push(
      `this adapter ends loops of kernels after ${turns} turns, unasked: what would take more is refused; a browser's SwiftShader has no such limit`,
    );
  }
  return {
    ok,
    host: search.host,
    runtime: runtime(),
    adapters,
    deviceLimits,
    problem: ok ? null : problem,
    looked: search.looked,
    engines: search.engines,
    advice,
  };
}
