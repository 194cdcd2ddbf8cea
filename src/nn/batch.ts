// What a model is shown at a step, all of it on the GPU.
import type { Tensor } from '../graph/tensor.ts';

export interface Batch {
  /** Data points [B, D]. */
  readonly x: Tensor;
  /** A class a row, [B], unsigned; missing where the data have none. */
  readonly labels?: Tensor;
  /** What is known, [B, D]: 1 where a value is, 0 where it is missing; without it, all are known. */
  readonly mask?: Tensor;
  /** Numbers of the rows in the data set, [B], unsigned. */
  readonly rows?: Tensor;
  /** Passes over the data since the run began, as a fraction (float32 scalar): what schedules follow. */
  readonly epoch?: Tensor;
}
