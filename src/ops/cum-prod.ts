// Products of all up to each along an axis.
import { normalizeAxis } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { libRunningProduct } from '../kernels/shaders.gen.ts';
import { add, mul } from './arithmetic.ts';
import { full } from './constant.ts';
import { checkTypes } from './operand-type.ts';
import { concat, slice } from './pieces.ts';
import { type ScanAttributes, type ScanOptions, scan, scanOf } from './scan.ts';
import { reshape } from './views.ts';

/** What lies `by` places on along an axis, or back; beyond its end `beyond`. */
export function moved(
  x: Tensor,
  axis: number,
  by: number,
  isBack: boolean,
  beyond: number,
): Tensor {
  const n = x.shape[axis] as number;
  const rest = full(x.shape.with(axis, Math.min(by, n)), beyond);
  if (by >= n) return rest;
  return isBack
    ? concat([rest, slice(x, axis, 0, n - by)], axis)
    : concat([slice(x, axis, by, n), rest], axis);
}

/**
 * Of each along an axis b + a · (the same of the next): twice as far at each of log N passes (Hillis and Steele
 * 1986), and nothing is divided.
 */
function recurrence(a: Tensor, b: Tensor, axis: number, isBack: boolean): Tensor {
  let [factor, sum] = [a, b];
  for (let by = 1; by < (a.shape[axis] as number); by *= 2) {
    sum = add(sum, mul(factor, moved(sum, axis, by, isBack, 0)));
    factor = mul(factor, moved(factor, axis, by, isBack, 0));
  }
  return sum;
}

const productOp = scanOf({
  name: 'cumProd',
  library: libRunningProduct,
  nothing: 1,
  merge: (a, b) => a * b,
  // The last of the products so far.
  total: (x, axis) => {
    const n = x.shape[axis] as number;
    const last = slice(cumProd(x, axis), axis, n - 1, n);
    return reshape(last, x.shape.toSpliced(axis, 1));
  },
  // dx_k = (Π before k) s_k with s_k = g_k + x_(k+1) s_(k+1), whichever factors are 0.
  vjp: (node, gradient) => {
    const { axis, reverse } = node.attrs as unknown as ScanAttributes;
    const [x] = node.inputs as [Tensor];
    const next = moved(x, axis, 1, reverse, 0);
    const later = recurrence(next, gradient, axis, reverse);
    return [mul(moved(node, axis, 1, !reverse, 1), later)];
  },
});

/**
 * Products of all up to each along an axis, of x [...]: [...], in a pass over memory as {@link cumSum}. Gradients are
 * right where factors are 0, and take log₂ N passes.
 *
 * @param options `reverse`: of all from each on; `exclusive`: without each itself
 * @throws LatentGpuError `shape-mismatch` for an axis that x has not
 * @example cumProd(full([4], 2)) // [2, 4, 8, 16]
 */
export function cumProd(
  x: Tensor,
  axis = -1,
  { reverse = false, exclusive = false }: ScanOptions & { readonly exclusive?: boolean } = {},
): Tensor {
  checkTypes('cumProd', [x]);
  const at = normalizeAxis('cumProd', axis, x.rank);
  return scan(productOp, exclusive ? moved(x, at, 1, !reverse, 1) : x, at, { reverse });
}
