// What a kernel binds of a memory, and the buffer in which that lies.
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';

export interface KernelBinding {
  readonly memory: Tensor;
  readonly kind: 'uniform' | 'read' | 'write';
  /** Bytes at which the binding starts in its memory. */
  readonly offset: number;
  /** Bytes that it spans, if not all the rest. */
  readonly bytes?: number;
}

/** A variable that is part of another lies in that one's buffer. */
export const bufferOf = (memory: Tensor): Tensor =>
  isVariable(memory) && memory.parent ? memory.parent.variable : memory;
