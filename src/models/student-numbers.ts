// What a net says of Student's t distributions: of its numbers a third are means, the next become scales,
// the last degrees of freedom.
import { MIN_STD } from '../constants.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, log, slice, softplus } from '../ops/index.ts';

/** Above it, mean and deviation exist and draws have few that are far out (Mattei and Frellsen 2019). */
const LEAST_FREEDOM = 3;

/** @param numbers [..., 3 D] */
export function studentNumbers(numbers: Tensor): { mean: Tensor; logStd: Tensor; df: Tensor } {
  const size = (numbers.shape.at(-1) as number) / 3;
  const part = (i: number) => slice(numbers, -1, i * size, (i + 1) * size);
  return {
    mean: part(0),
    // Bounded below softly: a hard clamp would stop the gradient.
    logStd: log(add(softplus(part(1)), MIN_STD)),
    df: add(softplus(part(2)), LEAST_FREEDOM),
  };
}
