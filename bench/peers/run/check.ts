// A time counts only if what was computed in it is right.
import { selection } from '../page/wire.ts';
import type { ReferenceResults } from '../reference/models.ts';
import type { Work } from '../rows.ts';

export interface Verdict {
  /** The largest error, as a share of what is allowed. */
  readonly ofTolerance: number;
  /** What is wrong, if anything. */
  readonly wrong?: string;
}

/**
 * Adam's first steps divide a gradient by its own size, so that rounding turns the step of a
 * parameter whose gradient is next to nothing: parameters are judged by the whole update's error.
 */
const UPDATE_TOLERANCE = 0.02;

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
    size = Math.max(size, Math.abs(expected[i] as number));
  }
  return error / size;
}

function updateError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  start: ArrayLike<number>,
): number {
  let [error, update] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += ((actual[i] as number) - (expected[i] as number)) ** 2;
    update += ((expected[i] as number) - (start[i] as number)) ** 2;
  }
  const share = Math.sqrt(error / update);
  return Number.isNaN(share) ? Number.POSITIVE_INFINITY : share;
}

/** What a page sent, against the reference. */
export function checkResults(
  results: ReadonlyMap<string, Float32Array>,
  reference: ReferenceResults,
  tolerance: number,
): Verdict {
  let worst: { share: number; name: string } = { share: 0, name: '' };
  for (const [name, whole] of Object.entries(reference)) {
    if (name === 'start') continue;
    const actual = results.get(name);
    const expected = selection(whole);
    if (actual?.length !== expected.length) {
      const got = actual ? `${actual.length} numbers` : 'absent';
      return { ofTolerance: Number.POSITIVE_INFINITY, wrong: `${name} is ${got}` };
    }
    const share =
      name === 'parameters'
        ? updateError(actual, expected, selection(reference.start as Float64Array)) /
          UPDATE_TOLERANCE
        : largestError(actual, expected) / tolerance;
    if (share > worst.share) worst = { share, name };
  }
  const { share, name } = worst;
  if (share <= 1) return { ofTolerance: share };
  return {
    ofTolerance: share,
    wrong: `${name}: the error is ${share.toPrecision(2)} × the tolerance`,
  };
}

/**
 * The last result of timed repetitions: training has lowered the loss, images are shades, and
 * everything else is what the reference computed.
 *
 * @returns what is wrong, if anything
 */
export function checkTimed(
  { kind, tolerance }: Work,
  last: readonly number[],
  reference: ReferenceResults,
  stepsDone: number,
): string | undefined {
  const losses = reference.losses;
  if (losses) {
    const [loss] = last;
    const below = stepsDone > 5 ? (losses[0] as number) : Number.POSITIVE_INFINITY;
    return loss !== undefined && loss < below ? undefined : `the loss is ${loss} after training`;
  }
  if (kind === 'sampling') {
    const isShade = (v: number) => v >= 0 && v <= 1;
    const isFlat = last.every((v) => v === last[0]);
    return last.every(isShade) && !isFlat ? undefined : 'what was drawn is no picture';
  }
  const [expected] = Object.values(reference) as [Float64Array];
  const part = expected.subarray(0, last.length);
  return largestError(last, part) <= tolerance ? undefined : 'the timed result is another';
}
