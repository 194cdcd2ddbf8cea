// A model folder as a page needs it: the numbers that are drawn from, and a page to start from.
import { isLatentGpuError, LatentGpuError } from '../../errors.ts';
import { floatToHalf, HALF_MAX } from '../../formats/half.ts';
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../../formats/safetensors.ts';
import { type Named, networkOf, PROGRAM, readNamed } from '../../sampler/network.ts';
import PAGE from './index.html?raw';
import type { ProgramSource } from './parts.ts';
import { programOf } from './program.ts';

/** The page that draws from the folder it lies in, beside `sampler.js`. */
export const page: string = PAGE;

/** A file of a folder for a page. */
export type WebFile = readonly [name: string, bytes: Uint8Array];

/** What a folder is made from. */
export interface WebSource extends ProgramSource {
  /** The text of `model.json`, and the bytes of `weights.safetensors`. */
  readonly description: string;
  readonly stored: Uint8Array;
}

/**
 * What the small runtime reads of a model, and nothing else: `model.json`, `weights.safetensors` and, of all
 * but decoders of full layers, `program.json`.
 *
 * @param isHalf float16: half as many bytes, three decimals
 * @param name of the model in errors
 * @throws LatentGpuError `bad-input` for a model that the small runtime does not draw from,
 *   `bad-data` for numbers beyond float16's range
 */
export function webFiles(source: WebSource, isHalf: boolean, name: string): readonly WebFile[] {
  const { description, stored } = source;
  const named = readNamed(description, name);
  const halfOf = (path: string, data: Float32Array) => (isHalf ? halved(data, path, name) : data);
  // Codes that a fitted density draws are more than noise.
  const layers = source.prior ? undefined : layersOf(named, name);
  if (layers) {
    const taken = takenOf(layers, stored, name);
    return files(
      description,
      taken.map(([path, { shape, data }]) => [path, { shape, data: halfOf(path, data) }]),
    );
  }
  const { json, tensors } = programOf(source);
  const weights = [...tensors].map(([path, { shape, data, isIndex }]): [string, WritableTensor] => [
    path,
    { shape, data: isIndex ? data : halfOf(path, data as Float32Array) },
  ]);
  const played = `${JSON.stringify({ ...named.json, program: PROGRAM }, undefined, 2)}\n`;
  return [...files(played, weights), [PROGRAM, encode(JSON.stringify(json))]];
}

const encode = (text: string) => new TextEncoder().encode(text);

const files = (description: string, weights: readonly [string, WritableTensor][]): WebFile[] => [
  ['model.json', encode(description)],
  ['weights.safetensors', writeSafetensors(weights)],
];

/** A decoder of full layers, if it is one. */
function layersOf(named: Named, name: string): ReturnType<typeof networkOf> | undefined {
  try {
    return networkOf(named, name);
  } catch (error) {
    if (isLatentGpuError(error, 'bad-format')) return undefined;
    throw error;
  }
}

/** Those of the stored tensors that are drawn from. */
function takenOf(layers: ReturnType<typeof networkOf>, stored: Uint8Array, name: string) {
  const { tensors } = readSafetensors(stored, name);
  const taken: [string, { shape: readonly number[]; data: Float32Array }][] = [];
  layers((path, shape) => {
    const own = tensors.get(path);
    if (!(own?.data instanceof Float32Array) || own.shape.join() !== shape.join()) {
      throw new LatentGpuError('bad-format', `${name}: tensor ${path} does not fit its model`);
    }
    taken.push([path, { shape, data: own.data }]);
    return own.data;
  });
  return taken;
}

function halved(data: Float32Array, path: string, name: string): Uint16Array {
  const wrong = data.find((value) => Math.abs(value) > HALF_MAX);
  if (wrong === undefined) return Uint16Array.from(data, floatToHalf);
  const why = `tensor ${path} holds ${wrong}, beyond float16's range; leave out --half`;
  throw new LatentGpuError('bad-data', `${name}: ${why}`);
}
