// Views: other indices into the same memory. They cost nothing until a kernel cannot read them.

import { LatentGpuError } from '../errors.ts';
import { forEachIndex, type NdArray, ndarray } from '../graph/ndarray.ts';
import {
  broadcastShapes,
  checkShape,
  contiguousStrides,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { padTo } from './concat.ts';

/** Reads `input` at the index that `map` gives for each index of the result. */
function readAt(input: NdArray, shape: Shape, map: (index: number[]) => number[]): NdArray {
  const result = ndarray(shape);
  const strides = contiguousStrides(input.shape);
  forEachIndex(shape, (index, linear) => {
    let at = 0;
    map(index).forEach((i, axis) => {
      at += i * (strides[axis] as number);
    });
    result.data[linear] = input.data[at] as number;
  });
  return result;
}

const reshapeOp = defineOp({
  name: 'reshape',
  kind: 'view',
  vjp: (node, gradient) => [reshape(gradient, (node.inputs[0] as Tensor).shape)],
  reference: ([x], node) => ({ shape: node.shape, data: (x as NdArray).data }),
});

/** The same elements in row-major order under another shape; one extent may be -1. */
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

/** Axes in another order; by default the last two swap. `order[i]` names the input's axis. */
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

const sliceOp = defineOp({
  name: 'slice',
  kind: 'view',
  vjp: (node, gradient) => {
    const x = node.inputs[0] as Tensor;
    const { axis, start } = node.attrs as { axis: number; start: number };
    return [padTo(gradient, axis, start, x.shape[axis] as number)];
  },
  reference: ([x], node) => {
    const { axis, start } = node.attrs as { axis: number; start: number };
    return readAt(x as NdArray, node.shape, (index) =>
      index.map((i, a) => (a === axis ? i + start : i)),
    );
  },
});

/** Elements `start` to `end` (excluded) along one axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const at = normalizeAxis('slice', axis, x.rank);
  const extent = x.shape[at] as number;
  if (
    !(
      Number.isInteger(start) &&
      Number.isInteger(end) &&
      start >= 0 &&
      start < end &&
      end <= extent
    )
  ) {
    throw new LatentGpuError(
      'shape-mismatch',
      `slice: ${start} to ${end} is not a range inside axis ${at} of ${x}`,
    );
  }
  if (start === 0 && end === extent) return x;
  const shape = x.shape.map((e, i) => (i === at ? end - start : e));
  return new Tensor(sliceOp, [x], shape, x.dtype, { axis: at, start });
}

/** Cuts an axis into parts of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis = -1): Tensor[] {
  const at = normalizeAxis('split', axis, x.rank);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[at]) {
    throw new LatentGpuError(
      'shape-mismatch',
      `split: sizes ${sizes.join(' + ')} do not add up to axis ${at} of ${x}`,
    );
  }
  let start = 0;
  return sizes.map((size) => {
    const part = slice(x, at, start, start + size);
    start += size;
    return part;
  });
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

/** Broadcasts to a larger shape. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const result = broadcastShapes('expand', x.shape, shape);
  if (!sameShape(result, shape)) {
    throw new LatentGpuError('shape-mismatch', `expand: ${x} does not fit ${formatShape(shape)}`);
  }
  return sameShape(x.shape, shape) ? x : new Tensor(expandOp, [x], shape, x.dtype);
}

/** Inserts an axis of extent 1. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

const stopOp = defineOp({
  name: 'stopGradient',
  kind: 'view',
  vjp: () => [undefined],
  reference: ([x]) => x as NdArray,
});

/** The same values, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor(stopOp, [x], x.shape, x.dtype);
}
