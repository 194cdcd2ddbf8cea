/** Before any test: every engine, installed if this machine lacks it, or a failure; a folder for all files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findSoftwareVulkan, seemsToHaveGpu } from '../../src/device/find.ts';
import {
  ensureBrowser,
  ensureDeno,
  ensureFirefox,
  ensureSoftwareVulkan,
} from '../../src/device/install.ts';
import { isLatentGpuError } from '../../src/errors.ts';

/** @returns what ends the run */
export default function setup(project: TestProject): () => void {
  try {
    for (const ensure of [ensureBrowser, ensureFirefox, ensureDeno]) {
      const { executable, source } = ensure();
      console.log(`engine: ${executable} (${source})`);
    }
    // A GPU may do without; if it turns out not to work, opening the device says so.
    if (!seemsToHaveGpu()) ensureSoftwareVulkan();
  } catch (error) {
    // What to install is all that there is to know; the calls that looked for it are not.
    if (isLatentGpuError(error)) error.stack = '';
    throw error;
  }
  const vulkan = findSoftwareVulkan().found;
  console.log(`software Vulkan: ${vulkan ? vulkan.icd : 'none, a GPU is expected'}`);
  const shared = mkdtempSync(join(tmpdir(), 'latentgpu-shared-'));
  project.provide('shared', shared);
  return () => rmSync(shared, { recursive: true, force: true });
}
