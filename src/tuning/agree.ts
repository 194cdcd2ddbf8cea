// Whether two variants of a kernel have computed the same, but for rounding.

/** Of the largest number: far more than sums in another order differ by, far less than any mistake. */
const TOLERANCE = 2 ** -10;

/** One number in so many may be off: where rounding decides between two sides of a step. */
const STEPS = 256;

/** @param expected what another variant has made of the same */
export function agree(
  results: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): boolean {
  return expected.every((wanted, i) => agrees(results[i] as ArrayLike<number>, wanted));
}

function agrees(got: ArrayLike<number>, wanted: ArrayLike<number>): boolean {
  // What pads the last quad may be anything.
  const end = Math.max(1, wanted.length - 3);
  let largest = 0;
  for (let i = 0; i < end; i++) {
    const size = Math.abs(wanted[i] as number);
    if (size > largest && Number.isFinite(size)) largest = size;
  }
  let off = 0;
  for (let i = 0; i < end; i++) {
    const value = wanted[i] as number;
    // What overflows says nothing.
    if (!Number.isFinite(value)) continue;
    if (!(Math.abs((got[i] as number) - value) <= TOLERANCE * largest)) off++;
  }
  return off * STEPS <= end;
}
