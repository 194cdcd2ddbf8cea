// Sums, differences, products and quotients. Zeros, ones and chains of scalings are simplified as the
// graph is built: gradients are full of them.
import { LatentGpuError } from '../errors.ts';
import { opNamed, Tensor } from '../graph/tensor.ts';
import { constantValue, type TensorLike, zeros } from './constant.ts';
import { elementwise, type Unary } from './elementwise.ts';

const addNode = elementwise({
  name: 'add',
  reference: (a, b) => (a as number) + (b as number),
  vjp: (_, __, g) => [g, g],
});
const subNode = elementwise({
  name: 'sub',
  reference: (a, b) => (a as number) - (b as number),
  vjp: (_, __, g) => [g, neg(g)],
});
const mulNode = elementwise({
  name: 'mul',
  reference: (a, b) => (a as number) * (b as number),
  vjp: ([a, b], _, g) => [mul(g, b as Tensor), mul(g, a as Tensor)],
});
const divNode = elementwise({
  name: 'div',
  reference: (a, b) => (a as number) / (b as number),
  vjp: ([, b], y, g) => [div(g, b as Tensor), neg(div(mul(g, y), b as Tensor))],
});
const negNode = elementwise({
  name: 'neg',
  reference: (x) => -(x as number),
  vjp: (_, __, g) => [neg(g)],
});

const is = (x: TensorLike, value: number): boolean =>
  (typeof x === 'number' ? x : constantValue(x)) === value;
/** An operand may only be dropped if it neither widens the result nor makes float32 of bytes. */
function covers(x: TensorLike, other: TensorLike): x is Tensor {
  if (typeof x === 'number' || x.dtype !== 'f32') return false;
  if (typeof other === 'number') return true;
  const lead = x.rank - other.rank;
  return (
    lead >= 0 && other.shape.every((extent, i) => extent === 1 || extent === x.shape[lead + i])
  );
}
/** Whether float32 holds a number with all its digits, or 0. */
const isNormal = (c: number): boolean =>
  c === 0 || (Math.abs(c) >= 2 ** -126 && Math.abs(c) < 3.4e38);
/** The number an operand stands for, if it is a constant that does not widen `beside`. */
function scaleOf(c: TensorLike, beside: TensorLike): number | undefined {
  if (typeof c === 'number') return c;
  return covers(beside, c) ? constantValue(c) : undefined;
}

/**
 * a + b, broadcast.
 *
 * @example add(1, 2) // 3
 */
export function add(a: TensorLike, b: TensorLike): Tensor {
  if (is(b, 0) && covers(a, b)) return a;
  if (is(a, 0) && covers(b, a)) return b;
  return addNode(a, b);
}
/**
 * a - b, broadcast.
 *
 * @example sub(1, 2) // -1
 */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return is(b, 0) && covers(a, b) ? a : subNode(a, b);
}
/**
 * a · b elementwise, broadcast.
 *
 * @example mul(2, 3) // 6
 */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  if (is(b, 1) && covers(a, b)) return a;
  if (is(a, 1) && covers(b, a)) return b;
  if (is(b, 0) && covers(a, b)) return zeros(a.shape);
  if (is(a, 0) && covers(b, a)) return zeros(b.shape);
  if (is(b, -1) && covers(a, b)) return neg(a);
  if (is(a, -1) && covers(b, a)) return neg(b);
  // Constants meet: c·(d·x) = (c·d)·x, so that a chain of scalings is one.
  for (const [c, x] of [
    [a, b],
    [b, a],
  ] as const) {
    const outer = scaleOf(c, x);
    if (outer === undefined || typeof x === 'number') continue;
    if (x.op.name === 'neg') return mul(-outer, x.inputs[0] as Tensor);
    if (x.op.name === 'mul') {
      const [left, right] = x.inputs as [Tensor, Tensor];
      const inner = scaleOf(left, right);
      if (inner !== undefined && covers(right, x) && isNormal(outer * inner)) {
        return mul(outer * inner, right);
      }
    }
    return mulNode(outer, x);
  }
  return mulNode(a, b);
}
/**
 * a / b elementwise, broadcast.
 *
 * @throws LatentGpuError `bad-input` for the constant 0 as a divisor
 * @example div(1, 4) // 0.25
 */
export function div(a: TensorLike, b: TensorLike): Tensor {
  const by = scaleOf(b, a);
  if (by === 0) throw new LatentGpuError('bad-input', 'div: the divisor is the constant 0');
  return by !== undefined && isNormal(1 / by) ? mul(a, 1 / by) : divNode(a, b);
}
/**
 * -x.
 *
 * @example neg(2) // -2
 */
export function neg(x: TensorLike): Tensor {
  return typeof x !== 'number' && x.op.name === 'neg' ? (x.inputs[0] as Tensor) : negNode(x);
}

/**
 * The same values in memory of their own, in row-major order.
 *
 * @example copy(constant(2)) // 2
 */
export function copy(x: Tensor): Tensor {
  return x.dtype === 'u32' ? new Tensor(opNamed('copy'), [x], x.shape, 'u32') : copyNode(x);
}
const copyNode: Unary = elementwise({
  name: 'copy',
  fn: 'copy4',
  reference: (x) => x as number,
  flops: 0,
  vjp: (_, __, g) => [g],
});
