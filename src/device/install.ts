/**
 * Gets engines onto a machine that has none: a Chrome, and with it a software Vulkan; a Firefox; Mesa's
 * software Vulkan. Node.js only, and only for commands whose user expects it (`npm start`, `npm test`); opening a device never
 * installs anything.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { findBrowser, findLavapipe, findSoftwareVulkan, type SoftwareVulkan } from './find.ts';
import { findDeno, findFirefox, waysToGet } from './find-engines.ts';
import type { Program, Search } from './find-paths.ts';
import { fromPackage } from './packages.node.ts';

export interface InstallOptions {
  /** Receives one line for each thing done. Default: standard error. */
  log?: (line: string) => void;
}

/** What a command said last: its error if it names one, without the calls that led there. */
export function lastWords(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && !/^at .*:\d+\)?$/.test(line));
  const error = words.findLastIndex((line) => /^\w*Error: /.test(line));
  return (error === -1 ? words.slice(-3) : words.slice(error, error + 3)).join(' ');
}

/** Runs a command quietly; returns null if it succeeded, else the end of what it said. */
function attempt(command: string, args: string[]): string | null {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return null;
  return lastWords(result.error?.message ?? `${result.stdout}\n${result.stderr}`);
}

/** Another installation may be under way: wait for it, seconds. */
const patience = ['-o', 'DPkg::Lock::Timeout=300'];

/** How to get something, in ways that are tried in turn. */
export interface Ways {
  /** What is missing, in words. */
  what: string;
  /** Debian's package. */
  debian: string;
  /** The browser that Puppeteer downloads. */
  puppeteer?: 'chrome' | 'firefox';
  /** Whether it is there now. */
  isThere(): boolean;
}

/** Debian's package; null if it is there now, else why not. */
export function fromDebian(
  { what, debian, isThere }: Ways,
  log: (line: string) => void,
): string | null {
  if (process.getuid?.() !== 0) return `apt-get install ${debian}: needs root`;
  log(`latentgpu: no ${what} found; installing Debian's with "apt-get install ${debian}" …`);
  // Stale package lists are commoner than unreachable mirrors, so a failed update is not final.
  const update = attempt('apt-get', [...patience, 'update']);
  const install = ['install', '--yes', '--no-install-recommends', debian];
  const failure = attempt('apt-get', [...patience, ...install]);
  if (!failure && isThere()) return null;
  return [
    `apt-get install ${debian}: ${failure ?? `no ${what} in it`}`,
    ...(update ? [`apt-get update: ${update}`] : []),
  ].join('; ');
}

/** Puppeteer's download; null if it is there now, else why not. */
function fromPuppeteer(
  { what, isThere }: Ways,
  browser: string,
  log: (line: string) => void,
): string | null {
  const folder = fromPackage((require) => dirname(require.resolve('puppeteer/package.json')));
  if (folder === undefined) {
    return "Puppeteer's download: the package `puppeteer` is not installed";
  }
  log(`latentgpu: no ${what} found; fetching one with "puppeteer browsers install ${browser}" …`);
  const script = join(folder, 'lib', 'cjs', 'puppeteer', 'node', 'cli.js');
  const failure = attempt(process.execPath, [script, 'browsers', 'install', browser]);
  return !failure && isThere() ? null : `Puppeteer's download: ${failure ?? `no ${what} in it`}`;
}

/** Tries every way until it is there; returns why those that were tried were not open. */
function install(ways: Ways, { log = console.error }: InstallOptions): string[] {
  const failures: string[] = [];
  const tries = [
    existsSync('/etc/debian_version') && (() => fromDebian(ways, log)),
    ways.puppeteer && (() => fromPuppeteer(ways, ways.puppeteer as string, log)),
  ];
  for (const next of tries) {
    const failure = next ? next() : undefined;
    if (failure === null) break;
    if (failure) failures.push(failure);
  }
  return failures;
}

/** What a search finds, after installing it if need be and possible. */
function ensure<T>(
  search: () => Search<T>,
  ways: Omit<Ways, 'isThere'> | null,
  wayOut: string,
  options: InstallOptions,
): T {
  const present = search().found;
  if (present) return present;
  const isThere = () => search().found !== null;
  const failures = ways ? install({ ...ways, isThere }, options) : [];
  const { found, looked } = search();
  if (found) return found;
  const what = [`looked in ${looked.join(', ')}`, ...failures].join('; ');
  throw new LatentGpuError('no-adapter', `no ${ways?.what ?? 'Deno'}: ${what}. ${wayOut}`);
}

const chrome = { debian: 'chromium', puppeteer: 'chrome' } as const;

/**
 * The software Vulkan of an installed browser, after installing one if need be and possible.
 *
 * @throws LatentGpuError `no-adapter`, naming what failed and the ways out
 */
export function ensureSoftwareVulkan(options: InstallOptions = {}): SoftwareVulkan {
  const ways = { ...chrome, what: 'browser with a software Vulkan' };
  return ensure(findSoftwareVulkan, ways, waysToGet.Chrome, options);
}

/**
 * A Chrome or Chromium, after installing one if need be and possible.
 *
 * @throws LatentGpuError `no-adapter`, naming what failed and the ways out
 */
export function ensureBrowser(options: InstallOptions = {}): Program {
  return ensure(findBrowser, { ...chrome, what: 'Chrome or Chromium' }, waysToGet.Chrome, options);
}

/** A Firefox, likewise. */
export function ensureFirefox(options: InstallOptions = {}): Program {
  const ways = { what: 'Firefox', debian: 'firefox-esr', puppeteer: 'firefox' } as const;
  return ensure(findFirefox, ways, waysToGet.Firefox, options);
}

/** A Deno, which `npm install` brings where it is a dependency. */
export function ensureDeno(): Program {
  return ensure(findDeno, null, waysToGet.Deno, {});
}

/** The manifest of Mesa's software Vulkan, likewise. */
export function ensureLavapipe(options: InstallOptions = {}): string {
  const ways = { what: 'lavapipe', debian: 'mesa-vulkan-drivers' };
  const wayOut = "Install Mesa's Vulkan drivers (Debian: `apt-get install mesa-vulkan-drivers`).";
  return ensure(findLavapipe, ways, wayOut, options);
}
