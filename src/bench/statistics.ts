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

/**
 * The median with a 95 % interval between two order statistics, whatever the distribution (Thompson
 * 1936): ranks n/2 ± 0.98 √n. Of fewer than six values no two enclose the median so surely.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const rank = Math.max(0, Math.floor(n / 2 - 0.98 * Math.sqrt(n)));
  const [low, high] = [sorted[rank], sorted[n - 1 - rank]] as [number, number];
  return { value: median(values), low, high };
}

/** Half of the interval that counts as settled, as a share of the median. */
const SETTLED = 0.03;

/** Half of the interval as a share of the median. */
export const halfWidth = ({ value, low, high }: Interval): number => (high - low) / 2 / value;

/** Whether a median is known to 3 %. */
export const isSettled = (values: readonly number[]): boolean =>
  values.length >= 6 && halfWidth(medianInterval(values)) <= SETTLED;

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
