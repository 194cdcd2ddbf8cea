// Errors of the GPU, which come after the call that caused them, as rejections of that call.
import { LatentGpuError } from '../errors.ts';

const FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Does something on a device.
 *
 * @param work whatever it does before its first `await` is watched
 * @throws LatentGpuError `validation` with the first error that the GPU reports of it
 */
export async function checked<T>(device: GPUDevice, work: () => T | Promise<T>): Promise<T> {
  for (const filter of FILTERS) device.pushErrorScope(filter);
  const done = (async () => await work())();
  // Told below, unless the GPU says why.
  done.catch(() => {});
  // In the same turn as the pushes: scopes are a stack, and calls may overlap.
  const found = await Promise.all(FILTERS.map(() => device.popErrorScope())).catch(() => []);
  const error = found.find(Boolean);
  if (error) throw new LatentGpuError('validation', `the GPU reports: ${error.message}`);
  return await done;
}
