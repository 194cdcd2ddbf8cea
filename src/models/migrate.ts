// Folders of older formats, read as if they were of the present one.
import { isObject } from '../formats/json.ts';

/** Parts whose kinds format 1 had beside their keys: `prior: 'realnvp'`, `priorFlow: { … }`. */
const FLOWS = { posteriorFlow: 'posterior', priorFlow: 'prior' } as const;

/**
 * The nested keys of a model or a run of format 1, as format 2 has them.
 *
 * @example fromFormat1({ latent: 2 }).latent // 2
 */
export function fromFormat1(keys: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...keys };
  for (const [old, part] of Object.entries(FLOWS)) {
    const { [old]: inside } = result;
    delete result[old];
    if (isObject(inside)) result[part] = { kind: result[part], ...inside };
  }
  return result;
}
