// What it means that a code has idle dimensions, in words.
import { ACTIVE_VARIANCE } from '../constants.ts';
import type { CodeDimension } from '../models/index.ts';

export const isActive = ({ variance }: CodeDimension): boolean => variance > ACTIVE_VARIANCE;

/**
 * Undefined where every unit is active.
 *
 * @param active units whose posterior mean varies over the data, of `units`
 */
export function collapseText(active: number, units: number): string | undefined {
  if (active >= units) return undefined;
  const found = `${active} of ${units} ${units === 1 ? 'unit' : 'units'} active`;
  if (active === 0) {
    return `${found}: the posterior has collapsed to the prior; the decoder ignores the code.`;
  }
  const idle = units - active;
  return `${found}; the decoder ignores the code's other ${idle === 1 ? 'one' : idle}.`;
}
