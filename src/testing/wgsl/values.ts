// What WGSL's constants are: scalars with their types, and what is made of them.
import { floatToHalf, halfToFloat } from '../../formats/half.ts';

/** `int` and `float` are the abstract types of literals without a suffix: of 64 bits both. */
export type Scalar = 'bool' | 'int' | 'float' | 'i32' | 'u32' | 'f32' | 'f16';

export interface Single {
  readonly type: Scalar;
  readonly value: number;
  /** An abstract integer that `value` only comes near to. */
  readonly whole?: bigint;
}

/** A scalar; or a vector, a matrix, an array or a structure by its parts. */
export type Value =
  | Single
  | { readonly parts: readonly Value[]; readonly names?: readonly string[] };

/** Why there is no value: something that only a compiler can tell, or an override without one. */
export class Unknown extends Error {}

export const isFloat = (type: Scalar) => type === 'float' || type === 'f32' || type === 'f16';

/** What two scalars are computed in: a type of the text wins over a literal's own. */
export function common(a: Scalar, b: Scalar): Scalar {
  if (a === 'int') return b;
  if (b === 'int') return a;
  return a === 'float' ? b : a;
}

/** The nearest number that 16 bits hold. */
export const rounded16 = (value: number) =>
  halfToFloat(Uint16Array.of(floatToHalf(value)))[0] as number;

/** A number as its type holds it. */
export function scalar(type: Scalar, given: number | bigint): Single {
  const value = Number(given);
  if (type === 'bool') return { type, value: value ? 1 : 0 };
  if (type === 'u32') return { type, value: Number(BigInt.asUintN(32, integer(given))) };
  if (type === 'i32') return { type, value: Number(BigInt.asIntN(32, integer(given))) };
  if (type === 'int') {
    const isExact = typeof given === 'number' || Number.isSafeInteger(value);
    return { type, value: Math.trunc(value), ...(!isExact && { whole: given }) };
  }
  if (type === 'f16') return { type, value: rounded16(value) };
  return { type, value: type === 'f32' ? Math.fround(value) : value };
}

function integer(given: number | bigint): bigint {
  if (typeof given === 'bigint') return given;
  return Number.isFinite(given) ? BigInt(Math.trunc(given)) : 0n;
}

/** An integer with all of its bits. */
export const bigOf = ({ value, whole }: Single): bigint => whole ?? integer(value);

/** Part by part; a scalar goes with every part of the other. */
export function zip(a: Value, b: Value, work: (a: Single, b: Single) => Value): Value {
  if ('type' in a && 'type' in b) return work(a, b);
  if (isStructure(a) || isStructure(b)) throw new Unknown('an operation on structures');
  const length = ('parts' in a ? a : (b as { parts: readonly Value[] })).parts.length;
  return { parts: Array.from({ length }, (_, i) => zip(partOf(a, i), partOf(b, i), work)) };
}

export const isStructure = (value: Value) => 'names' in value;

/** A part of a value, or the scalar that goes with every one. */
export function partOf(value: Value, i: number): Value {
  if (!('parts' in value)) return value;
  const part = value.parts[i];
  if (!part) throw new Unknown('parts that do not fit');
  return part;
}

/** Of a scalar, or of every one in a vector. */
export const map = (value: Value, work: (x: Single) => Value): Value =>
  'parts' in value ? { ...value, parts: value.parts.map((part) => map(part, work)) } : work(value);

/** All scalars in the order in which they lie. */
export const flat = (value: Value): Single[] =>
  'parts' in value ? value.parts.flatMap(flat) : [value];

/** @throws Unknown for what is no number */
export function singleOf(value: Value | undefined): Single {
  if (!value || !('type' in value)) throw new Unknown('several numbers in the place of one');
  return value;
}

/** @throws Unknown for what is no number */
export const numberOf = (value: Value | undefined): number => singleOf(value).value;
