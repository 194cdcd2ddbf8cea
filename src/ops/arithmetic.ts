// Arithmetic, comparisons and elementary functions: a row an op.
import { LatentGpuError } from '../errors.ts';
import { opNamed, Tensor } from '../graph/tensor.ts';
import { constantValue, type TensorLike, zeros } from './constant.ts';
import { elementwise } from './elementwise.ts';
import { erf as erfReference, logaddexp } from './reference/special.ts';

const arithmetic = 'lib/arithmetic';
const numerics = 'lib/numerics';

const addNode = elementwise({
  name: 'add',
  module: arithmetic,
  reference: (a, b) => (a as number) + (b as number),
  vjp: (_, __, g) => [g, g],
});
const subNode = elementwise({
  name: 'sub',
  module: arithmetic,
  reference: (a, b) => (a as number) - (b as number),
  vjp: (_, __, g) => [g, neg(g)],
});
const mulNode = elementwise({
  name: 'mul',
  module: arithmetic,
  reference: (a, b) => (a as number) * (b as number),
  vjp: ([a, b], _, g) => [mul(g, b as Tensor), mul(g, a as Tensor)],
});
const divNode = elementwise({
  name: 'div',
  module: arithmetic,
  reference: (a, b) => (a as number) / (b as number),
  vjp: ([, b], y, g) => [div(g, b as Tensor), neg(div(mul(g, y), b as Tensor))],
});
const negNode = elementwise({
  name: 'neg',
  module: arithmetic,
  reference: (x) => -(x as number),
  vjp: (_, __, g) => [neg(g)],
});

const is = (x: TensorLike, value: number): boolean =>
  (typeof x === 'number' ? x : constantValue(x)) === value;
/** An operand may only be dropped if it does not widen the result. */
function covers(x: TensorLike, other: TensorLike): x is Tensor {
  if (typeof x === 'number') return false;
  if (typeof other === 'number') return true;
  const lead = x.rank - other.rank;
  return (
    lead >= 0 && other.shape.every((extent, i) => extent === 1 || extent === x.shape[lead + i])
  );
}
/** The number an operand stands for, if it is a constant that does not widen `beside`. */
function scaleOf(c: TensorLike, beside: TensorLike): number | undefined {
  if (typeof c === 'number') return c;
  return covers(beside, c) ? constantValue(c) : undefined;
}

/** a + b, broadcast. */
export function add(a: TensorLike, b: TensorLike): Tensor {
  if (is(b, 0) && covers(a, b)) return a;
  if (is(a, 0) && covers(b, a)) return b;
  return addNode(a, b);
}
/** a - b, broadcast. */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return is(b, 0) && covers(a, b) ? a : subNode(a, b);
}
/** a · b elementwise, broadcast. */
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
      if (inner !== undefined && covers(right, x)) return mul(outer * inner, right);
    }
    return mulNode(outer, x);
  }
  return mulNode(a, b);
}
/** a / b elementwise, broadcast. */
export function div(a: TensorLike, b: TensorLike): Tensor {
  const by = scaleOf(b, a);
  if (by === 0) throw new LatentGpuError('bad-input', 'div: the divisor is the constant 0');
  return by !== undefined && Number.isFinite(1 / by) ? mul(a, 1 / by) : divNode(a, b);
}
/** -x. */
export function neg(x: TensorLike): Tensor {
  return typeof x !== 'number' && x.op.name === 'neg' ? (x.inputs[0] as Tensor) : negNode(x);
}

type Unary = (x: TensorLike) => Tensor;
type Binary = (a: TensorLike, b: TensorLike) => Tensor;

