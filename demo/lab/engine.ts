// What a page computes on.
import { type Device, isLatentGpuError, openDevice, Runtime } from '../../src/index.ts';
import { HostRuntime, type LabRuntime } from './host-runtime.ts';

export interface Engine {
  readonly name: string;
  readonly runtime: LabRuntime;
  /** The same, where it is a GPU's. */
  readonly gpu: Runtime | undefined;
  readonly device: Device | undefined;
  /** Why there is no GPU. */
  readonly why: string | undefined;
  /** Another runtime on the same device; what the last one had is freed. */
  renew(): void;
  close(): void;
}

/** A GPU where there is one; else the page itself. */
export async function openEngine(seed: number): Promise<Engine> {
  try {
    const device = await openDevice();
    // What pages compute is too small for choosing kernels by measurement.
    const made = () => new Runtime(device, { seed, tune: 'off' });
    let gpu = made();
    const { name, isSoftware } = device.adapter;
    return {
      name: `${name}${isSoftware ? ' (software adapter, no GPU)' : ''}`,
      get runtime() {
        return gpu;
      },
      get gpu() {
        return gpu;
      },
      device,
      why: undefined,
      renew: () => {
        gpu.destroy();
        gpu = made();
      },
      close: () => {
        if (!device.isLost) gpu.destroy();
        device.destroy();
      },
    };
  } catch (error) {
    if (!isLatentGpuError(error, 'no-adapter')) throw error;
    const runtime = new HostRuntime(seed);
    return {
      name: 'JavaScript, in float64',
      runtime,
      gpu: undefined,
      device: undefined,
      why: error.message,
      renew: () => runtime.destroy(),
      close: () => runtime.destroy(),
    };
  }
}
