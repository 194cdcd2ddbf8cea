// A flow at work: log-density, its inverse, a training step of RealNVP.
import { affine, Chain, Coupling, Flow, negativeLogLikelihood } from '../flows/index.ts';
import { variable } from '../graph/variable.ts';
import { MLP } from '../nn/index.ts';
import { adam, minimize } from '../optim/index.ts';
import { memoryBytes } from '../scheduler/fuse/traffic.ts';
import { type Plan, Runtime } from '../scheduler/index.ts';
import {
  Ledger,
  type StepSubject,
  stepsPerSample,
  variantsOf,
  type Workbench,
  workOf,
} from './step-subject.ts';

const [COUPLINGS, FEATURES, HIDDEN, BATCH] = [8, 64, 128, 256];

type Program = Parameters<Runtime['compile']>[0];

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
export async function prepareFlow(
  name: string,
  { device, seed, tuner }: Workbench,
): Promise<StepSubject> {
  const before = device.counters.liveBytes;
  const runtime = new Runtime(device, { seed, tune: tuner });
  const plan: Plan = await runtime.compile((programs[name] as () => Program)());
  const steps = await stepsPerSample((n) => plan.run(n));
  const ledger = new Ledger(device);
  const { memory, variables } = plan.schedule;
  return {
    name,
    work: workOf(plan.schedule),
    variants: variantsOf(plan.schedule),
    memory: {
      total: device.counters.liveBytes - before,
      intermediates: memory.peakBytes,
      bound: memory.boundBytes,
      variables: variables.reduce((sum, v) => sum + memoryBytes(v), 0),
    },
    sample: () => ledger.during(steps, () => plan.run(steps)),
    counts: () => ledger.counts(),
    destroy: async () => runtime.destroy(),
  };
}
