// What WGSL's constants are: scalars with their types, and what is made of them.

/** `int` and `float` are the abstract types of literals without a suffix. */
export type Scalar = 'bool' | 'int' | 'float' | 'i32' | 'u32' | 'f32' | 'f16';

/** A scalar; or a vector, a matrix, an array or a structure by its parts. */
export type Value =
  | { readonly type: Scalar; readonly value: number }
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

/** A number as its type holds it. */
export function scalar(type: Scalar, value: number): Value {
  if (type === 'bool') return { type, value: value ? 1 : 0 };
  if (type === 'u32') return { type, value: Math.trunc(value) >>> 0 };
  if (type === 'i32') return { type, value: Math.trunc(value) | 0 };
  if (type === 'int') return { type, value: Math.trunc(value) };
  return { type, value: type === 'f32' ? Math.fround(value) : value };
}

/** Part by part; a scalar goes with every part of the other. */
export function zip(a: Value, b: Value, work: (a: Value, b: Value) => Value): Value {
  if ('type' in a && 'type' in b) return work(a, b);
  const length = ('parts' in a ? a : (b as { parts: readonly Value[] })).parts.length;
  const part = (value: Value, i: number) => ('parts' in value ? value.parts[i] : value) as Value;
  return { parts: Array.from({ length }, (_, i) => zip(part(a, i), part(b, i), work)) };
}
