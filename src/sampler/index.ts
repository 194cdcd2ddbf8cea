/**
 * A trained model in a web page. Stands alone: what draws is not what trains.
 *
 * @module latentgpu/sampler
 */
import { LatentGpuError } from '../errors.ts';
import { type FetchOptions, type Folder, folderAt, type Progress } from './folder.ts';
import { networkOf, PROGRAM, readNamed, sizeOf } from './network.ts';
import { networkPainter } from './network-painter.ts';
import type { OpenOptions } from './open.ts';
import type { Painter } from './painter.ts';
import { Sampler } from './sampler.ts';

export type { Category } from '../categories.ts';
export type { CodesOptions, DecodeOptions, SampleOptions } from './painter.ts';
export type { InterpolateOptions } from './sampler.ts';
export { LatentGpuError, type Progress, type Sampler };

const MODEL = 'model.json';

export interface LoadOptions extends FetchOptions, OpenOptions {
  /**
   * What plays programs: all that `sampler-program.js` exports. It is loaded from beside this file unless it is given;
   * a service worker, where nothing can be imported later on, has to give it.
   */
  readonly player?: Player;
}

type Player = Pick<typeof import('./program/painter.ts'), 'programPainter'>;

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
  const files = folderAt(folder, options);
  const name = files.name(MODEL);
  const model = readNamed(await files.text(MODEL), name);
  const painter = model.program
    ? await playing(files, model.shape, settled)
    : await networkPainter(networkOf(model, name)(await files.weights(MODEL)), settled);
  if (options.signal?.aborted) painter.destroy();
  options.signal?.throwIfAborted();
  return new Sampler({ ...model, painter });
}

/** Who plays programs comes when there is one. */
async function playing(
  files: Folder,
  shape: readonly number[],
  options: LoadOptions,
): Promise<Painter> {
  const [{ programPainter }, text] = await Promise.all([
    options.player ??
      import('./program/painter.ts').catch((cause: Error) => {
        throw new LatentGpuError(
          'io',
          'sampler-program.js cannot be loaded from beside sampler.js; in a service worker give load(…, { player })',
          { cause },
        );
      }),
    files.text(PROGRAM),
  ]);
  return programPainter(
    text,
    files.name(PROGRAM),
    sizeOf(shape),
    await files.weights(PROGRAM),
    options,
  );
}
