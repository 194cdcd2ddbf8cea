// The machine that a measurement is made on, as far as it tells.
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import type { BenchHost } from '../../bench/index.ts';
import type { Output } from './output.ts';

/** Share of the cores that others keep busy from which on medians are theirs too. */
const BUSY = 0.5;

export function machine(): Omit<BenchHost, 'runtime'> {
  const processors = cpus();
  const versions: Record<string, string> = {};
  try {
    versions.webgpu = createRequire(import.meta.url)('webgpu/package.json').version;
  } catch {
    // It is not said where it does not stand.
  }
  const processor = processors[0]?.model.trim();
  const load = loadavg()[0] as number;
  return { cores: processors.length, ...(processor && { processor }), load, versions };
}

/** Says so if the machine is at something else: a stranger's work would be measured with ours. */
export function remarkOnLoad(out: Output): void {
  const { load = 0, cores = 1 } = machine();
  if (load <= BUSY * cores) return;
  out.remark(
    `this machine is busy (load ${load.toFixed(1)} on ${cores} cores): read the best times, not the medians`,
  );
}
