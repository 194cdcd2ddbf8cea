// Missing values: which families take them, and which values a command hides on purpose.
import { Option } from 'commander';
import { type Hiding, parseHiding } from '../../data/missing.ts';
import { LatentGpuError } from '../../errors.ts';
import { type Family, families } from '../../models/index.ts';
import type { DataChoice } from './choice.ts';

/** Hides nothing, where a model's own data would be hidden. */
const NONE = 'none';

export const hideOption = (): Option =>
  new Option('--hide <what>', 'of each row: top, bottom, last:32, random:0.5 …');

/** @throws LatentGpuError `bad-input` */
export function hidingOf({ hide }: Pick<DataChoice, 'hide'>): Hiding | undefined {
  if (hide === undefined || hide === NONE) return undefined;
  const found = parseHiding(hide);
  if (found) return found;
  throw new LatentGpuError(
    'bad-input',
    `--hide ${hide}: it must be top, bottom, last:32, middle:32 (steps), random:0.5 (a fraction below 1) or none`,
  );
}

/**
 * How data for a family are read.
 *
 * @throws LatentGpuError `bad-config` if values are to be hidden from a family that needs all of them
 */
export function missingChoice(
  { name, takesMissing }: Family,
  hide: string | undefined,
): Pick<DataChoice, 'hide' | 'takesMissing' | 'missingRemedy'> {
  const hiding = hidingOf({ ...(hide !== undefined && { hide }) });
  if (takesMissing) return { takesMissing: true, ...(hide !== undefined && { hide }) };
  const others = families().filter((family) => family.takesMissing);
  const names = others.map((family) => family.name).join(', ');
  if (hiding) {
    throw new LatentGpuError(
      'bad-config',
      `--hide ${hide}: ${name} takes no missing values; leave it out, or train one that does: ${names}`,
    );
  }
  return { missingRemedy: `, or train a family that takes missing values: ${names}` };
}
