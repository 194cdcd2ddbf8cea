// What a step of EM sums over its rows: the E step of a mixture with full covariances.
import { variable } from '../graph/variable.ts';
import { mixtureSums } from '../models/index.ts';
import { prepareProgram } from './program-step.ts';
import type { StepSubject, Workbench } from './step-subject.ts';

const [ROWS, FEATURES, COMPONENTS] = [60_000, 50, 10];

const NAME = `gmm EM step, 60,000 × ${FEATURES}, K = ${COMPONENTS}`;

export const MIXTURE_STEPS: readonly string[] = [NAME];

/** One of {@link MIXTURE_STEPS}, warm and ready to be sampled. */
export function prepareMixture(name: string, workbench: Workbench): Promise<StepSubject> {
  const held = (what: string, shape: number[], scale: number) =>
    variable(what, shape, {
      init: ([...extents], random) =>
        Float32Array.from(
          { length: extents.reduce((a, b) => a * b, 1) },
          () => scale * (2 * random() - 1),
        ),
    });
  const { weight, first, second } = mixtureSums('full', held('x', [ROWS, FEATURES], 1), {
    logWeights: held('logWeights', [1, COMPONENTS], 0.1),
    mean: held('mean', [1, COMPONENTS, FEATURES], 0.2),
    factor: held('factor', [1, COMPONENTS, FEATURES, FEATURES], 0.1),
  });
  return prepareProgram(name, { outputs: { weight, first, second } }, workbench);
}
