/**
 * The Vitest matcher of the kernel test kit. Importing this file registers it:
 *
 * ```ts
 * import 'latentgpu/testing/vitest';
 * expect(y).toBeNear(reference, { relative: 1e-6 });
 * ```
 */
import { expect } from 'vitest';
import { compare, type Numbers, type Tolerance } from './tolerance.ts';

export type { Numbers, Tolerance } from './tolerance.ts';

/** The matchers, for an `expect` of your own: `expect.extend(matchers)`. */
export const matchers = {
  toBeNear(actual: unknown, expected: Numbers, tolerance: Tolerance) {
    const { pass, message } = compare(actual, expected, tolerance);
    return { pass, message: () => message };
  },
};

expect.extend(matchers);

declare module 'vitest' {
  // Name and default of the parameter must be those of the declaration that is added to.
  // biome-ignore lint/suspicious/noExplicitAny: as declared there
  interface Matchers<T = any> {
    /**
     * Numbers within |a − e| ≤ absolute + relative · |e| + ulp · ulp(e); otherwise the message names
     * the worst element, its index, both values and how far beyond the tolerance it lies.
     */
    toBeNear(expected: Numbers, tolerance: Tolerance): void;
  }
}
