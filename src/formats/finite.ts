// Numbers in files that are not finite, or no longer are.
import { HALF_MAX } from './half.ts';
import type { StoredTensor } from './safetensors.ts';

/**
 * For an error message: the first number of a tensor that is not finite, where it lies, and what made
 * it so if its type did; undefined if all are finite. An infinity makes finite results that are wrong:
 * one over it is 0.
 */
export function notFinite({ data, dtype }: StoredTensor): string | undefined {
  const at = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
  if (at < 0) return undefined;
  const value = data[at] as number;
  const isOverflow = !Number.isNaN(value);
  const found = `holds ${value}${isOverflow && dtype === 'F64' ? ' as float32' : ''} at element ${at}`;
  if (!isOverflow || dtype !== 'F16') return found;
  return `${found}; float16 goes to ±${HALF_MAX}: save the numbers as float32 or bfloat16`;
}
