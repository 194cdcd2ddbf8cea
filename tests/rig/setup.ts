/** Before any test: every engine, installed if this machine lacks it, or a failure. */
import { findSoftwareVulkan, seemsToHaveGpu } from '../../src/device/find.ts';
import {
  ensureBrowser,
  ensureDeno,
  ensureFirefox,
  ensureSoftwareVulkan,
} from '../../src/device/install.ts';

export default function setup(): void {
  for (const ensure of [ensureBrowser, ensureFirefox, ensureDeno]) {
    const { executable, source } = ensure();
    console.log(`engine: ${executable} (${source})`);
  }
  // A GPU may do without; if it turns out not to work, opening the device says so.
  if (!seemsToHaveGpu()) ensureSoftwareVulkan();
  const vulkan = findSoftwareVulkan().found;
  console.log(`software Vulkan: ${vulkan ? vulkan.icd : 'none, a GPU is expected'}`);
}
