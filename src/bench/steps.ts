// Whole steps as users run them: training, and sampling with the images read back.
import type { ImageDataset } from '../data/dataset.ts';
import { digits } from '../data/digits.ts';
import type { Device } from '../device/index.ts';
import { Inference, type ObjectiveConfig, Vae } from '../models/index.ts';
import { mean, neg, randomNormal } from '../ops/index.ts';
import { adam } from '../optim/index.ts';
import { memoryBytes } from '../scheduler/bindings.ts';
import { Runtime, schedule } from '../scheduler/index.ts';
import { Trainer } from '../training/index.ts';
import { FLOW_STEPS, prepareFlow } from './flow-steps.ts';
import { timed } from './host.ts';
import { Ledger, type StepSubject, stepsPerSample, workOf } from './step-subject.ts';
import type { Timing } from './stopwatch.ts';

export { type StepCounts, type StepMemory, type StepSubject, workOf } from './step-subject.ts';

const net = { hidden: [300], activation: 'relu' as const };

/** The lectures' network, 784-300-20. */
function vae(objective: ObjectiveConfig): Vae {
  return new Vae({
    shape: [28, 28],
    encoder: net,
    latent: 20,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
    objective,
    init: 'torch',
  });
}

export interface TrainingSpec {
  readonly batch: number;
  readonly objective: ObjectiveConfig;
}

const trainingSpecs: Record<string, TrainingSpec> = {
  'VAE step, batch 100': {
    batch: 100,
    objective: { kind: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
  },
  'IWAE step K=5, batch 20': { batch: 20, objective: { kind: 'iwae', samples: 5 } },
  'IWAE step K=50, batch 20': { batch: 20, objective: { kind: 'iwae', samples: 50 } },
};

const samplingCounts: Record<string, number> = {
  'sample 1 image': 1,
  'sample 64 images': 64,
  'sample 1024 images': 1024,
};

export const TRAINING_STEPS: readonly string[] = Object.keys(trainingSpecs);

export const STEPS: readonly string[] = [
  ...TRAINING_STEPS,
  ...Object.keys(samplingCounts),
  ...FLOW_STEPS,
];

let images: ImageDataset | undefined;

function trainingImages(): ImageDataset {
  images ??= digits({ count: 1000, seed: 1 });
  return images;
}

/** A trainer for one of {@link TRAINING_STEPS}, on a device of the caller's. */
export function makeTrainer(name: string, open: () => Promise<Device>, seed = 1): Promise<Trainer> {
  const { batch, objective } = trainingSpecs[name] as TrainingSpec;
  const model = vae(objective);
  return Trainer.create(
    {
      model,
      data: trainingImages(),
      batch,
      binarize: 'resampled',
      seed,
      optimizer: adam({ lr: 1e-3 }),
      loss: (x) => {
        const { bound, kl } = model.bound(x);
        return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
      },
    },
    open,
  );
}

async function prepareTraining(name: string, device: Device, seed: number): Promise<StepSubject> {
  const before = device.counters.liveBytes;
  const trainer = await makeTrainer(name, () => Promise.resolve(device), seed);
  const steps = await stepsPerSample((n) => trainer.plan.run(n));
  const ledger = new Ledger(device);
  const plan = trainer.plan.schedule;
  return {
    name,
    work: workOf(plan),
    memory: {
      total: device.counters.liveBytes - before,
      intermediates: plan.memory.peakBytes,
      bound: plan.memory.boundBytes,
      variables: plan.variables.reduce((sum, v) => sum + memoryBytes(v), 0),
    },
    sample: () => ledger.during(steps, () => trainer.plan.run(steps)),
    counts: () => ledger.counts(),
    destroy: async () => trainer.runtime.destroy(),
  };
}

async function prepareSampling(name: string, device: Device, seed: number): Promise<StepSubject> {
  const count = samplingCounts[name] as number;
  const before = device.counters.liveBytes;
  const runtime = new Runtime(device, { seed });
  const model = vae({ kind: 'elbo', samples: 1, kl: 'analytic', beta: 1 });
  const inference = new Inference(runtime, model);
  const repeat = async (n: number) => {
    for (let i = 0; i < n; i++) await inference.sample(count, 'mean', seed);
  };
  const steps = await stepsPerSample(repeat);
  const ledger = new Ledger(device);
  // The work that is asked for, however the images are cut into batches.
  const x = model.decode(randomNormal([count, model.config.latent])).mean;
  const plan = schedule({ outputs: { x } }, runtime.adapter);
  return {
    name,
    work: workOf(plan),
    memory: { total: device.counters.liveBytes - before },
    sample: () => ledger.during(steps, () => repeat(steps)),
    counts: () => ledger.counts(),
    destroy: async () => {
      await inference.destroy();
      runtime.destroy();
    },
  };
}

/** One of {@link STEPS}, warm and ready to be sampled. */
export function prepareStep(name: string, device: Device, seed: number): Promise<StepSubject> {
  if (FLOW_STEPS.includes(name)) return prepareFlow(name, device, seed);
  const prepare = name in trainingSpecs ? prepareTraining : prepareSampling;
  return prepare(name, device, seed);
}

/**
 * From nothing to the end of the first training step: the device is opened, the model described,
 * scheduled, compiled and given its memory. Drawing the data set does not count.
 */
export async function coldStart(open: () => Promise<Device>): Promise<Timing> {
  trainingImages();
  let opened: Device | undefined;
  const timing = await timed(1, async () => {
    const trainer = await makeTrainer(TRAINING_STEPS[0] as string, async () => {
      opened = await open();
      return opened;
    });
    await trainer.plan.run(1);
  });
  opened?.destroy();
  return timing;
}
