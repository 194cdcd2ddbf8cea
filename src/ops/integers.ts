// Unsigned integers: a row an op.
import { type Binary, elementwise, type Unary } from './elementwise.ts';

/** The largest unsigned integer that a float32 is. */
const LARGEST = 2 ** 32 - 2 ** 8;

/**
 * Unsigned integers to float32.
 *
 * @example toFloat(iota(3)) // [0, 1, 2]
 */
export const toFloat: Unary = elementwise({
  name: 'toFloat',
  fn: 'to_f32',
  operands: 'u32',
  reference: (x) => x as number,
});
/**
 * Non-negative float32 to unsigned integers, rounding down.
 *
 * @example toUint(constant(2.7)) // 2
 */
export const toUint: Unary = elementwise({
  name: 'toUint',
  fn: 'to_u32',
  dtype: 'u32',
  // Saturates, as kernels do; what is no number counts as 0.
  reference: (x) => Math.min(Math.max(Math.floor(x as number), 0), LARGEST) || 0,
});
/** The index that no table has a row for. */
export const NOWHERE = 2 ** 32 - 1;

/**
 * Whole numbers from 0 on, as floats, to an index; what is none (negative, broken, NaN, infinite) becomes
 * 4,294,967,295, a row that no table has, so that {@link gather} tells, where {@link toUint} would pick another one.
 *
 * @example toIndex(constant(2)) // 2
 */
export const toIndex: Unary = elementwise({
  name: 'toIndex',
  fn: 'to_index4',
  dtype: 'u32',
  reference: (x) =>
    Number.isInteger(x) && (x as number) >= 0 && (x as number) <= LARGEST ? (x as number) : NOWHERE,
});
const unsigned = (name: string, fn: string, f: (a: number, b: number) => number): Binary =>
  elementwise({
    name,
    fn,
    dtype: 'u32',
    operands: 'u32',
    reference: (a, b) => f(a as number, b as number) >>> 0,
  });
/**
 * Unsigned integer arithmetic modulo 2³².
 *
 * @example addUint(iota(3), constant(5, 'u32')) // [5, 6, 7]
 */
export const addUint = unsigned('addUint', 'add_u', (a, b) => a + b);
/**
 * a · b modulo 2³².
 *
 * @example mulUint(iota(3), constant(5, 'u32')) // [0, 5, 10]
 */
export const mulUint = unsigned('mulUint', 'mul_u', Math.imul);
/**
 * ⌊a / b⌋; a where b is 0.
 *
 * @example divUint(constant(7, 'u32'), constant(2, 'u32')) // 3
 */
export const divUint = unsigned('divUint', 'div_u', (a, b) => (b === 0 ? a : Math.floor(a / b)));
/**
 * The rest of a / b; 0 where b is 0.
 *
 * @example modUint(constant(7, 'u32'), constant(4, 'u32')) // 3
 */
export const modUint = unsigned('modUint', 'mod_u', (a, b) => a % b);
/**
 * 1 where the unsigned integers are equal, else 0 (float32).
 *
 * @example equalUint(iota(3), constant(1, 'u32')) // [0, 1, 0]
 */
export const equalUint: Binary = elementwise({
  name: 'equalUint',
  fn: 'equal_u',
  operands: 'u32',
  reference: (a, b) => Number(a === b),
});
