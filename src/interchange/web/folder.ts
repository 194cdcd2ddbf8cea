// A model folder as a page needs it: the numbers that are drawn from, and a page to start from.
import { LatentGpuError } from '../../errors.ts';
import { floatToHalf, HALF_MAX } from '../../formats/half.ts';
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../../formats/safetensors.ts';
import { assemble, describe } from '../../sampler/network.ts';
import PAGE from './index.html?raw';

/** The page that draws from the folder it lies in, beside `sampler.js`. */
export const page: string = PAGE;

/**
 * The bytes of a `weights.safetensors` that has what the small runtime reads, and nothing else.
 *
 * @param description the text of `model.json`, which a page loads as it is
 * @param isHalf float16: half as many bytes, three decimals
 * @throws LatentGpuError `bad-format` for a model that the small runtime does not draw from,
 *   `bad-data` for numbers beyond float16's range
 */
export function drawnWeights(
  description: string,
  weights: Uint8Array,
  isHalf: boolean,
  name: string,
): Uint8Array {
  const { tensors } = readSafetensors(weights, name);
  const taken: [string, WritableTensor][] = [];
  assemble(describe(description, name), (path, shape) => {
    const stored = tensors.get(path);
    if (!(stored?.data instanceof Float32Array) || stored.shape.join() !== shape.join()) {
      throw new LatentGpuError('bad-format', `${name}: tensor ${path} does not fit its model`);
    }
    const { data } = stored;
    taken.push([path, { shape, data: isHalf ? halved(data, path, name) : data }]);
    return data;
  });
  return writeSafetensors(taken);
}

function halved(data: Float32Array, path: string, name: string): Uint16Array {
  const wrong = data.find((value) => Math.abs(value) > HALF_MAX);
  if (wrong === undefined) return Uint16Array.from(data, floatToHalf);
  const why = `tensor ${path} holds ${wrong}, beyond float16's range; leave out --half`;
  throw new LatentGpuError('bad-data', `${name}: ${why}`);
}
