/** What a sample says of its distribution, and how surely. */

export interface Moments {
  readonly mean: number;
  /** Unbiased, divisor n - 1. */
  readonly variance: number;
  /** Of the mean. */
  readonly standardError: number;
}

/** Mean and spread of independent numbers, in float64. */
export function momentsOf(values: ArrayLike<number>): Moments {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i] as number;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((values[i] as number) - mean) ** 2;
  const variance = squares / (n - 1);
  return { mean, variance, standardError: Math.sqrt(variance / n) };
}

/** Column `j` of a row-major matrix. */
export function column(values: ArrayLike<number>, width: number, j: number): Float64Array {
  return Float64Array.from(
    { length: values.length / width },
    (_, i) => values[i * width + j] as number,
  );
}
