/** The WebGPU of this process: Dawn, from the npm package `webgpu`, or the one that Deno has. */
import { LatentGpuError } from '../errors.ts';
import { deno, silenceDrivers } from './drivers.node.ts';
import type { HostName } from './host.ts';
import { fromPackage, isMissing } from './packages.node.ts';

export interface Engine {
  readonly host: HostName;
  /** Whether it looks for drivers once, at the first request, and never again. */
  readonly looksOnce: boolean;
  /** The GPU as seen through a source of drivers, once those are arranged. */
  open(source: string): GPU;
}

interface Dawn {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

/**
 * The instances of Dawn, one for each source of drivers. They live as long as the process: Dawn
 * frees an instance that is garbage while its next look at the queue is already scheduled, which
 * ends in a crash. An instance at rest does not keep Node.js from exiting.
 */
const instances = new Map<string, GPU>();

export const missingPackage =
  'Node.js has no WebGPU of its own and the package `webgpu` is not installed. Type `npm install webgpu`.';

/** The package beside this one, or that of the program or project that runs. */
async function findDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu').catch((cause: unknown) => {
      const found = isMissing(cause) && fromPackage((require) => require('webgpu'));
      if (found) return found;
      throw cause;
    })) as unknown as Dawn;
  } catch (cause) {
    const message = isMissing(cause)
      ? missingPackage
      : `the package \`webgpu\` does not load on this machine: ${(cause as Error).message}`;
    throw new LatentGpuError('no-adapter', message, { cause });
  }
}

/**
 * Has the C library keep what compilers free, for the next kernel. glibc gives large blocks back to the
 * system, and takes them again page by page, until it has seen one freed that is larger, up to 32 MiB
 * (M_MMAP_THRESHOLD in mallopt(3)): this one, which nobody touches. A third of a start's page faults.
 */
function keepFreedMemory(): void {
  void new ArrayBuffer(2 ** 25 - 2 ** 16);
}

async function importDawn(): Promise<Dawn> {
  keepFreedMemory();
  const dawn = await findDawn();
  for (const [name, value] of Object.entries(dawn.globals)) {
    // GPUBufferUsage and its kind, which programs expect to find as they would in a browser.
    if (!(name in globalThis)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }
  return dawn;
}

/**
 * @throws LatentGpuError `no-adapter` where the package, or Deno's WebGPU, is missing
 */
export async function loadEngine(): Promise<Engine> {
  silenceDrivers();
  if (deno) {
    const gpu = globalThis.navigator?.gpu as GPU | undefined;
    if (gpu) return { host: 'deno', looksOnce: true, open: () => gpu };
    throw new LatentGpuError(
      'no-adapter',
      'this Deno has no WebGPU of its own accord. Type `deno run --unstable-webgpu …`, or update it.',
    );
  }
  const dawn = await importDawn();
  return {
    host: 'node',
    looksOnce: false,
    open(source) {
      let gpu = instances.get(source);
      if (!gpu) {
        gpu = dawn.create([]);
        instances.set(source, gpu);
      }
      return gpu;
    },
  };
}
