// Order statistics: what a few outliers leave alone.
import { LatentGpuError } from './errors.ts';

/** The q-quantile, 0 ≤ q ≤ 1, linear between neighbours (type 7 of Hyndman and Fan 1996). */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0 || !(q >= 0 && q <= 1)) {
    throw new LatentGpuError('bad-input', `no ${q}-quantile of ${values.length} values`);
  }
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] as number, sorted[Math.ceil(at)] as number];
  return a + (at - low) * (b - a);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
