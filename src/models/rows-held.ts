// How many rows a step of a pass over the data holds.

/** Numbers of rows that a step may hold, and rows. */
const [NUMBERS, ROWS] = [2 ** 22, 65536];

/** Rows of so many numbers each that a step holds at most, 1 or more. */
export const rowsHeld = (each: number): number =>
  Math.max(1, Math.min(ROWS, Math.floor(NUMBERS / Math.max(1, each))));
