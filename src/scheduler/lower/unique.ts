// Equal nodes are one: what lowering makes goes through here.
import type { Shape } from '../../graph/shape.ts';
import { opNamed, Tensor } from '../../graph/tensor.ts';

/** The node itself, or an equal one made before. */
export type Unique = (node: Tensor) => Tensor;

/** Gives the node itself, or an equal one made before. */
export function newUnique(): Unique {
  const seen = new Map<string, Tensor>();
  return (node) => {
    const key = keyOf(node);
    const twin = seen.get(key);
    if (twin) return twin;
    seen.set(key, node);
    return node;
  };
}

const variableKey = (value: unknown): unknown => (value instanceof Tensor ? `#${value.id}` : value);

function keyOf(node: Tensor): string {
  const attrs = JSON.stringify(node.attrs, (_, value) => variableKey(value));
  return `${node.op.name}|${node.dtype}|${node.shape}|${attrs}|${node.inputs.map((x) => x.id)}`;
}

/** A kernel's copy of a tensor, in row-major order. */
export function copyOf(x: Tensor, unique: Unique): Tensor {
  return unique(
    new Tensor(opNamed('copy'), [x], x.shape, x.dtype === 'u8' ? 'f32' : x.dtype, {}, x.name),
  );
}

/** A view under another shape. */
export function reshaped(x: Tensor, shape: Shape, unique: Unique): Tensor {
  return unique(new Tensor(opNamed('reshape'), [x], shape, x.dtype));
}
