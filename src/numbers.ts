/**
 * What is wrong with what should be a list of numbers: rows in rows, words, nothing at all. TypeScript refuses most of
 * it; JavaScript makes NaN of it, or 0, or another number.
 */
export function noNumbers(values: ArrayLike<number>): string | undefined {
  const given: unknown = values;
  if (ArrayBuffer.isView(given) && !(given instanceof DataView)) {
    return typeof values[0] === 'bigint'
      ? `its elements are bigints; give Number(value)`
      : undefined;
  }
  if (typeof given !== 'object' || typeof values?.length !== 'number') {
    return `${told(given)} is no list of numbers; give one, in row-major order`;
  }
  for (let i = 0; i < values.length; i++) {
    const value: unknown = values[i];
    if (typeof value === 'number') continue;
    const isList = Array.isArray(value) || ArrayBuffer.isView(value);
    const remedy = isList ? '; give them one after the other: rows.flat()' : '';
    return `element ${i} is ${isList ? 'a list' : told(value)}, no number${remedy}`;
  }
  return undefined;
}

const told = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? 'an object' : `${value}`;
