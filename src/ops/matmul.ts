// Batched matrix product. Transposes are views, so one op covers NN, NT and TN.
import { LatentGpuError } from '../errors.ts';
import { broadcastStrides, forEachIndex, type NdArray, ndarray } from '../graph/ndarray.ts';
import { broadcastShapes, contiguousStrides } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { checkTypes } from './operand-type.ts';
import { transpose } from './views.ts';

const matmulOp = defineOp({
  name: 'matmul',
  kind: 'matmul',
  vjp: (node, gradient) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    // The gradient of a transposed operand is made in the layout of what was transposed, so that
    // nothing has to be turned afterwards.
    return [
      isTransposed(a) ? transpose(matmul(b, transpose(gradient))) : matmul(gradient, transpose(b)),
      isTransposed(b) ? transpose(matmul(transpose(gradient), a)) : matmul(transpose(a), gradient),
    ];
  },
  reference: ([a, b], node) => {
    const [x, y] = [a as NdArray, b as NdArray];
    const result = ndarray(node.shape);
    const inner = x.shape[x.shape.length - 1] as number;
    const xs = broadcastStrides(x.shape, [...node.shape.slice(0, -1), inner]);
    const ys = broadcastStrides(y.shape, [
      ...node.shape.slice(0, -2),
      inner,
      node.shape.at(-1) as number,
    ]);
    const rank = node.shape.length;
    const xk = contiguousStrides(x.shape).at(-1) as number;
    const yk = contiguousStrides(y.shape).at(-2) as number;
    forEachIndex(node.shape, (index, linear) => {
      let [xi, yi] = [0, 0];
      for (let axis = 0; axis < rank; axis++) {
        const i = index[axis] as number;
        if (axis !== rank - 1) xi += i * (xs[axis] as number);
        if (axis !== rank - 2) yi += i * (ys[axis] as number);
      }
      let total = 0;
      for (let k = 0; k < inner; k++) {
        total += (x.data[xi + k * xk] as number) * (y.data[yi + k * yk] as number);
      }
      result.data[linear] = total;
    });
    return result;
  },
});

/** Whether a matrix is a view of its transpose. */
function isTransposed(x: Tensor): boolean {
  if (x.op.name !== 'transpose') return false;
  const order = x.attrs.order as number[];
  return order.every((axis, i) => axis === (i < x.rank - 2 ? i : 2 * x.rank - 3 - i));
}

/**
 * The product, [..., M, N], of `a` [..., M, K] and `b` [..., K, N]. Leading axes broadcast.
 *
 * @throws LatentGpuError `shape-mismatch` for vectors, unsigned integers, or extents that do not meet
 * @example matmul(reshape(toFloat(iota(4)), [2, 2]), identity(2)) // [0, 1, 2, 3]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2) {
    throw new LatentGpuError(
      'shape-mismatch',
      `matmul: ${a} and ${b} must both be matrices (rank 2 or more); reshape a vector to one row or column`,
    );
  }
  checkTypes('matmul', [a, b]);
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [inner, n] = b.shape.slice(-2) as [number, number];
  if (k !== inner) {
    throw new LatentGpuError(
      'shape-mismatch',
      `matmul: the inner extents differ: ${a} has ${k} columns, ${b} has ${inner} rows`,
    );
  }
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  return new Tensor(matmulOp, [a, b], [...batch, m, n], 'f32');
}
