// What is asked of missing values, and what is found.
import type { WorkOptions } from './rows.ts';

export interface ImputeOptions extends WorkOptions {
  /** Codes that are weighed for each row; where the answer has a closed form they do not matter. */
  readonly samples: number;
  /** Draws of a row's missing values beside their means. Default: none. */
  readonly draws?: number;
  /** Of the noise. */
  readonly seed?: number;
}

/** Whole rows as the model sees them; what was seen is to be taken from the data. */
export interface Imputed {
  /** E[x | what is seen], [count, D]. */
  readonly mean: Float32Array;
  /** [draws, count, D]. */
  readonly draws: Float32Array;
  /** Of the codes of each row, as many as these count; undefined where there is a closed form. */
  readonly effectiveSampleSize?: Float64Array;
}
