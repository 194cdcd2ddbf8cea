// Where in memory a kernel finds or leaves a value: views and concatenations resolved.
import { contiguousStrides, type Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Access, accessOf, ownLayout } from '../lower/access.ts';
import { partLayout } from '../lower/concat-parts.ts';
import type { Dependencies } from './dependencies.ts';

/** Element (i₀, …) is at offset + Σ iₐ · strides[a] of `memory` (bytes for a byte table). */
export interface Location {
  /** A variable, a concatenation, or a node with memory of its own. */
  readonly memory: Tensor;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Where the elements that an access reads lie. */
export function locate(access: Access, dependencies: Dependencies): Location {
  const { base, offset, strides } = access;
  const holder = dependencies.holder.get(base);
  if (!holder) return { memory: base, offset, strides };
  const home = homeIn(base, holder);
  const own = contiguousStrides(base.shape);
  if (home.strides.every((stride, axis) => stride === own[axis])) {
    return { memory: holder, offset: offset + home.offset, strides };
  }
  // Each step through the base is a step along one of its axes: take that axis's own step.
  const mapped = strides.map((stride) => {
    if (stride === 0) return 0;
    const axis = own.indexOf(stride);
    if (axis < 0) throw new Error(`${base} is read across its rows inside ${holder}`);
    return home.strides[axis] as number;
  });
  let rest = offset;
  let start = home.offset;
  own.forEach((stride, axis) => {
    if (stride === 0) return;
    start += Math.floor(rest / stride) * (home.strides[axis] as number);
    rest %= stride;
  });
  return { memory: holder, offset: start, strides: mapped };
}

/** The place of a node inside the concatenation that holds it. */
function homeIn(base: Tensor, holder: Tensor): { offset: number; strides: readonly number[] } {
  for (const { part, offset, strides } of partLayout(holder)) {
    if (accessOf(part)?.base !== base) continue;
    return { offset, strides: part === base ? strides : contiguousStrides(base.shape) };
  }
  throw new Error(`${base} is not part of ${holder}`);
}

/** Where a node's own elements go, over its own shape. */
export function homeOf(node: Tensor, dependencies: Dependencies): Location {
  return locate(ownLayout(node), dependencies);
}

/** Strides given for one shape, over another that it broadcasts to. */
export function alignStrides(strides: readonly number[], shape: Shape): number[] {
  const lead = shape.length - strides.length;
  return shape.map((_, axis) => (axis < lead ? 0 : (strides[axis - lead] as number)));
}
