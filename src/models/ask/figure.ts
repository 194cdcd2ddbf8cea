// A number that is told of a model, in the data's units.

/** A mean over rows, and how sure it is. */
export interface Figure {
  /** In JSON and `metrics.jsonl`: `negativeElbo`; of a nested one `nll.value`. */
  readonly name: string;
  /** For people: `negative ELBO`. */
  readonly label: string;
  readonly value: number;
  /** Of the mean, from the spread over the rows. */
  readonly error?: number;
  readonly unit: string;
  /** Decimals of the value and of its error. */
  readonly digits: number;
  readonly errorDigits?: number;
  /** What belongs beside it: how many samples, of how many units. */
  readonly note?: string;
}

/**
 * Log-densities of the data, from those of what the model sees.
 *
 * @example inUnitsOf(Float64Array.of(-1, -2), 0.5) // [-1.5, -2.5]
 */
export function inUnitsOf(logProb: Float64Array, logScale: number | Float64Array): Float64Array {
  return logProb.map(
    (value, i) => value - (typeof logScale === 'number' ? logScale : (logScale[i] as number)),
  );
}
