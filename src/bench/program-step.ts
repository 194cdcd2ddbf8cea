// A step that is any program, compiled and measured.
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

export type Program = Parameters<Runtime['compile']>[0];

/** The program's step, warm and ready to be sampled. */
export async function prepareProgram(
  name: string,
  program: Program,
  { device, seed, tuner }: Workbench,
): Promise<StepSubject> {
  const before = device.counters.liveBytes;
  const runtime = new Runtime(device, { seed, tune: tuner });
  const plan: Plan = await runtime.compile(program);
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
