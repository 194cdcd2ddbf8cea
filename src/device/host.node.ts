/**
 * WebGPU for Node.js: Dawn, from the npm package `webgpu`, on a GPU's driver or on the software
 * Vulkan of an installed browser.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { LatentGpuError } from '../errors.ts';
import { isSoftwareAdapter } from './adapter.ts';
import { findSoftwareVulkan, loaderBeside, seemsToHaveGpu } from './find.ts';
import type { HostGpu, HostRequest, HostSearch } from './host.ts';

export { patiently } from './patience.node.ts';

const systemLoader = 'libvulkan.so.1';

/** `dlopen`'s flag that keeps a library in memory when its handle is closed. */
const RTLD_NODELETE = 0x1000;

/** What Node.js and Bun say of a library that they have loaded and that is no addon. */
const NO_ADDON = /did not self-register|symbol 'napi_register_module_v1' not found/;

/**
 * Loads a shared library into this process, by path or by name, and says whether that worked.
 *
 * Dawn asks the dynamic linker for `libvulkan.so.1` by name, and `LD_LIBRARY_PATH` is read only
 * when a process starts. A library that is already loaded under that name is found nonetheless.
 * `process.dlopen` loads it and then complains, rightly, that it is no addon.
 */
function loadLibrary(file: string): boolean {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    return error instanceof Error && NO_ADDON.test(error.message);
  }
}

const advice = [
  "install a GPU's Vulkan driver",
  'or install a browser, whose software adapter serves as well: ' +
    "`apt-get install chromium` as root on Debian, `npx puppeteer browsers install chrome`, or the system's Chrome",
  'or name a Vulkan driver manifest in VK_DRIVER_FILES (vk_swiftshader_icd.json of a browser)',
  'or name a Chrome or Chromium in PUPPETEER_EXECUTABLE_PATH',
];

type Wanted = 'hardware' | 'software' | 'any';

function wanted(request: HostRequest): Wanted {
  const set = process.env.LATENTGPU_ADAPTER;
  if (set && set !== 'hardware' && set !== 'software') {
    throw new LatentGpuError(
      'bad-config',
      `LATENTGPU_ADAPTER is "${set}"; it may be "hardware" or "software", or be left unset.`,
    );
  }
  if (!request.requireHardware) return (set as Wanted | undefined) ?? 'any';
  if (set === 'software') {
    throw new LatentGpuError(
      'bad-config',
      'a hardware adapter is required and LATENTGPU_ADAPTER says "software"; drop one of the two.',
    );
  }
  return 'hardware';
}

interface Dawn {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

async function importDawn(): Promise<Dawn> {
  let dawn: Dawn;
  try {
    dawn = (await import('webgpu')) as unknown as Dawn;
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const message = absent
      ? 'Node.js has no WebGPU of its own and the package `webgpu` is not installed. Type `npm install webgpu`.'
      : `the package \`webgpu\` does not load on this machine: ${(cause as Error).message}`;
    throw new LatentGpuError('no-adapter', message, { cause });
  }
  for (const [name, value] of Object.entries(dawn.globals)) {
    // GPUBufferUsage and its kind, which programs expect to find as they would in a browser.
    if (!(name in globalThis)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }
  return dawn;
}

/**
 * The instances of Dawn, one for each source of drivers. They live as long as the process: Dawn
 * frees an instance that is garbage while its next look at the queue is already scheduled, which
 * ends in a crash. An instance at rest does not keep Node.js from exiting.
 */
const instances = new Map<string, GPU>();

function open(dawn: Dawn, source: string): GPU {
  let gpu = instances.get(source);
  if (!gpu) {
    gpu = dawn.create([]);
    instances.set(source, gpu);
  }
  return gpu;
}

/** One way of getting at an adapter: what to arrange beforehand, and how to call it. */
interface Attempt {
  source: string;
  /** False if Dawn could only fail, noisily. */
  arrange(): boolean;
}

/** The manifest this module put into the environment, which is nobody's wish. */
let ownDrivers: string | null = null;

function setDrivers(icd: string | null): void {
  // The loader reads the real environment, which Node.js changes from the main thread only.
  // Loaders before 1.3.207 know the second name alone.
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    if (icd !== null) process.env[name] = icd;
    else if (ownDrivers !== null) delete process.env[name];
  }
  ownDrivers = icd;
}

/** The manifests that whoever started this process asked for. */
function driversSet(): string | undefined {
  if (ownDrivers !== null) return undefined;
  return process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES || undefined;
}

/** The drivers the system has, with its own Vulkan loader or, failing that, a browser's. */
const systemDrivers: Attempt = {
  source: "the system's drivers",
  arrange() {
    setDrivers(null);
    if (process.platform !== 'linux' || loadLibrary(systemLoader)) return true;
    const loader = findSoftwareVulkan().found?.loader;
    return loader ? loadLibrary(loader) : false;
  },
};

function driversByEnvironment(drivers: string): Attempt {
  return {
    source: `VK_DRIVER_FILES=${drivers}`,
    arrange() {
      if (process.platform !== 'linux') return true;
      const loader = loaderBeside(drivers);
      return (loader !== null && loadLibrary(loader)) || systemDrivers.arrange();
    },
  };
}

function browserDrivers(icd: string, loader: string | null): Attempt {
  return {
    source: icd,
    arrange() {
      setDrivers(icd);
      if (process.platform !== 'linux') return true;
      return (loader !== null && loadLibrary(loader)) || loadLibrary(systemLoader);
    },
  };
}

/** What to try, in order. */
function attempts(want: Wanted): Attempt[] {
  const drivers = driversSet();
  if (drivers) {
    if (drivers.split(delimiter).some((file) => existsSync(file))) {
      return [driversByEnvironment(drivers)];
    }
    // Dawn could only fail, noisily.
    throw new LatentGpuError(
      'no-adapter',
      `VK_DRIVER_FILES is "${drivers}", and there is no such file; name a Vulkan driver manifest, or leave it unset. \`latentgpu doctor\` tells where it looked.`,
    );
  }
  const list: Attempt[] = [];
  const software = findSoftwareVulkan().found;
  if (want !== 'software' && seemsToHaveGpu()) list.push(systemDrivers);
  if (want === 'hardware') return list;
  if (software) list.push(browserDrivers(software.icd, software.loader));
  // A recent Mesa or Windows's WARP may serve where neither a GPU nor a browser is in sight.
  if (list.length === 0) list.push(systemDrivers);
  return list;
}

/** Where this host looks for WebGPU and what there is. */
export function describeSearch(): HostSearch {
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
  return { host: 'node', looked, advice };
}

/**
 * Opens Dawn and an adapter: the hardware's if there is one, else the software Vulkan of a
 * browser. `LATENTGPU_ADAPTER=software|hardware` overrides, and so does `VK_DRIVER_FILES`.
 *
 * @throws LatentGpuError `no-adapter` when there is none; `bad-config` for a bad override
 */
export async function requestGpu(request: HostRequest = {}): Promise<HostGpu> {
  const want = wanted(request);
  const dawn = await importDawn();
  const tried: string[] = [];
  const list = attempts(want);
  for (const [i, attempt] of list.entries()) {
    if (!attempt.arrange()) {
      tried.push(`${attempt.source} (no Vulkan loader, ${systemLoader})`);
      continue;
    }
    const gpu = open(dawn, attempt.source);
    const adapter = await gpu.requestAdapter({
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
    return { gpu, adapter, host: 'node', source: attempt.source };
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
