/** Finds Firefox and Deno, whose WebGPU is wgpu, on disk. Node.js and Deno only. */

import { basename, dirname, join } from 'node:path';
import { homeFolder } from '../home.node.ts';
import { findBrowser } from './find.ts';
import {
  children,
  inApplications,
  inProgramFiles,
  inSystemFolders,
  isFile,
  namedBy,
  type Program,
  puppeteerCache,
  type Search,
} from './find-paths.ts';
import { fromPackage } from './packages.node.ts';

const { platform } = process;

function among(candidates: readonly string[], looked: string[]): Program | undefined {
  looked.push(...new Set(candidates.map((path) => dirname(path))));
  const executable = candidates.find(isFile);
  return executable === undefined ? undefined : { executable, source: 'the system' };
}

function systemFirefox(): string[] {
  if (platform === 'darwin') {
    return inApplications(['Firefox', 'Firefox Nightly'], () => 'firefox');
  }
  if (platform === 'win32') {
    return inProgramFiles(['Mozilla Firefox/firefox.exe', 'Firefox Nightly/firefox.exe']);
  }
  return inSystemFolders(['firefox', 'firefox-esr', 'firefox-nightly']);
}

/** Firefox: `LATENTGPU_FIREFOX`, Puppeteer's cache, then the system's. */
export function findFirefox(): Search<Program> {
  const looked: string[] = [];
  const named = namedBy('LATENTGPU_FIREFOX', looked);
  if (named) return { found: named, looked };
  const cache = puppeteerCache('firefox');
  looked.push(cache);
  // `<cache>/firefox/<platform>-<channel>_<version>/`
  const inCache = children(cache).flatMap((version) => [
    join(version, 'firefox', 'firefox'),
    join(version, 'core', 'firefox.exe'),
    ...children(version).map((app) => join(app, 'Contents', 'MacOS', 'firefox')),
  ]);
  const kept = inCache.find(isFile);
  if (kept) return { found: { executable: kept, source: "Puppeteer's cache" }, looked };
  return { found: among(systemFirefox(), looked) ?? null, looked };
}

/** The binary that the npm package `deno` brings: its own `bin` starts it as a child of a child. */
function packagedDeno(): string | undefined {
  const name = platform === 'win32' ? 'deno.exe' : 'deno';
  return fromPackage((require) => {
    const folder = dirname(require.resolve('deno/package.json'));
    const binaries = children(join(folder, '..', '@deno')).map((target) => join(target, name));
    return [join(folder, name), ...binaries].find(isFile);
  });
}

/** Deno: `LATENTGPU_DENO`, the one that runs this, the npm package `deno`, then the system's. */
export function findDeno(): Search<Program> {
  const looked: string[] = [];
  const named = namedBy('LATENTGPU_DENO', looked);
  if (named) return { found: named, looked };
  const name = platform === 'win32' ? 'deno.exe' : 'deno';
  const { execPath, versions } = process;
  // A program that Deno compiled is no Deno.
  if (versions.deno && basename(execPath) === name) {
    return { found: { executable: execPath, source: 'the Deno that runs this' }, looked };
  }
  const executable = packagedDeno();
  looked.push('the npm package `deno`');
  if (executable) return { found: { executable, source: 'the npm package `deno`' }, looked };
  const candidates = [...inSystemFolders([name]), join(homeFolder(), '.deno', 'bin', name)];
  return { found: among(candidates, looked) ?? null, looked };
}

/** A program with a WebGPU of its own, beside the package `webgpu`. */
export interface EngineSearch {
  name: 'Chrome' | 'Firefox' | 'Deno';
  found: Program | null;
  looked: string[];
  /** How to get it. */
  advice: string;
}

export const waysToGet = {
  Chrome:
    'Install Chrome or Chromium (as root on Debian: `apt-get install chromium`; elsewhere: ' +
    '`npx puppeteer browsers install chrome`), or name one in PUPPETEER_EXECUTABLE_PATH.',
  Firefox:
    'Install Firefox (as root on Debian: `apt-get install firefox-esr`; elsewhere: ' +
    '`npx puppeteer browsers install firefox`), or name one in LATENTGPU_FIREFOX.',
  Deno: 'Type `npm install --save-dev deno`, or name the binary in LATENTGPU_DENO.',
} as const;

/** Looks for each. */
export function findEngines(): EngineSearch[] {
  const searches = { Chrome: findBrowser, Firefox: findFirefox, Deno: findDeno } as const;
  const names = ['Chrome', 'Firefox', 'Deno'] as const;
  return names.map((name) => ({ name, ...searches[name](), advice: waysToGet[name] }));
}
