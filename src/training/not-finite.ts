// What a user is told of a run that has left the numbers.
import { LatentGpuError } from '../errors.ts';
import type { Guilty } from './diagnose.ts';

/** @param good the step of the last good state, if there is one */
const goOn = (good: number | undefined) =>
  good === undefined ? '' : `, and go on from step ${good}, the last good state`;

/** @param found the first tensor that is not finite, if it can be told */
export function badLoss(
  what: string,
  step: number,
  found: Guilty | undefined,
  advice: string,
  good: number,
): LatentGpuError {
  const where = found ? `the first tensor that is not is ${found.what}` : 'it cannot be told why';
  return new LatentGpuError(
    'not-finite',
    `the ${what} is not finite at step ${step}; ${where}; ${found?.advice ?? advice}${goOn(good)}`,
  );
}

/** @param step steps done when it was found */
export function badState(
  bad: string,
  step: number,
  advice: string,
  good: number | undefined,
): LatentGpuError {
  const when = step > 0 ? `after step ${step - 1}` : 'before the first step';
  return new LatentGpuError('not-finite', `${when} ${bad} is not finite; ${advice}${goOn(good)}`);
}
