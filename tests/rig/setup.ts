/** Before any test: a browser and a WebGPU, installed if this machine has none, or a failure. */
import { findSoftwareVulkan, seemsToHaveGpu } from '../../src/device/find.ts';
import { ensureBrowser, ensureSoftwareVulkan } from '../../src/device/install.ts';

export default function setup(): void {
  const { executable, source } = ensureBrowser();
  console.log(`browser: ${executable} (${source})`);
  // A GPU may do without; if it turns out not to work, opening the device says so.
  if (!seemsToHaveGpu()) ensureSoftwareVulkan();
  const vulkan = findSoftwareVulkan().found;
  console.log(`software Vulkan: ${vulkan ? vulkan.icd : 'none, a GPU is expected'}`);
}
