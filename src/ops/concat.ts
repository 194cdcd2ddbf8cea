// Concatenation. Its inputs are written straight into their places in the result, so it costs no
// kernel of its own when a kernel computes them.
import { LatentGpuError } from '../errors.ts';
import { forEachIndex, type NdArray, ndarray } from '../graph/ndarray.ts';
import { contiguousStrides, formatShape, normalizeAxis } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { constantValue, zeros } from './constant.ts';
import { slice } from './views.ts';

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

/** Tensors side by side along an axis; all other extents agree. */
export function concat(parts: readonly Tensor[], axis = -1): Tensor {
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

/** `x` at `start` along an axis of the given extent, zeros around it. */
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

/**
 * The sum of two concatenations along one axis, as a concatenation of sums: gradients of the
 * slices of one tensor meet here, and most of the parts are zeros.
 */
export function addConcats(
  a: Tensor,
  b: Tensor,
  add: (x: Tensor, y: Tensor) => Tensor,
): Tensor | undefined {
  if (a.op !== concatOp || b.op !== concatOp || a.attrs.axis !== b.attrs.axis) return undefined;
  const axis = a.attrs.axis as number;
  const cuts = new Set<number>();
  for (const whole of [a, b]) {
    let at = 0;
    for (const part of whole.inputs) {
      at += part.shape[axis] as number;
      cuts.add(at);
    }
  }
  const pieceOf = (whole: Tensor, start: number, end: number): Tensor => {
    let at = 0;
    for (const part of whole.inputs) {
      const next = at + (part.shape[axis] as number);
      if (start >= at && end <= next) return slice(part, axis, start - at, end - at);
      at = next;
    }
    throw new Error('addConcats: cut outside the tensor');
  };
  let start = 0;
  const parts = [...cuts]
    .sort((x, y) => x - y)
    .map((end) => {
      const [x, y] = [pieceOf(a, start, end), pieceOf(b, start, end)];
      start = end;
      if (isZero(x)) return y;
      return isZero(y) ? x : add(x, y);
    });
  return concat(parts, axis);
}

function isZero(x: Tensor): boolean {
  let node = x;
  while (node.op.name === 'slice') node = node.inputs[0] as Tensor;
  return constantValue(node) === 0;
}
