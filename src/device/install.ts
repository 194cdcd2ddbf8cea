/**
 * Gets a browser, and with it a software WebGPU, onto a machine that has none. Node.js only, and
 * only for commands whose user expects it (`npm start`, `npm test`); opening a device never
 * installs anything.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { type Browser, findBrowser, findSoftwareVulkan, type SoftwareVulkan } from './find.ts';

export interface InstallOptions {
  /** Receives one line for each thing done. Default: standard error. */
  log?: (line: string) => void;
}

/** Runs a command quietly; returns null if it succeeded, else the end of what it said. */
function attempt(command: string, args: string[]): string | null {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return null;
  const said = result.error?.message ?? `${result.stdout}\n${result.stderr}`;
  return said.trim().split('\n').slice(-3).join(' ');
}

/** Another installation may be under way: wait for it, seconds. */
const patience = ['-o', 'DPkg::Lock::Timeout=300'];

/** Installs a Chromium, or explains why none of the ways was open. */
function installBrowser(log: (line: string) => void): string[] {
  const failures: string[] = [];
  if (existsSync('/etc/debian_version')) {
    if (process.getuid?.() === 0) {
      log('latentgpu: no browser found; installing Debian\'s with "apt-get install chromium" …');
      // Stale package lists are commoner than unreachable mirrors, so a failed update is not final.
      const update = attempt('apt-get', [...patience, 'update']);
      const install = attempt('apt-get', [
        ...patience,
        'install',
        '--yes',
        '--no-install-recommends',
        'chromium',
      ]);
      if (!install && findSoftwareVulkan().found) return [];
      failures.push(`apt-get install chromium: ${install ?? 'no SwiftShader in it'}`);
      if (update) failures.push(`apt-get update: ${update}`);
    } else {
      failures.push('apt-get install chromium: needs root');
    }
  }
  let puppeteer: string | null = null;
  try {
    puppeteer = dirname(createRequire(import.meta.url).resolve('puppeteer/package.json'));
  } catch {
    failures.push("Puppeteer's download: the package `puppeteer` is not installed");
  }
  if (puppeteer) {
    log('latentgpu: no browser found; fetching one with "puppeteer browsers install chrome" …');
    const script = join(puppeteer, 'lib', 'cjs', 'puppeteer', 'node', 'cli.js');
    const download = attempt(process.execPath, [script, 'browsers', 'install', 'chrome']);
    if (!download && findSoftwareVulkan().found) return [];
    failures.push(`Puppeteer's download: ${download ?? 'no SwiftShader in it'}`);
  }
  return failures;
}

const waysOut =
  'Install Chrome or Chromium (as root on Debian: `apt-get install chromium`; elsewhere: ' +
  '`npx puppeteer browsers install chrome`), or name one in PUPPETEER_EXECUTABLE_PATH.';

/**
 * The software Vulkan of an installed browser, after installing one if need be and possible.
 *
 * @throws LatentGpuError `no-adapter`, naming what failed and the ways out
 */
export function ensureSoftwareVulkan(options: InstallOptions = {}): SoftwareVulkan {
  const present = findSoftwareVulkan().found;
  if (present) return present;
  const failures = installBrowser(options.log ?? console.error);
  const { found, looked } = findSoftwareVulkan();
  if (found) return found;
  throw new LatentGpuError(
    'no-adapter',
    `no software WebGPU: looked in ${looked.join(', ')}; ${failures.join('; ')}. ${waysOut}`,
  );
}

/**
 * A browser with WebGPU, after installing one if need be and possible.
 *
 * @throws LatentGpuError `no-adapter`, naming what failed and the ways out
 */
export function ensureBrowser(options: InstallOptions = {}): Browser {
  const present = findBrowser().found;
  if (present) return present;
  const failures = installBrowser(options.log ?? console.error);
  const { found, looked } = findBrowser();
  if (found) return found;
  throw new LatentGpuError(
    'no-adapter',
    `no Chrome or Chromium: looked in ${looked.join(', ')}; ${failures.join('; ')}. ${waysOut}`,
  );
}
