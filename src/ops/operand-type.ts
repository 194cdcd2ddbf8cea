// The types of operands: refused as the graph is built, where a kernel would be refused later.
import { LatentGpuError } from '../errors.ts';
import type { DType, Tensor } from '../graph/tensor.ts';

/**
 * Operands of a type; bytes count as float32, which they are read as.
 *
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkTypes(op: string, operands: readonly Tensor[], type: DType = 'f32'): void {
  for (const operand of operands) {
    if ((operand.dtype === 'u8' ? 'f32' : operand.dtype) === type) continue;
    throw new LatentGpuError(
      'shape-mismatch',
      `${op}: ${operand} is not ${type}; cast it with ${type === 'u32' ? 'toUint' : 'toFloat'}`,
    );
  }
}
