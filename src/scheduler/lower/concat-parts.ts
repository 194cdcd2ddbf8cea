// Concatenations: their parts are written straight into their places where that can be.
import { contiguousStrides, sizeOf } from '../../graph/shape.ts';
import { opNamed, Tensor, throughViews } from '../../graph/tensor.ts';
import { type Access, accessOf, isWhole } from './access.ts';
import type { Unique } from './unique.ts';

export interface ConcatContext {
  readonly unique: Unique;
  /** Nodes that already live inside a concatenation's memory. */
  readonly claimed: Set<Tensor>;
  /** How many nodes use a node directly; a root counts as one more. */
  readonly users: ReadonlyMap<Tensor, number>;
  /** What shaders of their own read, from memory that starts with it. */
  readonly readWhole: ReadonlySet<Tensor>;
}

/**
 * Every part of a concatenation becomes a node that one kernel writes, so that it can be written
 * straight into its place; zeros need no kernel, because fresh memory holds them. A part that does
 * not lie in one piece there is only written in place if nobody else reads it.
 */
export function lowerConcat(
  node: Tensor,
  original: Tensor,
  { unique, claimed, users, readWhole }: ConcatContext,
): Tensor {
  const axis = node.attrs.axis as number;
  const bases = node.inputs.map((part) => accessOf(part)?.base);
  // A kernel cannot read an operand from the memory to which it writes the product.
  const readsPart = (x: Tensor) =>
    x.op.kind === 'matmul' && x.inputs.some((operand) => bases.includes(accessOf(operand)?.base));
  const linear = sizeOf(node.shape.slice(0, axis)) === 1;
  const parts = node.inputs.map((part, i) => {
    if (isZeros(part)) return part;
    const access = accessOf(part);
    const base = access?.base;
    const inPlace =
      base !== undefined &&
      ['elementwise', 'matmul', 'reduce'].includes(base.op.kind) &&
      !claimed.has(base) &&
      !readWhole.has(accessOf(original.inputs[i] as Tensor)?.base as Tensor) &&
      isWhole(access as Access) &&
      (linear || (part === base && users.get(original.inputs[i] as Tensor) === 1)) &&
      !readsPart(base);
    // A tensor has one memory: a second concatenation that holds it gets a copy of its own.
    const own = inPlace
      ? part
      : new Tensor(opNamed('copy'), [part], part.shape, part.dtype, {}, part.name);
    claimed.add(inPlace ? base : own);
    return own;
  });
  if (parts.every((part, i) => part === node.inputs[i])) return node;
  return unique(new Tensor(node.op, parts, node.shape, node.dtype, node.attrs, node.name));
}

/** Whether a tensor is the constant 0 under any shape. */
export function isZeros(x: Tensor): boolean {
  const node = throughViews(x);
  return node.op.kind === 'constant' && node.attrs.value === 0;
}

/** Where each part of a concatenation lies in its memory: an offset, and strides of the whole. */
export function partLayout(concat: Tensor): { part: Tensor; offset: number; strides: number[] }[] {
  const axis = concat.attrs.axis as number;
  const whole = contiguousStrides(concat.shape);
  const step = sizeOf(concat.shape.slice(axis + 1));
  let start = 0;
  return concat.inputs.map((part) => {
    const offset = start * step;
    start += part.shape[axis] as number;
    const strides = whole.map((stride, i) => (part.shape[i] === 1 ? 0 : stride));
    return { part, offset, strides };
  });
}
