// What it is worth to submit many steps at once, from steps that were measured in the same rounds.
import type { BenchReport } from './report.ts';
import { type Interval, ratioOfMedians } from './statistics.ts';

/** A step by how it is submitted, and the same step small, of which the host's part is larger. */
export const SUBMITTED_STEPS = [
  {
    many: 'VAE step, batch 100',
    single: 'VAE step, each submitted',
    waited: 'VAE step, each waited for',
  },
  {
    many: 'VAE step 10×32',
    single: 'VAE step 10×32, submitted',
    waited: 'VAE step 10×32, waited for',
  },
] as const;

export interface SubmissionWorth {
  /** The step that is submitted many times at once. */
  readonly step: string;
  /** The other way of submitting, in words. */
  readonly than: string;
  /** Its time over the time of many steps a submission: above 1, many are faster. */
  readonly ratio: Interval;
  /** The same of the fastest samples. */
  readonly bestRatio: number;
}

const OTHERS = { single: 'one a submission', waited: 'each waited for' } as const;

/** Empty where no step was measured in several ways. */
export function worthOfSubmissions({ rows }: BenchReport): SubmissionWorth[] {
  const samplesOf = (name: string) => rows.find((row) => row.name === name)?.samples;
  return SUBMITTED_STEPS.flatMap((names) => {
    const many = samplesOf(names.many);
    return (Object.keys(OTHERS) as (keyof typeof OTHERS)[]).flatMap((way) => {
      const other = samplesOf(names[way]);
      if (!many || !other) return [];
      const { ratio } = ratioOfMedians(other, many);
      const bestRatio = Math.min(...other) / Math.min(...many);
      return [{ step: names.many, than: OTHERS[way], ratio, bestRatio }];
    });
  });
}
