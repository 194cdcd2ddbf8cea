// How well scores tell what is positive from what is not: the ROC curve, and areas under curves.
import { LatentGpuError } from './errors.ts';

export interface Separation {
  /** P(a positive scores higher than a negative), ties half: the area under the ROC curve. */
  readonly auroc: number;
  /** Average precision Σ (R_i - R_{i-1}) P_i: the area under the precision-recall curve, in steps. */
  readonly auprc: number;
  /** Points of the ROC curve from (0, 0) to (1, 1): false and true positive rates, a pair each. */
  readonly curve: readonly (readonly [number, number])[];
}

/**
 * Scores of which the higher speak for a positive; equal ones share a step of the curves.
 *
 * @throws LatentGpuError `bad-input` without scores of either kind, or for one that is no number
 */
export function separation(negatives: ArrayLike<number>, positives: ArrayLike<number>): Separation {
  const all = [
    ...Array.from(negatives, (score) => ({ score, isPositive: false })),
    ...Array.from(positives, (score) => ({ score, isPositive: true })),
  ].sort((a, b) => b.score - a.score);
  const bad = (why: string) => new LatentGpuError('bad-input', why);
  if (negatives.length === 0 || positives.length === 0)
    throw bad(`${negatives.length} scores cannot be told from ${positives.length}`);
  const wrong = all.filter(({ score }) => Number.isNaN(score)).length;
  if (wrong > 0) {
    throw bad(
      `${wrong} of ${all.length} scores are no numbers: such rows lie further out than float32 reaches; leave them out`,
    );
  }
  const curve: [number, number][] = [[0, 0]];
  let [hits, alarms, auroc, auprc] = [0, 0, 0, 0];
  for (let at = 0; at < all.length; ) {
    const [before, alarmsBefore] = [hits, alarms];
    const { score } = all[at] as (typeof all)[0];
    for (; at < all.length && all[at]?.score === score; at++) {
      if (all[at]?.isPositive) hits += 1;
      else alarms += 1;
    }
    auroc += ((alarms - alarmsBefore) * (hits + before)) / 2;
    auprc += ((hits - before) / positives.length) * (hits / (hits + alarms));
    curve.push([alarms / negatives.length, hits / positives.length]);
  }
  return { auroc: auroc / (negatives.length * positives.length), auprc, curve };
}