/** |x|. */
export const abs: Unary = elementwise({
  name: 'abs',
  fn: 'abs',
  module: arithmetic,
  reference: Math.abs,
  vjp: ([x], _, g) => [mul(g, sign(x as Tensor))],
});
/** -1, 0 or 1. */
export const sign: Unary = elementwise({
  name: 'sign',
  fn: 'sign4',
  module: arithmetic,
  reference: Math.sign,
});
export const floor: Unary = elementwise({
  name: 'floor',
  fn: 'floor4',
  module: arithmetic,
  reference: Math.floor,
});
/** x². */
export const square: Unary = elementwise({
  name: 'square',
  module: arithmetic,
  reference: (x) => (x as number) * (x as number),
  vjp: ([x], _, g) => [mul(mul(2, x as Tensor), g)],
});
export const sqrt: Unary = elementwise({
  name: 'sqrt',
  fn: 'sqrt',
  module: arithmetic,
  reference: Math.sqrt,
  flops: 4,
  vjp: (_, y, g) => [div(mul(0.5, g), y)],
});
/** 1/√x. */
export const rsqrt: Unary = elementwise({
  name: 'rsqrt',
  module: arithmetic,
  reference: (x) => 1 / Math.sqrt(x as number),
  flops: 4,
  vjp: ([x], y, g) => [mul(-0.5, mul(g, div(y, x as Tensor)))],
});
/** 1/x. */
export const reciprocal: Unary = elementwise({
  name: 'reciprocal',
  module: arithmetic,
  reference: (x) => 1 / (x as number),
  vjp: (_, y, g) => [neg(mul(g, square(y)))],
});
/** The larger; a tie sends the gradient to the first. */
export const maximum: Binary = elementwise({
  name: 'maximum',
  module: arithmetic,
  reference: Math.max,
  vjp: ([a, b], _, g) => {
    const first = greaterEqual(a as Tensor, b as Tensor);
    return [mul(g, first), mul(g, sub(1, first))];
  },
});
/** The smaller; a tie sends the gradient to the first. */
export const minimum: Binary = elementwise({
  name: 'minimum',
  module: arithmetic,
  reference: Math.min,
  vjp: ([a, b], _, g) => {
    const first = lessEqual(a as Tensor, b as Tensor);
    return [mul(g, first), mul(g, sub(1, first))];
  },
});
/** x to the power y, for x ≥ 0. */
export const pow: Binary = elementwise({
  name: 'pow',
  fn: 'power',
  module: arithmetic,
  reference: (x, y) => (x as number) ** (y as number),
  flops: 16,
  vjp: ([x, y], out, g) => [
    mul(g, mul(y as Tensor, pow(x as Tensor, sub(y as Tensor, 1)))),
    constantValue(y as Tensor) === undefined ? mul(g, mul(out, log(x as Tensor))) : undefined,
  ],
});

const comparison = (name: string, fn: string, f: (a: number, b: number) => boolean): Binary =>
  elementwise({
    name,
    fn,
    module: arithmetic,
    reference: (a, b) => Number(f(a as number, b as number)),
  });
/** 1 where a < b, else 0. */
export const less = comparison('less', 'less', (a, b) => a < b);
/** 1 where a ≤ b, else 0. */
export const lessEqual = comparison('lessEqual', 'less_equal', (a, b) => a <= b);
/** 1 where a > b, else 0. */
export const greater = comparison('greater', 'greater', (a, b) => a > b);
/** 1 where a ≥ b, else 0. */
export const greaterEqual = comparison('greaterEqual', 'greater_equal', (a, b) => a >= b);
/** 1 where a = b, else 0. */
export const equal = comparison('equal', 'equal4', (a, b) => a === b);
/** 1 where x is neither NaN nor infinite, else 0; looks at the bits, which no compiler may assume. */
export const finite: Unary = elementwise({
  name: 'finite',
  fn: 'is_finite4',
  module: arithmetic,
  reference: (x) => Number(Number.isFinite(x)),
});
/** a where mask ≠ 0, else b. */
export const where: (mask: Tensor, a: TensorLike, b: TensorLike) => Tensor = elementwise({
  name: 'where',
  fn: 'choose',
  module: arithmetic,
  reference: (mask, a, b) => (mask !== 0 ? (a as number) : (b as number)),
  vjp: ([mask], _, g) => [undefined, where(mask as Tensor, g, 0), where(mask as Tensor, 0, g)],
});
/** x held between lo and hi; no gradient outside. */
export function clamp(x: Tensor, lo: number, hi: number): Tensor {
  return minimum(maximum(x, lo), hi);
}

