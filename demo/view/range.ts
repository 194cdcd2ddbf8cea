// What of a curve is shown.

/** Values that a spike is told by. */
const FEW = 40;

/**
 * The range of the values with a little air. What lies far above the middle, as the first moments of
 * a long run do, is cut off where it would flatten the rest.
 */
export function calmRange(values: readonly (number | undefined)[]): [number, number] {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [low, middle, most] = [0, sorted.length >> 1, sorted.length - 1].map((i) => sorted[i]) as [
    number,
    number,
    number,
  ];
  const high = sorted.length > FEW ? Math.min(most, low + 8 * (middle - low)) : most;
  const air = Math.max(0.06 * (high - low), 0.01 * Math.abs(high), 0.05);
  return [low - air, high + air];
}
