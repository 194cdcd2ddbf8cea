// What it is worth to submit many steps at once, from steps that were measured in the same rounds.
import type { BenchReport } from './report.ts';
import { type Interval, ratioOfMedians } from './statistics.ts';

/** The VAE's step by how it is submitted: what the first way is worth. */
export const SUBMITTED_STEPS = {
  many: 'VAE step, batch 100',
  single: 'VAE step, each submitted',
  waited: 'VAE step, each waited for',
} as const;

export interface SubmissionWorth {
  /** The other way of submitting, in words. */
  readonly than: string;
  /** Its time over the time of many steps a submission: above 1, many are faster. */
  readonly ratio: Interval;
}

const OTHERS = {
  single: 'a submission a step, two under way',
  waited: 'a submission a step, each waited for',
} as const;

/** Of the VAE's step; empty where it was not measured in several ways. */
export function worthOfSubmissions({ rows }: BenchReport): SubmissionWorth[] {
  const samplesOf = (name: string) => rows.find((row) => row.name === name)?.samples;
  const many = samplesOf(SUBMITTED_STEPS.many);
  if (!many) return [];
  return (Object.keys(OTHERS) as (keyof typeof OTHERS)[]).flatMap((way) => {
    const other = samplesOf(SUBMITTED_STEPS[way]);
    return other ? [{ than: OTHERS[way], ratio: ratioOfMedians(other, many).ratio }] : [];
  });
}
