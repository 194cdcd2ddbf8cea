// Shapes, strides and broadcasting, with NumPy's rules.
import { LatentGpuError } from '../errors.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** Row-major strides, in elements; an axis of extent 1 has stride 0. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = shape[i] as number;
    strides[i] = extent === 1 ? 0 : step;
    step *= extent;
  }
  return strides;
}

/** The shape two operands broadcast to. */
export function broadcastShapes(what: string, ...shapes: Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const extent = shape[i] as number;
      const at = rank - shape.length + i;
      const have = result[at] as number;
      if (extent === have || extent === 1) continue;
      if (have !== 1) {
        throw new LatentGpuError(
          'shape-mismatch',
          `${what}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: ` +
            `axis ${at} is ${have} in one and ${extent} in another; reshape or expand one of them`,
        );
      }
      result[at] = extent;
    }
  }
  return result;
}

/** An axis counted from the front; negative axes count from the back. */
export function normalizeAxis(what: string, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (rank === 0) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${what}: axis ${axis} of a single number, which has no axes; give it one, [1]`,
    );
  }
  if (!Number.isInteger(axis) || at < 0 || at >= rank) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${what}: axis ${axis} is out of range for a tensor of rank ${rank}; use ${-rank} to ${rank - 1}`,
    );
  }
  return at;
}

/** @throws LatentGpuError `shape-mismatch` for what is no list of extents, whole numbers from 1 on */
export function checkShape(what: string, shape: Shape): Shape {
  if (!Array.isArray(shape)) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${what}: ${shape} is no shape; give a list, [3] say`,
    );
  }
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 1) {
      throw new LatentGpuError(
        'shape-mismatch',
        `${what}: shape ${formatShape(shape)} has an extent that is not a positive integer`,
      );
    }
  }
  return shape;
}
