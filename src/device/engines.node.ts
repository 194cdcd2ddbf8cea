/** Every implementation of WebGPU on this machine, for reports. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findEngines } from './find-engines.ts';
import type { EngineFound } from './host.ts';

/** What a program says of its version; on Windows browsers would open a window instead. */
function versionOf(executable: string): string {
  if (process.platform === 'win32') return '';
  const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  return stdout?.trim().split('\n')[0] ?? '';
}

/** The version of the package `webgpu`, as seen from the program or from where the process runs. */
function dawnVersion(): string | null {
  for (const from of [process.argv[1] ?? process.cwd(), join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from)('webgpu/package.json').version;
    } catch {
      // Not installed there.
    }
  }
  return null;
}

/** Dawn, Chrome, Firefox and Deno, in this order. */
export function enginesHere(): EngineFound[] {
  const version = dawnVersion();
  const dawn = {
    name: 'Dawn',
    found: version && `the npm package \`webgpu\` ${version}`,
    advice: version === null ? 'Type `npm install webgpu`.' : null,
  };
  const programs = findEngines().map(({ name, found, advice }) => ({
    name,
    found: found && [found.executable, versionOf(found.executable)].filter(Boolean).join(', '),
    advice: found ? null : advice,
  }));
  return [dawn, ...programs];
}
