/**
 * WebGPU for Node.js (Dawn, from the npm package `webgpu`) and for Deno (its own), on a GPU's driver
 * or on the software Vulkan of an installed browser.
 */
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { LatentGpuError } from '../errors.ts';
import { isSoftwareAdapter } from './adapter.ts';
import { attempts, deno, driversSet, systemDrivers, systemLoader, wanted } from './drivers.node.ts';
import { loadEngine, missingPackage } from './engine.node.ts';
import { enginesHere } from './engines.node.ts';
import { findSoftwareVulkan, seemsToHaveGpu } from './find.ts';
import type { HostGpu, HostRequest, HostSearch } from './host.ts';
import { patiently as patientlyForDawn } from './patience.node.ts';

/** Waits for the GPU. Deno wakes whoever waits; Dawn's binding polls. */
export const patiently: typeof patientlyForDawn = deno ? (work) => work : patientlyForDawn;

const advice = [
  "install a GPU's Vulkan driver",
  'or install a browser, whose software adapter serves as well: ' +
    "`apt-get install chromium` as root on Debian, `npx puppeteer browsers install chrome`, or the system's Chrome",
  'or name a Vulkan driver manifest in VK_DRIVER_FILES (vk_swiftshader_icd.json of a browser)',
  'or name a Chrome or Chromium in PUPPETEER_EXECUTABLE_PATH',
];

/**
 * Where this host looks for WebGPU and what there is.
 *
 * @param problem why there is no adapter
 */
export function describeSearch(problem?: string): HostSearch {
  const drivers = driversSet();
  const { found, looked: folders } = findSoftwareVulkan();
  const here = found && dirname(found.icd);
  const content = found?.loader ? 'a software Vulkan with its loader' : 'a software Vulkan';
  const looked = [
    `VK_DRIVER_FILES: ${drivers ?? 'not set'}`,
    `LATENTGPU_ADAPTER: ${process.env.LATENTGPU_ADAPTER ?? 'not set'}`,
    `a GPU's device node: ${seemsToHaveGpu() ? 'present' : 'none'}`,
    ...folders.map((folder) => `${folder}: ${folder === here ? content : 'nothing'}`),
  ];
  return {
    host: deno ? 'deno' : 'node',
    looked,
    engines: enginesHere(),
    // Without an engine drivers are of no use.
    advice: problem === missingPackage ? ['npm install webgpu'] : advice,
  };
}

/**
 * Opens an engine and an adapter: the hardware's if there is one, else the software Vulkan of a
 * browser. `LATENTGPU_ADAPTER=software|hardware` overrides, and so does `VK_DRIVER_FILES`.
 *
 * @throws LatentGpuError `no-adapter` when there is none; `bad-config` for a bad override
 */
export async function requestGpu(request: HostRequest = {}): Promise<HostGpu> {
  const want = wanted(request);
  const engine = await loadEngine();
  const tried: string[] = [];
  const list = attempts(want, engine.looksOnce);
  for (const [i, attempt] of list.entries()) {
    if (!attempt.arrange()) {
      tried.push(`${attempt.source} (no Vulkan loader, ${systemLoader})`);
      continue;
    }
    const gpu = engine.open(attempt.source);
    const adapter = await gpu.requestAdapter({
      ...(request.featureLevel && { featureLevel: request.featureLevel }),
      powerPreference: request.powerPreference ?? 'high-performance',
      forceFallbackAdapter: want === 'software',
    });
    if (!adapter) {
      tried.push(`${attempt.source} (no adapter)`);
      continue;
    }
    const isSoftware = isSoftwareAdapter(adapter);
    if (want !== 'any' && isSoftware !== (want === 'software')) {
      tried.push(`${attempt.source} (${adapter.info.description}, not ${want})`);
      continue;
    }
    // A software driver of the system's gives way to the browser's, which is known to work.
    if (isSoftware && attempt === systemDrivers && i + 1 < list.length) continue;
    return { gpu, adapter, host: engine.host, source: attempt.source };
  }
  const what = want === 'any' ? 'a WebGPU adapter' : `a ${want} WebGPU adapter`;
  const worker = isMainThread
    ? ''
    : ' In a worker thread, open a device in the main thread first or set VK_DRIVER_FILES before Node.js starts.';
  throw new LatentGpuError(
    'no-adapter',
    `could not find ${what}: ${tried.length ? `tried ${tried.join(', ')}` : 'this machine shows no sign of a GPU'}. Ways out: ${advice.join('; ')}.${worker} \`latentgpu doctor\` tells where it looked.`,
  );
}
