// Figures of a measurement as people read them.
import type { Measurement } from './report.ts';
import type { Summary } from './statistics.ts';
import { percent, short } from './table.ts';

/** Half the distance of the quartiles, as a share of the median; of one sample nobody knows. */
export function spread({ median, quartiles: [low, high] }: Summary, samples = 2): string {
  if (samples < 2) return '–';
  const half = (50 * (high - low)) / median;
  return `±${half < 10 ? half.toFixed(1) : half.toFixed(0)} %`;
}

/** The share of the roof that binds, and which it is. */
export const ofPeak = ({ share, limit }: Measurement): string => `${percent(share)} ${limit}`;

/** Billions a second, by the fastest sample. */
export const perSecond = (amount: number, { ms }: Measurement): string =>
  amount > 0 ? short(amount / ms.min / 1e6) : '–';
