// A view that changes nothing but the gradient that passes through it.
import type { NdArray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { mul } from './arithmetic.ts';

const scaleGradientOp = defineOp({
  name: 'scaleGradient',
  kind: 'view',
  vjp: (node, gradient) => [mul(gradient, (node.attrs.scale as () => Tensor | number)())],
  reference: ([x]) => x as NdArray,
});

/**
 * The same values at no cost; gradients that pass are multiplied by `scale`, which broadcasts to `x`.
 * It may be a function, called when a gradient is taken: of what is made from the result.
 *
 * ```ts
 * const z = ops.scaleGradient(draw, () => weights); // weights [B, S, 1] may depend on z
 * const weights = ops.softmax(logWeightsOf(z), 1);
 * ```
 *
 * @example scaleGradient(constant(2), 0.5) // 2
 */
export function scaleGradient(x: Tensor, scale: number | Tensor | (() => number | Tensor)): Tensor {
  const late = typeof scale === 'function' ? scale : () => scale;
  return new Tensor(scaleGradientOp, [x], x.shape, x.dtype, { scale: late });
}
