// Operands that are none, or of another type: refused as the graph is built, where a kernel would be refused later.
import { LatentGpuError } from '../errors.ts';
import type { DType, Tensor } from '../graph/tensor.ts';

/** @throws LatentGpuError `bad-input` for what is neither a tensor nor a number: an array, what a batch lacks */
export function checkTensor(who: string, x: unknown): void {
  if ((x as Partial<Tensor> | undefined)?.op) return;
  const remedy =
    typeof x === 'number'
      ? '; of one number ops.constant makes one'
      : ArrayBuffer.isView(x) || Array.isArray(x)
        ? "; make a variable of it: variable('x', [2], { init: () => [0, 1] })"
        : '';
  const what =
    x === undefined || typeof x === 'number'
      ? String(x)
      : Array.isArray(x)
        ? 'an array'
        : String(Object.prototype.toString.call(x));
  const kind = typeof x === 'number' ? 'no tensor' : 'no tensor and no number';
  throw new LatentGpuError('bad-input', `${who}: ${what} is ${kind}${remedy}`);
}

/**
 * Operands of a type; bytes count as float32, which they are read as.
 *
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkTypes(op: string, operands: readonly Tensor[], type: DType = 'f32'): void {
  for (const operand of operands) {
    checkTensor(op, operand);
    if ((operand.dtype === 'u8' ? 'f32' : operand.dtype) === type) continue;
    throw new LatentGpuError(
      'shape-mismatch',
      `${op}: ${operand} is not ${type}; cast it with ${type === 'u32' ? 'toUint' : 'toFloat'}`,
    );
  }
}
