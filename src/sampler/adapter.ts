// The visitor's GPU.
import { LatentGpuError } from '../errors.ts';

/** @throws LatentGpuError `no-adapter` */
export async function adapterOf(gpu: GPU | undefined): Promise<GPUAdapter> {
  const adapter = await gpu?.requestAdapter();
  if (adapter) return adapter;
  const why = gpu ? 'WebGPU has no adapter here' : 'this host has no WebGPU';
  throw new LatentGpuError('no-adapter', `${why}; leave out backend: 'webgpu' for JavaScript`);
}

export const nameOf = ({ vendor, architecture, device, description }: GPUAdapterInfo): string => {
  const family = [vendor, architecture].filter(Boolean).join(' ');
  const model = description || device;
  return (model && family ? `${model} (${family})` : model || family) || 'unnamed adapter';
};

/**
 * A device whose buffers may be that large.
 *
 * @throws LatentGpuError `limit-exceeded`
 */
export async function deviceOf(
  adapter: GPUAdapter,
  largest: number,
  fits = true,
  requiredFeatures: GPUFeatureName[] = [],
): Promise<GPUDevice> {
  const { limits } = adapter;
  const allowed = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  if (largest > allowed || !fits) {
    throw new LatentGpuError(
      'limit-exceeded',
      `the model needs ${largest} bytes for one layer; this adapter allows ${allowed}`,
    );
  }
  return await adapter.requestDevice({
    requiredFeatures,
    requiredLimits: { maxStorageBufferBindingSize: largest, maxBufferSize: largest },
  });
}
