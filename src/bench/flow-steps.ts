// A flow at work: log-density, its inverse, a training step of RealNVP.
import { affine, Chain, Coupling, Flow, negativeLogLikelihood } from '../flows/index.ts';
import { variable } from '../graph/variable.ts';
import { MLP } from '../nn/index.ts';
import { adam, minimize } from '../optim/index.ts';
import { type Program, prepareProgram } from './program-step.ts';
import type { StepSubject, Workbench } from './step-subject.ts';

const [COUPLINGS, FEATURES, HIDDEN, BATCH] = [8, 64, 128, 256];

/** RealNVP: couplings of halves that change places, two hidden layers each. */
function realNvp(): Flow {
  return new Flow(
    new Chain(
      Array.from(
        { length: COUPLINGS },
        (_, i) =>
          new Coupling({
            shape: [FEATURES],
            transformer: affine(),
            net: ([from = 0], [to = 0]) => new MLP([from, HIDDEN, HIDDEN, to], 'relu'),
            flip: i % 2 === 1,
          }),
      ),
    ),
  );
}

function rows() {
  return variable('x', [BATCH, FEATURES], {
    init: (_, random) => Float32Array.from({ length: BATCH * FEATURES }, () => 2 * random() - 1),
  });
}

const programs: Record<string, () => Program> = {
  'RealNVP log p, batch 256': () => ({ outputs: { logProb: realNvp().logProb(rows()) } }),
  'RealNVP inverse, batch 256': () => ({
    outputs: { x: realNvp().bijection.forward(rows()).value },
  }),
  'RealNVP step, batch 256': () => {
    const flow = realNvp();
    const loss = negativeLogLikelihood(flow, rows());
    return {
      effects: minimize(loss, flow.parameters(), { optimizer: adam({ lr: 1e-3 }) }).effects,
    };
  },
};

export const FLOW_STEPS: readonly string[] = Object.keys(programs);

/** One of {@link FLOW_STEPS}, warm and ready to be sampled. */
export function prepareFlow(name: string, workbench: Workbench): Promise<StepSubject> {
  return prepareProgram(name, (programs[name] as () => Program)(), workbench);
}
