// Classes as rows of a one and zeros, computed where they are used and never kept.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { equalUint } from './integers.ts';
import { iota } from './random.ts';
import { unsqueeze } from './views.ts';

/**
 * 1 where a label is the class, else 0: labels [...] (unsigned) to [..., classes]. A label beyond the
 * classes, such as that of a row whose class is unknown, gives zeros.
 *
 * ```ts
 * const h = ops.matmul(ops.oneHot(labels, 10), embedding); // rows of a table [10, H], with its gradient
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for labels that are no unsigned integers
 * @example oneHot(iota(2), 3) // [1, 0, 0, 0, 1, 0]
 */
export function oneHot(labels: Tensor, classes: number): Tensor {
  if (labels.dtype === 'u32') return equalUint(unsqueeze(labels, labels.rank), iota(classes));
  throw new LatentGpuError(
    'shape-mismatch',
    `oneHot: labels are unsigned integers, and ${labels} is not`,
  );
}

/**
 * I, [n, n], computed where it is used.
 *
 * @example identity(2) // [1, 0, 0, 1]
 */
export const identity = (n: number): Tensor => oneHot(iota(n), n);
