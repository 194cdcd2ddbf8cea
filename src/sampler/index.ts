// latentgpu/sampler: a trained model in a web page. Stands alone: what draws is not what trains.
import { LatentGpuError } from '../errors.ts';
import { type FetchOptions, loadFolder, type Progress } from './folder.ts';
import { type OpenOptions, open } from './open.ts';
import { Sampler } from './sampler.ts';

export type { CodesOptions, DecodeOptions, InterpolateOptions } from './sampler.ts';
export { LatentGpuError, type Progress, type Sampler };

export interface LoadOptions extends FetchOptions, OpenOptions {}

/**
 * Loads a model folder by its address: `model.json` and `weights.safetensors`.
 *
 * ```js
 * const model = await load('models/digits/');
 * const images = await model.sample(16, { seed: 7 }); // Float32Array [16, D]
 * ```
 *
 * @param folder relative to the page, the worker or the working directory; any float type
 * @throws LatentGpuError `io` if a file cannot be had, `bad-format` or `bad-data` if it is no model's,
 *   with `backend: 'webgpu'` also `no-adapter`, `limit-exceeded`; what `signal` was aborted with
 */
export async function load(folder: string | URL, options: LoadOptions = {}): Promise<Sampler> {
  const settled = { ...options, backend: options.backend ?? 'auto' };
  const { backend } = settled;
  if (!['auto', 'webgpu', 'javascript'].includes(backend)) {
    throw new LatentGpuError(
      'bad-input',
      `backend is '${backend}'; it may be auto, webgpu or javascript`,
    );
  }
  const network = await loadFolder(folder, options);
  const opened = await open(network, settled);
  if (options.signal?.aborted) opened.destroy();
  options.signal?.throwIfAborted();
  return new Sampler(network, settled, opened);
}
