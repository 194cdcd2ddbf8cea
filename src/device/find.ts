/**
 * Finds, on disk, what a machine without a GPU driver needs: a browser, and the software Vulkan
 * (SwiftShader) that every Chrome and Chromium carries in its own folder. Node.js only.
 */
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
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

export interface SoftwareVulkan {
  /** Path of `vk_swiftshader_icd.json`. */
  icd: string;
  /** Path of the Vulkan loader beside it; null where the system's own has to serve. */
  loader: string | null;
}

const { platform } = process;
const icdName = 'vk_swiftshader_icd.json';
const loaderName = platform === 'win32' ? 'vulkan-1.dll' : 'libvulkan.so.1';

/** `<cache>/chrome/<platform>-<version>/chrome-<platform>/`: the full browsers Puppeteer keeps. */
function puppeteerFolders(): string[] {
  // chrome-headless-shell lies there too, but has no WebGPU.
  return children(puppeteerCache('chrome')).flatMap((version) => children(version));
}

function systemExecutables(): string[] {
  if (platform === 'darwin') {
    return inApplications(['Google Chrome', 'Chromium', 'Google Chrome Canary', 'Microsoft Edge']);
  }
  if (platform === 'win32') {
    return inProgramFiles([
      'Google/Chrome/Application/chrome.exe',
      'Chromium/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ]);
  }
  return inSystemFolders([
    'google-chrome-stable',
    'google-chrome',
    'chromium',
    'chromium-browser',
    'microsoft-edge-stable',
  ]);
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
export function findBrowser(): Search<Program> {
  const looked: string[] = [];
  const named = namedBy('PUPPETEER_EXECUTABLE_PATH', looked);
  if (named) return { found: named, looked };
  const inCache =
    platform === 'win32'
      ? ['chrome.exe']
      : platform === 'darwin'
        ? ['Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing']
        : ['chrome'];
  looked.push(puppeteerCache('chrome'));
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
  if (puppeteerFolders().length === 0) looked.push(puppeteerCache('chrome'));
  return { found: null, looked };
}

/** The manifest of lavapipe, the software Vulkan of Mesa (Linux). */
export function findLavapipe(): Search<string> {
  const looked = ['/usr/share', '/usr/local/share', '/etc'].map((root) => `${root}/vulkan/icd.d`);
  const manifests = looked.flatMap(children).filter((path) => /\blvp_icd\b.*\.json$/.test(path));
  return { found: manifests[0] ?? null, looked };
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
