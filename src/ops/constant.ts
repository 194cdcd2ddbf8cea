// Constants: numbers known when the graph is built, written into the kernels that use them.
import { LatentGpuError } from '../errors.ts';
import { ndarray } from '../graph/ndarray.ts';
import { checkShape, type Shape } from '../graph/shape.ts';
import { type DType, defineOp, Tensor, throughViews } from '../graph/tensor.ts';
import { checkTensor } from './operand-type.ts';
import { expand } from './views.ts';

export type TensorLike = Tensor | number;

const constantOp = defineOp({
  name: 'constant',
  kind: 'constant',
  reference: (_inputs, node) => ndarray([], [node.attrs.value as number]),
});

/**
 * A scalar known when the graph is built.
 *
 * @throws LatentGpuError `bad-input` for what is no number
 * @example constant(2) // 2
 */
export function constant(value: number, dtype: DType = 'f32'): Tensor {
  if (typeof value !== 'number') {
    throw new LatentGpuError(
      'bad-input',
      `constant: it is of one number; of several make a variable: variable('x', [2], { init: () => [0, 1] })`,
    );
  }
  const stored = dtype === 'u32' ? value >>> 0 : value;
  return new Tensor(constantOp, [], [], dtype, { value: stored });
}

/** The number behind a constant of any shape, or undefined. */
export function constantValue(tensor: Tensor): number | undefined {
  checkTensor('an op', tensor);
  const node = throughViews(tensor);
  return node.op === constantOp ? (node.attrs.value as number) : undefined;
}

/**
 * A tensor of one number.
 *
 * @example full([2], 3) // [3, 3]
 */
export function full(shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
  return expand(constant(value, dtype), checkShape('full', shape));
}

/**
 * A tensor of zeros.
 *
 * @example zeros([2]) // [0, 0]
 */
export function zeros(shape: Shape): Tensor {
  return full(shape, 0);
}
