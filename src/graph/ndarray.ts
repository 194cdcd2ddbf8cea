// Float64 arrays for the reference side of the ops.
import { contiguousStrides, type Shape, sizeOf } from './shape.ts';

export interface NdArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function ndarray(shape: Shape, data?: ArrayLike<number>): NdArray {
  const values = data ? Float64Array.from(data) : new Float64Array(sizeOf(shape));
  if (values.length !== sizeOf(shape)) {
    throw new Error(`${values.length} values do not fill the shape [${shape.join(', ')}]`);
  }
  return { shape, data: values };
}

/** Calls `visit(index, linear)` for every multi-index of a shape, in row-major order. */
export function forEachIndex(shape: Shape, visit: (index: number[], linear: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let linear = 0; linear < size; linear++) {
    visit(index, linear);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
    }
  }
}

/** Strides with which an array of `shape` is read at the indices of a broadcast `target`. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = contiguousStrides(shape);
  return [...new Array<number>(target.length - shape.length).fill(0), ...own];
}

/** The elementwise function `f` of broadcast arrays. */
export function mapArrays(
  shape: Shape,
  inputs: readonly NdArray[],
  f: (...values: number[]) => number,
): NdArray {
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  const data = new Float64Array(sizeOf(shape));
  const values = new Array<number>(inputs.length);
  forEachIndex(shape, (index, linear) => {
    for (let k = 0; k < inputs.length; k++) {
      const own = strides[k] as number[];
      let at = 0;
      for (let axis = 0; axis < index.length; axis++) {
        at += (index[axis] as number) * (own[axis] as number);
      }
      values[k] = (inputs[k] as NdArray).data[at] as number;
    }
    data[linear] = f(...values);
  });
  return { shape, data };
}

/** Reads `input` at the index that `map` gives for each index of the result. */
export function readAt(input: NdArray, shape: Shape, map: (index: number[]) => number[]): NdArray {
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
