// Headless Chrome, found and started.
import type { Browser } from 'puppeteer';
import { findBrowser } from '../device/find.ts';
import { waysToGet } from '../device/find-engines.ts';
import { LatentGpuError } from '../errors.ts';
import { launch } from './puppeteer.ts';

const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-webgpu-developer-features',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/**
 * Headless Chrome with WebGPU, on the software adapter where there is no GPU.
 *
 * @throws LatentGpuError `no-adapter` if there is no browser or nothing to drive it, with the ways out
 */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const { found, looked } = findBrowser();
  if (!found) {
    throw new LatentGpuError(
      'no-adapter',
      `no Chrome or Chromium to test in: looked in ${looked.join(', ')}. ${waysToGet.Chrome}`,
    );
  }
  return await launch(found, 'PUPPETEER_EXECUTABLE_PATH', { args: [...flags, ...more] });
}
