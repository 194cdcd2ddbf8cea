// Variables kept as float16: their numbers as they lie in memory, and back.
import { LatentGpuError } from '../../errors.ts';
import { floatToHalf, HALF_MAX, halfToFloat } from '../../formats/half.ts';
import type { Variable } from '../../graph/variable.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { pitchOf } from '../lower/access.ts';

/** Rows of a matrix start at multiples of four numbers; a vector is one row. */
function rowsOf(variable: Variable): { rows: number; width: number; pitch: number } {
  const pitch = pitchOf(variable);
  if (pitch === undefined) return { rows: 1, width: variable.size, pitch: variable.size };
  const rows = variable.shape[0] as number;
  return { rows, width: variable.size / rows, pitch };
}

/**
 * @throws LatentGpuError `bad-data` for what is not finite as float16: it would turn results into
 *   garbage without a word
 */
export function packHalves(variable: Variable, values: ArrayLike<number>): Uint32Array {
  const { rows, width, pitch } = rowsOf(variable);
  const words = new Uint32Array(memoryBytes(variable) / 4);
  const packed = new Uint16Array(words.buffer);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const half = floatToHalf(values[at] as number);
      if ((half & 0x7c00) === 0x7c00) {
        throw new LatentGpuError(
          'bad-data',
          `${variable} holds ${values[at]} at element ${at}, and float16 goes to ±${HALF_MAX}; ` +
            'keep its weights as float32',
        );
      }
      packed[row * pitch + column] = half;
    }
  }
  return words;
}

export function halvesOf(variable: Variable, bytes: ArrayBuffer): Float32Array {
  const { rows, width, pitch } = rowsOf(variable);
  const numbers = halfToFloat(new Uint16Array(bytes));
  if (width === pitch) return numbers.slice(0, variable.size);
  const result = new Float32Array(variable.size);
  for (let row = 0; row < rows; row++) {
    result.set(numbers.subarray(row * pitch, row * pitch + width), row * width);
  }
  return result;
}
