// Views: other indices into the same memory. They cost nothing until a kernel cannot read them.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, readAt } from '../graph/ndarray.ts';
import {
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from '../graph/shape.ts';
import { defineOp, type Op, Tensor } from '../graph/tensor.ts';

const reshapeOp = defineOp({
  name: 'reshape',
  kind: 'view',
  vjp: (node, gradient) => [reshape(gradient, (node.inputs[0] as Tensor).shape)],
  reference: ([x], node) => ({ shape: node.shape, data: (x as NdArray).data }),
});

/**
 * The same elements in row-major order under another shape; one extent may be -1.
 *
 * @throws LatentGpuError `shape-mismatch` for a shape of another size
 * @example reshape(toFloat(iota(4)), [2, 2]) // [0, 1, 2, 3]
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((size, extent) => (extent === -1 ? size : size * extent), 1);
  const resolved = shape.map((extent) => (extent === -1 ? x.size / known : extent));
  checkShape(`reshape of ${x}`, resolved);
  if (sizeOf(resolved) !== x.size) {
    throw new LatentGpuError(
      'shape-mismatch',
      `reshape: ${formatShape(shape)} does not hold the ${x.size} elements of ${x}`,
    );
  }
  if (sameShape(x.shape, resolved)) return x;
  if (x.op === reshapeOp) return reshape(x.inputs[0] as Tensor, resolved);
  return new Tensor(reshapeOp, [x], resolved, x.dtype);
}

const transposeOp = defineOp({
  name: 'transpose',
  kind: 'view',
  vjp: (node, gradient) => {
    const order = node.attrs.order as number[];
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [transpose(gradient, inverse)];
  },
  reference: ([x], node) => {
    const order = node.attrs.order as number[];
    return readAt(x as NdArray, node.shape, (index) => {
      const source = new Array<number>(index.length);
      order.forEach((axis, i) => {
        source[axis] = index[i] as number;
      });
      return source;
    });
  },
});

/**
 * Axes in another order; by default the last two swap. `order[i]` names the input's axis.
 *
 * @throws LatentGpuError `shape-mismatch` for an order that does not name each axis once
 * @example transpose(reshape(toFloat(iota(4)), [2, 2])) // [0, 2, 1, 3]
 */
export function transpose(x: Tensor, order?: readonly number[]): Tensor {
  const axes = x.shape.map((_, i) => i);
  const swapped = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
  const to = (order ?? swapped).map((axis) => normalizeAxis('transpose', axis, x.rank));
  if (to.length !== x.rank || new Set(to).size !== x.rank) {
    throw new LatentGpuError(
      'shape-mismatch',
      `transpose: order [${to.join(', ')}] does not name each axis of ${x} once`,
    );
  }
  if (to.every((axis, i) => axis === i)) return x;
  if (x.op === transposeOp) {
    const inner = x.attrs.order as number[];
    return transpose(
      x.inputs[0] as Tensor,
      to.map((axis) => inner[axis] as number),
    );
  }
  return new Tensor(
    transposeOp,
    [x],
    to.map((axis) => x.shape[axis] as number),
    x.dtype,
    {
      order: to,
    },
  );
}

const expandOp = defineOp({
  name: 'expand',
  kind: 'view',
  vjp: (_node, gradient) => [gradient], // gradient() sums it back to the input's shape
  reference: ([x], node) => {
    const lead = node.shape.length - (x as NdArray).shape.length;
    return readAt(x as NdArray, node.shape, (index) =>
      index.slice(lead).map((i, a) => ((x as NdArray).shape[a] === 1 ? 0 : i)),
    );
  },
});

/**
 * Broadcasts to a larger shape.
 *
 * @throws LatentGpuError `shape-mismatch` for a shape that it does not broadcast to
 * @example expand(constant(3), [2]) // [3, 3]
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  const result = broadcastShapes('expand', x.shape, shape);
  if (!sameShape(result, shape)) {
    throw new LatentGpuError('shape-mismatch', `expand: ${x} does not fit ${formatShape(shape)}`);
  }
  return sameShape(x.shape, shape) ? x : new Tensor(expandOp, [x], shape, x.dtype);
}

/**
 * Inserts an axis of extent 1.
 *
 * @example unsqueeze(toFloat(iota(3)), 0) // [0, 1, 2]
 */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

export const stopOp: Op = defineOp({
  name: 'stopGradient',
  kind: 'view',
  vjp: () => [undefined],
  reference: ([x]) => x as NdArray,
});

/**
 * The same values, through which no gradient flows.
 *
 * @example stopGradient(toFloat(iota(3))) // [0, 1, 2]
 */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor(stopOp, [x], x.shape, x.dtype);
}
