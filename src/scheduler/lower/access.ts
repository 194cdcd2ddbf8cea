// How a tensor is read: which memory, and at which affine index. Views dissolve here.
import { contiguousStrides, type Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';

/** Element (i₀, i₁, …) of `shape` is at offset + Σ iₐ · strides[a] of the base's memory. */
export interface Access {
  readonly base: Tensor;
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Bytes and halves: several to a word, so that what holds them has a layout of its own. */
export function isPacked(memory: Tensor): boolean {
  return memory.dtype === 'u8' || isHalf(memory);
}

/**
 * Elements from row to row of a packed memory, a multiple of four, so that a kernel can read four at
 * once; undefined for a vector of halves and for what is not packed.
 */
export function pitchOf(memory: Tensor): number | undefined {
  if (!isPacked(memory) || (memory.dtype !== 'u8' && memory.rank < 2)) return undefined;
  return Math.ceil(memory.size / (memory.shape[0] as number) / 4) * 4;
}

/** The memory layout of a tensor that has memory of its own. */
export function ownLayout(tensor: Tensor): Access {
  const strides = contiguousStrides(tensor.shape);
  const pitch = pitchOf(tensor);
  if (pitch !== undefined) strides[0] = tensor.shape[0] === 1 ? 0 : pitch;
  return { base: tensor, shape: tensor.shape, offset: 0, strides };
}

/** How `tensor` is read through its views, or undefined if no affine index does it. */
export function accessOf(tensor: Tensor): Access | undefined {
  if (tensor.op.kind !== 'view') return ownLayout(tensor);
  const inner = accessOf(tensor.inputs[0] as Tensor);
  if (!inner) return undefined;
  const { base, offset, strides } = inner;
  const { shape } = tensor;
  switch (tensor.op.name) {
    case 'stopGradient':
    case 'scaleGradient':
      return inner;
    case 'transpose': {
      const order = tensor.attrs.order as number[];
      return { base, shape, offset, strides: order.map((axis) => strides[axis] as number) };
    }
    case 'slice': {
      const { axis, start } = tensor.attrs as { axis: number; start: number };
      // An axis of extent 1 is stored with stride 0: it can only be sliced whole.
      const step = strides[axis] as number;
      return { base, shape, offset: offset + start * step, strides: unitless(shape, strides) };
    }
    case 'expand': {
      const lead = shape.length - inner.shape.length;
      const widened = shape.map((extent, axis) => {
        if (axis < lead) return 0;
        return inner.shape[axis - lead] === 1 && extent !== 1
          ? 0
          : (strides[axis - lead] as number);
      });
      return { base, shape, offset, strides: unitless(shape, widened) };
    }
    case 'reshape': {
      const result = restride(inner.shape, strides, shape);
      return result && { base, shape, offset, strides: result };
    }
    default:
      throw new Error(`no view named ${tensor.op.name}`);
  }
}

/** Axes of extent 1 get stride 0, so that equal layouts have equal strides. */
function unitless(shape: Shape, strides: readonly number[]): number[] {
  return strides.map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
}

/** Strides of the same elements in row-major order under another shape, if there are any. */
function restride(from: Shape, strides: readonly number[], to: Shape): number[] | undefined {
  // Runs of axes that are contiguous among themselves act as one axis.
  const runs: { extent: number; stride: number }[] = [];
  for (let axis = 0; axis < from.length; axis++) {
    const extent = from[axis] as number;
    const stride = strides[axis] as number;
    if (extent === 1) continue;
    const last = runs[runs.length - 1];
    if (last && last.stride === stride * extent) {
      last.extent *= extent;
      last.stride = stride;
    } else {
      runs.push({ extent, stride });
    }
  }
  const result = new Array<number>(to.length).fill(0);
  let axis = to.length - 1;
  for (const run of runs.reverse()) {
    let left = run.extent;
    let stride = run.stride;
    while (left > 1) {
      const extent = to[axis] as number;
      if (extent === undefined || left % extent !== 0) return undefined;
      if (extent !== 1) {
        result[axis] = stride;
        stride *= extent;
        left /= extent;
      }
      axis--;
    }
  }
  return result;
}

/** Whether an access reads its base's elements in the base's own order, all of them. */
export function isWhole(access: Access): boolean {
  if (access.offset !== 0) return false;
  const own = ownLayout(access.base);
  let size = 1;
  for (const extent of access.shape) size *= extent;
  if (size !== access.base.size) return false;
  const flat = restride(own.shape, own.strides, access.shape);
  return flat?.every((stride, axis) => stride === access.strides[axis]) ?? false;
}

/** Merges neighbouring axes wherever every access steps through both as through one. */
export function collapse(
  extents: readonly number[],
  strides: readonly (readonly number[])[],
): { extents: number[]; strides: number[][] } {
  const outExtents: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let axis = 0; axis < extents.length; axis++) {
    const extent = extents[axis] as number;
    if (extent === 1) continue;
    const last = outExtents.length - 1;
    const joins =
      last >= 0 &&
      strides.every((s, k) => (out[k] as number[])[last] === (s[axis] as number) * extent);
    if (joins) {
      outExtents[last] = (outExtents[last] as number) * extent;
      strides.forEach((s, k) => {
        (out[k] as number[])[last] = s[axis] as number;
      });
    } else {
      outExtents.push(extent);
      strides.forEach((s, k) => {
        (out[k] as number[]).push(s[axis] as number);
      });
    }
  }
  if (outExtents.length === 0) {
    outExtents.push(1);
    for (const s of out) s.push(0);
  }
  return { extents: outExtents, strides: out };
}

/** Constants and indices have no memory: kernels compute them where they are used. */
export function isVirtual(x: Tensor): boolean {
  return x.op.kind === 'constant' || x.op.kind === 'iota';
}
