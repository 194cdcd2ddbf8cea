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
    return `The code has collapsed, ${found}; the decoder ignores it.`;
  }
  const idle = units - active;
  return `${found}; the decoder ignores the code's other ${idle === 1 ? 'one' : idle}.`;
}
