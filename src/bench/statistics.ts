// Order statistics: timings are skewed and have outliers, so nothing here takes a mean.
import { median, quantile } from '../quantile.ts';
import { Random } from '../random.ts';

/** A sample in five numbers. */
export interface Summary {
  readonly median: number;
  /** First and third quartile. */
  readonly quartiles: readonly [number, number];
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    quartiles: [quantile(values, 0.25), quantile(values, 0.75)],
    min: Math.min(...values),
    max: Math.max(...values),
    count: values.length,
  };
}

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Resamplings of the bootstrap: the 2.5 % tails then hold 50 values. */
const RESAMPLES = 2000;

/**
 * median(after) / median(before) with a 95 % percentile bootstrap interval (Efron 1979), and both
 * medians. The draws come from a fixed seed: the same samples give the same interval.
 */
export function ratioOfMedians(
  after: readonly number[],
  before: readonly number[],
): { ratio: Interval; after: number; before: number } {
  const random = new Random(1, 0, 0);
  const resampled = (values: readonly number[]) =>
    median(values.map(() => values[random.integer(values.length)] as number));
  const ratios = Array.from({ length: RESAMPLES }, () => resampled(after) / resampled(before));
  const [now, then] = [median(after), median(before)];
  return {
    ratio: { value: now / then, low: quantile(ratios, 0.025), high: quantile(ratios, 0.975) },
    after: now,
    before: then,
  };
}
