// A product as its kernels see it: extents, and how both operands lie.
import type { WindowedImage } from './window.ts';

/**
 * How an operand of a product lies in its binding; sizes and strides count floats. Element
 * (b, r, c) of the stored matrix is at `offset + b·batchStride + r·ld + c`. Not transposed, A is
 * stored [m, k] and B [k, n]; transposed, A is stored [k, m] and B [n, k].
 */
export interface MatmulOperand {
  transposed: boolean;
  ld: number;
  offset: number;
  /** 0 if all batches read the same matrix. */
  batchStride: number;
  /** Floats in the binding. */
  size: number;
  /** Whether it is stored as packed float16; only B may be, with all of the above multiples of 4. */
  isHalf?: boolean;
  /** It is not stored, but cut out of images: its rows, `ld` floats each, are their windows. */
  windowed?: WindowedImage;
}

/** C[b,m,n] = Σ_k A[b,m,k] B[b,k,n]. */
export interface MatmulProblem {
  batch: number;
  m: number;
  n: number;
  k: number;
  /**
   * If given, batch b takes the terms b·k … min(kTotal, (b+1)·k) − 1 of one longer sum, and the
   * batch strides are those from chunk to chunk.
   */
  kTotal?: number;
  a: MatmulOperand;
  b: MatmulOperand;
  /** Whether the sums of A over k are wanted too. */
  sumA: boolean;
}
