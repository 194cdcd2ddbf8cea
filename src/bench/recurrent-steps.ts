// A training step of gated recurrent units, which tell each number of series by those before it.
import { variable } from '../graph/variable.ts';
import { delayed, GRU, Linear } from '../nn/index.ts';
import { mean, square, sub } from '../ops/index.ts';
import { adam, minimize } from '../optim/index.ts';
import { prepareProgram } from './program-step.ts';
import type { StepSubject, Workbench } from './step-subject.ts';

const [BATCH, STEPS, UNITS] = [32, 64, 64];

const NAME = `GRU step, ${UNITS} units, ${STEPS} steps, batch ${BATCH}`;

export const RECURRENT_STEPS: readonly string[] = [NAME];

/** One of {@link RECURRENT_STEPS}, warm and ready to be sampled. */
export function prepareRecurrent(name: string, workbench: Workbench): Promise<StepSubject> {
  const [units, last] = [new GRU(1, [UNITS]), new Linear(UNITS, 1)];
  const x = variable('x', [BATCH, STEPS, 1], {
    init: (_, random) => Float32Array.from({ length: BATCH * STEPS }, () => 2 * random() - 1),
  });
  const loss = mean(square(sub(last.call(units.call(delayed(x))), x)));
  const parameters = [units, last].flatMap((module) => module.parameters());
  const { effects } = minimize(loss, parameters, { optimizer: adam({ lr: 1e-3 }) });
  return prepareProgram(name, { effects }, workbench);
}
