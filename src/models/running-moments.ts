// Means and spreads of features, a row at a time.

/** Means and sums of squared deviations, in float64: no digits are lost to a mean far from 0 (Welford 1962). */
export class RunningMoments {
  readonly mean: Float64Array;
  /** Σ (x - mean)². */
  readonly squares: Float64Array;
  private seen = 0;

  constructor(features: number) {
    this.mean = new Float64Array(features);
    this.squares = new Float64Array(features);
  }

  /** Adds the row that begins at `at`. */
  add(values: ArrayLike<number>, at: number): void {
    const { mean, squares } = this;
    this.seen++;
    for (let j = 0; j < mean.length; j++) {
      const value = values[at + j] as number;
      const step = value - (mean[j] as number);
      mean[j] = (mean[j] as number) + step / this.seen;
      squares[j] = (squares[j] as number) + step * (value - (mean[j] as number));
    }
  }
}
