// How a device is opened, with which features and limits.
import { requestGpu } from '#host';
import { LatentGpuError } from '../errors.ts';
import { reportAdapter } from './adapter.ts';
import { Device } from './device.ts';

export interface OpenOptions {
  /** Default: `high-performance`. */
  powerPreference?: GPUPowerPreference;
  /**
   * Optional features to open the device with: a list that the adapter must offer, or `all` it
   * offers. Default: those it offers among `timestamp-query`, `subgroups`,
   * `subgroup-size-control` and `shader-f16`.
   */
  features?: readonly GPUFeatureName[] | 'all';
  /** Refuse a software adapter. Default: false. */
  requireHardware?: boolean;
  /**
   * `compatibility`: the smaller limits that WebGPU promises on older hardware (128 invocations a
   * workgroup, uniforms of 16 KiB). Default: `core`, or else what there is.
   */
  featureLevel?: 'core' | 'compatibility';
  /**
   * Storage buffers that a kernel may bind: as many of these as the adapter offers, 8 at least. More
   * of them make fewer dispatches. Default: 10, which nearly every adapter offers.
   */
  storageBuffers?: number;
}

/** What WebGPU promises everywhere. */
const STORAGE_BUFFERS = 8;

const wished: readonly GPUFeatureName[] = [
  'timestamp-query',
  'subgroups',
  // Younger than the types of the platform.
  'subgroup-size-control' as GPUFeatureName,
  'shader-f16',
];

function chooseFeatures(adapter: GPUAdapter, features: OpenOptions['features']): GPUFeatureName[] {
  if (features === 'all') return [...adapter.features] as GPUFeatureName[];
  if (!features) return wished.filter((name) => adapter.features.has(name));
  const absent = features.filter((name) => !adapter.features.has(name));
  if (absent.length > 0) {
    throw new LatentGpuError(
      'no-adapter',
      `the adapter does not offer ${absent.join(', ')}; it offers ${[...adapter.features].join(', ')}.`,
    );
  }
  return [...features];
}

/**
 * Opens WebGPU wherever this runs: a page, a worker, Node.js (with the package `webgpu`). But
 * for the number of storage buffers, the device has WebGPU's default limits, so that what works here
 * works on every adapter.
 *
 * ```ts
 * const device = await openDevice();
 * console.log(device.adapter.name);
 * device.destroy();
 * ```
 *
 * @throws LatentGpuError `no-adapter`, with the ways out; `bad-config`
 */
export async function openDevice(options: OpenOptions = {}): Promise<Device> {
  const opened = await requestGpu(options);
  const report = reportAdapter(opened);
  const requiredFeatures = chooseFeatures(opened.adapter, options.features);
  const gpu = await opened.adapter
    .requestDevice({
      label: 'latentgpu',
      requiredFeatures,
      requiredLimits: {
        maxStorageBuffersPerShaderStage: Math.max(
          STORAGE_BUFFERS,
          Math.min(
            options.storageBuffers ?? 10,
            opened.adapter.limits.maxStorageBuffersPerShaderStage,
          ),
        ),
      },
    })
    .catch((cause: Error) => {
      throw new LatentGpuError(
        'no-adapter',
        `${report.name} gives no device (${cause.message.trim()}); close other programs that use the GPU and try again`,
        { cause },
      );
    });
  return new Device(gpu, report);
}
