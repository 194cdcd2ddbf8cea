/** x Φ(x), Φ the standard normal distribution function: by the series of its middle, whose terms have one sign. */
export function gelu(x: number): number {
  // Beyond, nothing of float32 changes.
  if (x < -9) return 0;
  const y = Math.min(x, 9);
  let sum = y;
  for (let n = 3, term = y; n < 200; n += 2) {
    term *= (y * y) / n;
    sum += term;
  }
  return x * (0.5 + (sum * Math.exp((-y * y) / 2)) / Math.sqrt(2 * Math.PI));
}
