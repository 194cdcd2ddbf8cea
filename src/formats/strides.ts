// Arrays whose elements lie in another order than their indices count.

/**
 * Visits all elements with the last index the fastest.
 *
 * @param strides elements from one index of each axis to the next
 * @param visit told where an element lies, and its number
 */
export function forEachPlace(
  shape: readonly number[],
  strides: readonly number[],
  visit: (from: number, to: number) => void,
): void {
  const count = shape.reduce((product, length) => product * length, 1);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    visit(from, to);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [next, stride] = [(index[axis] as number) + 1, strides[axis] as number];
      from += stride;
      if (next !== shape[axis]) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
      from -= next * stride;
    }
  }
}
