// Pieces of a tensor along an axis: cut out of it and put together to it. Each is the gradient of the
// other. A cut is a view; the inputs of a concatenation are written straight into their places in the
// result, so it costs no kernel of its own when a kernel computes them.
import { LatentGpuError } from '../errors.ts';
import { forEachIndex, type NdArray, ndarray, readAt } from '../graph/ndarray.ts';
import { contiguousStrides, formatShape, normalizeAxis } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { copy } from './arithmetic.ts';
import { zeros } from './constant.ts';

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

/**
 * Elements `start` to `end` (excluded) along one axis.
 *
 * @throws LatentGpuError `shape-mismatch` for what is no range inside the axis
 * @example slice(toFloat(iota(3)), 0, 1, 3) // [1, 2]
 */
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

/**
 * Cuts an axis into parts of the given sizes.
 *
 * @throws LatentGpuError `shape-mismatch` for sizes that do not add up to the axis
 * @example split(toFloat(iota(3)), [1, 2])[1] // [1, 2]
 */
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

const concatOp = defineOp({
  name: 'concat',
  kind: 'concat',
  vjp: (node, gradient) => {
    const axis = node.attrs.axis as number;
    let start = 0;
    return node.inputs.map((x) => {
      const end = start + (x.shape[axis] as number);
      const part = slice(gradient, axis, start, end);
      start = end;
      return part;
    });
  },
  reference: (inputs, node) => {
    const axis = node.attrs.axis as number;
    const result = ndarray(node.shape);
    const strides = contiguousStrides(node.shape);
    let start = 0;
    for (const input of inputs as NdArray[]) {
      forEachIndex(input.shape, (index, linear) => {
        let at = 0;
        index.forEach((i, a) => {
          at += (a === axis ? i + start : i) * (strides[a] as number);
        });
        result.data[at] = input.data[linear] as number;
      });
      start += input.shape[axis] as number;
    }
    return result;
  },
});

/**
 * Tensors side by side along an axis; all other extents agree. Bytes are read as float32.
 *
 * @throws LatentGpuError `shape-mismatch` for no tensor, or tensors that do not fit each other
 * @example concat([toFloat(iota(3)), toFloat(iota(3))]) // [0, 1, 2, 0, 1, 2]
 */
export function concat(given: readonly Tensor[], axis = -1): Tensor {
  const parts = given.map((part) => (part.dtype === 'u8' ? copy(part) : part));
  const first = parts[0];
  if (!first) throw new LatentGpuError('shape-mismatch', 'concat: there is no tensor to join');
  if (parts.length === 1) return first;
  const at = normalizeAxis('concat', axis, first.rank);
  for (const part of parts) {
    const fits =
      part.rank === first.rank &&
      part.dtype === first.dtype &&
      part.shape.every((extent, i) => i === at || extent === first.shape[i]);
    if (!fits) {
      throw new LatentGpuError(
        'shape-mismatch',
        `concat: ${part} does not fit ${first} along axis ${at}; the other extents and the type must agree`,
      );
    }
  }
  const extent = parts.reduce((sum, part) => sum + (part.shape[at] as number), 0);
  const shape = first.shape.map((e, i) => (i === at ? extent : e));
  return new Tensor(concatOp, parts, shape, first.dtype, { axis: at });
}

/**
 * `x` at `start` along an axis of the given extent, zeros around it.
 *
 * @throws LatentGpuError `shape-mismatch` for an extent that does not hold it
 * @example padTo(toFloat(iota(3)), 0, 1, 5) // [0, 0, 1, 2, 0]
 */
export function padTo(x: Tensor, axis: number, start: number, extent: number): Tensor {
  const own = x.shape[axis] as number;
  if (start + own > extent) {
    throw new LatentGpuError(
      'shape-mismatch',
      `pad: ${formatShape(x.shape)} at ${start} does not fit an extent of ${extent}`,
    );
  }
  const zero = (n: number) => zeros(x.shape.map((e, i) => (i === axis ? n : e)));
  const parts: Tensor[] = [];
  if (start > 0) parts.push(zero(start));
  parts.push(x);
  if (start + own < extent) parts.push(zero(extent - start - own));
  return concat(parts, axis);
}
