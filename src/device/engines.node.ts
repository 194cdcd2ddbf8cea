/** Every implementation of WebGPU on this machine, for reports. */
import { spawnSync } from 'node:child_process';
import { findEngines } from './find-engines.ts';
import type { EngineFound } from './host.ts';
import { fromPackage } from './packages.node.ts';

/** What a program says of its version; on Windows browsers would open a window instead. */
function versionOf(executable: string): string {
  if (process.platform === 'win32') return '';
  const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  return stdout?.trim().split('\n')[0] ?? '';
}

/** Dawn, Chrome, Firefox and Deno, in this order. */
export function enginesHere(): EngineFound[] {
  const version = fromPackage((require): string => require('webgpu/package.json').version);
  const dawn = {
    name: 'Dawn',
    found: version === undefined ? null : `the npm package \`webgpu\` ${version}`,
    advice: version === undefined ? 'Type `npm install webgpu`.' : null,
  };
  const programs = findEngines().map(({ name, found, advice }) => ({
    name,
    found: found && [found.executable, versionOf(found.executable)].filter(Boolean).join(', '),
    advice: found ? null : advice,
  }));
  return [dawn, ...programs];
}
