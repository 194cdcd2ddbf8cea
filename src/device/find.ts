/**
 * Finds, on disk, what a machine without a GPU driver needs: a browser, and the software Vulkan
 * (SwiftShader) that every Chrome and Chromium carries in its own folder. Node.js only.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** The outcome of a search: what was found first, and every place that was looked at. */
export interface Search<T> {
  found: T | null;
  looked: string[];
}

export interface SoftwareVulkan {
  /** Path of `vk_swiftshader_icd.json`. */
  icd: string;
  /** Path of the Vulkan loader beside it; null where the system's own has to serve. */
  loader: string | null;
}

export interface Browser {
  executable: string;
  /** How it was found, in words. */
  source: string;
}

const { platform } = process;
const icdName = 'vk_swiftshader_icd.json';
const loaderName = platform === 'win32' ? 'vulkan-1.dll' : 'libvulkan.so.1';

const isFile = (path: string) => existsSync(path) && statSync(path).isFile();

/** A wildcard-free subset of glob: the children of a folder, newest version first. */
function children(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function puppeteerCache(): string {
  return process.env.PUPPETEER_CACHE_DIR ?? join(homedir(), '.cache', 'puppeteer');
}

/** `<cache>/chrome/<platform>-<version>/chrome-<platform>/`: the full browsers Puppeteer keeps. */
function puppeteerFolders(): string[] {
  // chrome-headless-shell lies there too, but has no WebGPU.
  return children(join(puppeteerCache(), 'chrome')).flatMap((version) => children(version));
}

function systemExecutables(): string[] {
  if (platform === 'darwin') {
    const names = ['Google Chrome', 'Chromium', 'Google Chrome Canary', 'Microsoft Edge'];
    return ['/Applications', join(homedir(), 'Applications')].flatMap((root) =>
      names.map((name) => join(root, `${name}.app`, 'Contents', 'MacOS', name)),
    );
  }
  if (platform === 'win32') {
    const { PROGRAMFILES, LOCALAPPDATA } = process.env;
    const roots = [PROGRAMFILES, process.env['PROGRAMFILES(X86)'], LOCALAPPDATA];
    return roots
      .filter((root) => root !== undefined)
      .flatMap((root) => [
        join(root, 'Google', 'Chrome', 'Application', 'chrome.exe'),
        join(root, 'Chromium', 'Application', 'chrome.exe'),
        join(root, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
      ]);
  }
  const names = [
    'google-chrome-stable',
    'google-chrome',
    'chromium',
    'chromium-browser',
    'microsoft-edge-stable',
  ];
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return [...new Set([...folders, '/usr/bin', '/usr/local/bin', '/snap/bin'])].flatMap((folder) =>
    names.map((name) => join(folder, name)),
  );
}

/** Folders in which a system's browser keeps its libraries on Linux. */
const linuxLibraryFolders = [
  '/usr/lib/chromium',
  '/usr/lib64/chromium',
  '/usr/lib64/chromium-browser',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
  '/opt/google/chrome-beta',
  '/opt/microsoft/msedge',
  '/snap/chromium/current/usr/lib/chromium-browser',
];

/**
 * A full Chrome or Chromium: `PUPPETEER_EXECUTABLE_PATH`, Puppeteer's cache, then the system's.
 */
export function findBrowser(): Search<Browser> {
  const looked: string[] = [];
  const set = process.env.PUPPETEER_EXECUTABLE_PATH;
  if (set) {
    looked.push(`PUPPETEER_EXECUTABLE_PATH=${set}`);
    if (isFile(set)) {
      return { found: { executable: set, source: 'PUPPETEER_EXECUTABLE_PATH' }, looked };
    }
  } else {
    looked.push('PUPPETEER_EXECUTABLE_PATH (not set)');
  }
  const inCache =
    platform === 'win32'
      ? ['chrome.exe']
      : platform === 'darwin'
        ? ['Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing']
        : ['chrome'];
  looked.push(join(puppeteerCache(), 'chrome'));
  for (const folder of puppeteerFolders()) {
    for (const name of inCache) {
      const executable = join(folder, name);
      if (isFile(executable)) return { found: { executable, source: "Puppeteer's cache" }, looked };
    }
  }
  const candidates = systemExecutables();
  looked.push(...new Set(candidates.map((path) => dirname(path))));
  for (const executable of candidates) {
    if (isFile(executable)) return { found: { executable, source: 'the system' }, looked };
  }
  return { found: null, looked };
}

/**
 * SwiftShader's Vulkan driver and a Vulkan loader, in a browser's folder: that of
 * `PUPPETEER_EXECUTABLE_PATH`, those in Puppeteer's cache, then the system's.
 */
export function findSoftwareVulkan(): Search<SoftwareVulkan> {
  const folders: string[] = [];
  const set = process.env.PUPPETEER_EXECUTABLE_PATH;
  if (set) folders.push(dirname(set));
  folders.push(...puppeteerFolders());
  if (platform === 'linux') folders.push(...linuxLibraryFolders);
  if (platform === 'win32') {
    // Chrome keeps its libraries in a folder named after its version.
    for (const executable of systemExecutables()) folders.push(...children(dirname(executable)));
  }
  const looked: string[] = [];
  for (const folder of folders) {
    looked.push(folder);
    const icd = join(folder, icdName);
    if (!isFile(icd)) continue;
    const loader = join(folder, loaderName);
    return { found: { icd, loader: isFile(loader) ? loader : null }, looked };
  }
  if (puppeteerFolders().length === 0) looked.push(join(puppeteerCache(), 'chrome'));
  return { found: null, looked };
}

/** The Vulkan loader that lies beside the driver manifests named in an environment variable. */
export function loaderBeside(driverFiles: string): string | null {
  for (const icd of driverFiles.split(delimiter)) {
    const loader = join(dirname(icd), loaderName);
    if (isFile(loader)) return loader;
  }
  return null;
}

/** Whether the machine shows any sign of a GPU that Vulkan could drive (Linux). */
export function seemsToHaveGpu(): boolean {
  if (platform !== 'linux') return true;
  const nodes = ['/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg', '/dev/kfd', '/dev/mali0'];
  return (
    nodes.some((path) => existsSync(path)) ||
    children('/dev/dri').some((path) => path.includes('renderD'))
  );
}
