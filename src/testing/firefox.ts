// Headless Firefox, found and started.
import type { Browser } from 'puppeteer';
import { programEnvironment } from '../device/drivers.node.ts';
import { findFirefox, waysToGet } from '../device/find-engines.ts';
import { LatentGpuError } from '../errors.ts';
import { launch } from './puppeteer.ts';

const preferences = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  // Software adapters are on the list of what is refused.
  'gfx.webgpu.ignore-blocklist': true,
  'dom.webgpu.testing.assert-hardware-adapter': false,
  'gfx.webrender.software': true,
  // Whoever asks a page to do something says how long it may take.
  'dom.max_script_run_time': 0,
  // The sandbox keeps the Vulkan loader from the drivers that the environment names.
  'security.sandbox.content.level': 0,
  'security.sandbox.gpu.level': 0,
};

/**
 * Headless Firefox with WebGPU, on the software adapter of an installed Chrome where there is no GPU.
 *
 * @throws LatentGpuError `no-adapter` if there is no Firefox or nothing to drive it, with the ways out
 */
export async function launchFirefox(): Promise<Browser> {
  const { found, looked } = findFirefox();
  if (!found) {
    throw new LatentGpuError(
      'no-adapter',
      `no Firefox to test in: looked in ${looked.join(', ')}. ${waysToGet.Firefox}`,
    );
  }
  return await launch(found, 'LATENTGPU_FIREFOX', {
    browser: 'firefox',
    extraPrefsFirefox: preferences,
    env: programEnvironment() as Record<string, string>,
  });
}