export const exp: Unary = elementwise({
  name: 'exp',
  fn: 'exp4',
  module: numerics,
  reference: Math.exp,
  flops: 8,
  vjp: (_, y, g) => [mul(g, y)],
});
export const log: Unary = elementwise({
  name: 'log',
  fn: 'log4',
  module: numerics,
  reference: Math.log,
  flops: 8,
  vjp: ([x], _, g) => [div(g, x as Tensor)],
});
/** log(1 + x), accurate for small x. */
export const log1p: Unary = elementwise({
  name: 'log1p',
  fn: 'log1p4',
  module: numerics,
  reference: Math.log1p,
  flops: 12,
  vjp: ([x], _, g) => [div(g, add(x as Tensor, 1))],
});
/** exp(x) - 1, accurate for small x. */
export const expm1: Unary = elementwise({
  name: 'expm1',
  fn: 'expm1_4',
  module: numerics,
  reference: Math.expm1,
  flops: 12,
  vjp: (_, y, g) => [mul(g, add(y, 1))],
});
export const sin: Unary = elementwise({
  name: 'sin',
  fn: 'sin4',
  module: numerics,
  reference: Math.sin,
  flops: 16,
  vjp: ([x], _, g) => [mul(g, cos(x as Tensor))],
});
export const cos: Unary = elementwise({
  name: 'cos',
  fn: 'cos4',
  module: numerics,
  reference: Math.cos,
  flops: 16,
  vjp: ([x], _, g) => [neg(mul(g, sin(x as Tensor)))],
});
export const erf: Unary = elementwise({
  name: 'erf',
  fn: 'erf4',
  module: numerics,
  reference: (x) => erfReference(x as number),
  flops: 20,
  vjp: ([x], _, g) => [mul(g, mul(2 / Math.sqrt(Math.PI), exp(neg(square(x as Tensor)))))],
});
/** log(eᵃ + eᵇ). */
export const logAddExp: Binary = elementwise({
  name: 'logAddExp',
  fn: 'logaddexp4',
  module: numerics,
  reference: (a, b) => logaddexp(a as number, b as number),
  flops: 20,
  vjp: ([a, b], y, g) => [mul(g, exp(sub(a as Tensor, y))), mul(g, exp(sub(b as Tensor, y)))],
});

/** Unsigned integers to float32. */
export const toFloat: Unary = elementwise({
  name: 'toFloat',
  fn: 'to_f32',
  module: arithmetic,
  operands: 'u32',
  reference: (x) => x as number,
});
/** Non-negative float32 to unsigned integers, rounding down. */
export const toUint: Unary = elementwise({
  name: 'toUint',
  fn: 'to_u32',
  module: arithmetic,
  dtype: 'u32',
  reference: (x) => Math.floor(x as number) >>> 0,
});
const unsigned = (name: string, fn: string, f: (a: number, b: number) => number): Binary =>
  elementwise({
    name,
    fn,
    module: arithmetic,
    dtype: 'u32',
    operands: 'u32',
    reference: (a, b) => f(a as number, b as number) >>> 0,
  });
/** Unsigned integer arithmetic modulo 2³². */
export const addUint = unsigned('addUint', 'add_u', (a, b) => a + b);
export const mulUint = unsigned('mulUint', 'mul_u', Math.imul);
export const divUint = unsigned('divUint', 'div_u', (a, b) => Math.floor(a / b));
export const modUint = unsigned('modUint', 'mod_u', (a, b) => a % b);
/** 1 where the unsigned integers are equal, else 0 (float32). */
export const equalUint: Binary = elementwise({
  name: 'equalUint',
  fn: 'equal_u',
  module: arithmetic,
  operands: 'u32',
  reference: (a, b) => Number(a === b),
});

/** The same values in memory of their own, in row-major order. */
export function copy(x: Tensor): Tensor {
  return x.dtype === 'u32' ? new Tensor(opNamed('copy'), [x], x.shape, 'u32') : copyNode(x);
}
const copyNode: Unary = elementwise({
  name: 'copy',
  fn: 'copy4',
  module: arithmetic,
  reference: (x) => x as number,
  flops: 0,
  vjp: (_, __, g) => [g],
});
