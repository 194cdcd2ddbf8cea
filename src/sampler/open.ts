// Which backend computes a model.
import { LatentGpuError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { openJavaScript } from './javascript.ts';
import type { Network } from './network.ts';
import { openWebGpu } from './webgpu.ts';

export interface OpenOptions {
  /** `auto`: WebGPU, and JavaScript where it is missing or fails. */
  readonly backend?: 'auto' | 'webgpu' | 'javascript';
  /** Where WebGPU is; default `navigator.gpu`. Node.js: `create([])` of the package `webgpu`. */
  readonly gpu?: GPU;
}

export const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

export function warn(error: unknown): void {
  console.warn(`latentgpu: going on in JavaScript, because WebGPU failed: ${message(error)}`);
}

/** @throws LatentGpuError of `openWebGpu` if `backend` asks for that alone */
export async function open(network: Network, { backend, gpu }: OpenOptions): Promise<Backend> {
  if (backend === 'javascript') return openJavaScript(network);
  try {
    return await openWebGpu(network, gpu ?? globalThis.navigator?.gpu);
  } catch (error) {
    if (backend === 'webgpu') throw error;
    // That a visitor has no WebGPU is no news.
    if (!(error instanceof LatentGpuError && error.code === 'no-adapter')) warn(error);
    return openJavaScript(network);
  }
}
