/**
 * Which Vulkan drivers an engine sees: those of the system, those that the environment names, or
 * the software ones of an installed browser. For this process, and for those that it starts.
 */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { setEnvironment } from './environment.node.ts';
import { findSoftwareVulkan, loaderBeside, seemsToHaveGpu } from './find.ts';
import type { HostRequest } from './host.ts';

export const systemLoader = 'libvulkan.so.1';

/** `dlopen`'s flag that keeps a library in memory when its handle is closed. */
const RTLD_NODELETE = 0x1000;

/** What Node.js and Bun say of a library that they have loaded and that is no addon. */
const NO_ADDON = /did not self-register|symbol 'napi_register_module_v1' not found/;

interface DenoLibraries {
  dlopen(file: string, symbols: object): unknown;
}

/** Deno's own namespace, where this runs in Deno. */
export const deno = (globalThis as { Deno?: DenoLibraries }).Deno;

/**
 * Loads a shared library into this process, by path or by name, and says whether that worked.
 *
 * Engines ask the dynamic linker for `libvulkan.so.1` by name, and `LD_LIBRARY_PATH` is read only
 * when a process starts. A library that is already loaded under that name is found nonetheless.
 * Node's `process.dlopen` loads it and then complains, rightly, that it is no addon.
 */
function loadLibrary(file: string): boolean {
  try {
    if (deno) deno.dlopen(file, {});
    else process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    // Of another realm than this module, in Jest.
    return NO_ADDON.test(String(error));
  }
}

/**
 * What keeps a layer of Mesa out that chooses among several GPUs, unless the user asked for its choice.
 * It connects to the display, and where there is none the display's library complains on standard
 * error. Engines choose by themselves.
 */
const silence = ({ MESA_VK_DEVICE_SELECT, DRI_PRIME, NODEVICE_SELECT }: NodeJS.ProcessEnv) =>
  MESA_VK_DEVICE_SELECT || DRI_PRIME || NODEVICE_SELECT ? {} : { NODEVICE_SELECT: '1' };

/** To be called before an engine of this process looks for drivers. */
export function silenceDrivers(): void {
  for (const [name, value] of Object.entries(silence(process.env))) setEnvironment(name, value);
}

export type Wanted = 'hardware' | 'software' | 'any';

/** @throws LatentGpuError `bad-config` for a bad override, or one that contradicts the request */
export function wanted(request: HostRequest): Wanted {
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

/** One way of getting at an adapter: what to arrange beforehand, and how to call it. */
export interface Attempt {
  source: string;
  /** False if the engine could only fail, noisily. */
  arrange(): boolean;
}

/** The manifest this module put into the environment, which is nobody's wish. */
let ownDrivers: string | null = null;

// Loaders before 1.3.207 know the second name alone.
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

function setDrivers(icd: string | null): void {
  // The loader reads the real environment, which Node.js changes from the main thread only.
  for (const name of DRIVER_VARIABLES) {
    if (icd !== null) setEnvironment(name, icd);
    else if (ownDrivers !== null) setEnvironment(name, undefined);
  }
  ownDrivers = icd;
}

/** The manifests that whoever started this process asked for. */
export function driversSet(): string | undefined {
  if (ownDrivers !== null) return undefined;
  return process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES || undefined;
}

/** The drivers the system has, with its own Vulkan loader or, failing that, a browser's. */
export const systemDrivers: Attempt = {
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

/** Both at once, for an engine that looks only once: it prefers a GPU. */
function systemAndBrowserDrivers(icd: string): Attempt {
  return {
    source: `the system's drivers or ${icd}`,
    arrange() {
      if (process.env.VK_ADD_DRIVER_FILES === undefined) {
        setEnvironment('VK_ADD_DRIVER_FILES', icd);
      }
      return systemDrivers.arrange();
    },
  };
}

/** @throws LatentGpuError `no-adapter` if none of the files that the environment names is there */
function checkNamed(drivers: string): void {
  if (drivers.split(delimiter).some((file) => existsSync(file))) return;
  // An engine could only fail, noisily.
  throw new LatentGpuError(
    'no-adapter',
    `VK_DRIVER_FILES is "${drivers}", and there is no such file; name a Vulkan driver manifest, or leave it unset. \`latentgpu doctor\` tells where it looked.`,
  );
}

/**
 * What to try, in order.
 *
 * @param once only one of them counts
 */
export function attempts(want: Wanted, once: boolean): Attempt[] {
  const drivers = driversSet();
  if (drivers) {
    checkNamed(drivers);
    return [driversByEnvironment(drivers)];
  }
  const list: Attempt[] = [];
  const software = findSoftwareVulkan().found;
  if (want !== 'software' && seemsToHaveGpu()) list.push(systemDrivers);
  if (want === 'hardware') return list;
  if (software && once && list.length > 0) return [systemAndBrowserDrivers(software.icd)];
  if (software) list.push(browserDrivers(software.icd, software.loader));
  // A recent Mesa or Windows's WARP may serve where neither a GPU nor a browser is in sight.
  if (list.length === 0) list.push(systemDrivers);
  return list;
}

/**
 * The environment of a program with a WebGPU of its own (Firefox, Deno), in which it finds the
 * drivers that this process would.
 *
 * @throws LatentGpuError as {@link wanted} and {@link attempts}
 */
export function programEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  if (process.platform !== 'linux') return env;
  Object.assign(env, silence(env));
  const named = driversSet();
  if (named) checkNamed(named);
  else for (const name of DRIVER_VARIABLES) delete env[name];
  const usesSystem = !named && wanted({}) !== 'software' && seemsToHaveGpu();
  const software = named || usesSystem ? null : findSoftwareVulkan().found;
  if (software) for (const name of DRIVER_VARIABLES) env[name] = software.icd;
  const loader = named ? loaderBeside(named) : software?.loader;
  if (loader) {
    env.LD_LIBRARY_PATH = [dirname(loader), env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  }
  return env;
}
