// What a page computes on.
import { isLatentGpuError, openDevice } from '../../src/index.ts';
import { HostRuntime, type LabRuntime } from './host-runtime.ts';
import { LastingRuntime } from './lasting-runtime.ts';

export interface Engine {
  readonly name: string;
  readonly runtime: LabRuntime;
  readonly isGpu: boolean;
  /** Why there is no GPU. */
  readonly why: string | undefined;
  /** GPUs that were lost and replaced. */
  readonly recoveries: number;
  /** Does some work; if the GPU is lost on the way, from where it began on another. */
  protect<R>(work: () => Promise<R>): Promise<R>;
  /** Forgets and frees what the runtime has. */
  clear(): void;
}

/** A GPU where there is one; else the page itself. */
export async function openEngine(seed: number): Promise<Engine> {
  try {
    const runtime = await LastingRuntime.open(openDevice, seed);
    const { name, isSoftware } = runtime.now.device.adapter;
    return {
      name: `${name}${isSoftware ? ' (software adapter, no GPU)' : ''}`,
      runtime,
      isGpu: true,
      why: undefined,
      get recoveries() {
        return runtime.recoveries;
      },
      protect: (work) => runtime.protect(work),
      clear: () => runtime.clear(),
    };
  } catch (error) {
    if (!isLatentGpuError(error, 'no-adapter')) throw error;
    const runtime = new HostRuntime(seed);
    return {
      name: 'JavaScript, in float64',
      runtime,
      isGpu: false,
      why: error.message,
      recoveries: 0,
      protect: (work) => work(),
      clear: () => runtime.clear(),
    };
  }
}
