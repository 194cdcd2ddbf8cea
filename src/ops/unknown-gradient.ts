// Ops that end the chain rule with a word: without a rule a gradient would silently be zero.
import { LatentGpuError } from '../errors.ts';

/** The rule of an op that has none. @param of what has no gradient, in words */
export const unknownGradient = (of: string) => (): never => {
  throw new LatentGpuError('bad-input', `the gradient of ${of} is not known`);
};
