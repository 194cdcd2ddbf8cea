// Whole steps as users run them: training, and sampling with the images read back.
import type { ImageDataset } from '../data/dataset.ts';
import { digits } from '../data/digits.ts';
import type { Device } from '../device/index.ts';
import type { Timing } from '../device/stopwatch.ts';
import { Inference, type ObjectiveConfig, Vae } from '../models/index.ts';
import { mean, neg, randomNormal } from '../ops/index.ts';
import { adam } from '../optim/index.ts';
import { memoryBytes } from '../scheduler/fuse/traffic.ts';
import { type Plan, Runtime, type StepFeed, schedule } from '../scheduler/index.ts';
import { Trainer, type TrainerOptions } from '../training/index.ts';
import { FLOW_STEPS, prepareFlow } from './flow-steps.ts';
import { timed } from './host.ts';
import {
  Ledger,
  SAMPLE_MS,
  type StepSubject,
  stepsPerSample,
  variantsOf,
  type Workbench,
  workOf,
} from './step-subject.ts';
import { SUBMITTED_STEPS } from './submissions.ts';

/** The lectures' network, 784-300-20, unless another width is asked for. */
function vae(objective: ObjectiveConfig, width = 300): Vae {
  const net = { hidden: [width], activation: 'relu' as const };
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
  /** Of the hidden layers. Default: 300. */
  readonly width?: number;
  /**
   * `many`: as many steps a submission as the plan sees fit, two submissions under way; `single`: one
   * step a submission, two under way; `waited`: one, and each is waited for. Default: `many`.
   */
  readonly submissions?: 'many' | 'single' | 'waited';
}

export const ELBO: ObjectiveConfig = { kind: 'elbo', samples: 1, kl: 'analytic', beta: 1 };

const trainingSpecs: Record<string, TrainingSpec> = {
  'VAE step, batch 100': { batch: 100, objective: ELBO },
  'IWAE step K=5, batch 20': { batch: 20, objective: { kind: 'iwae', samples: 5 } },
  'IWAE step K=50, batch 20': { batch: 20, objective: { kind: 'iwae', samples: 50 } },
};

const [usual, small] = SUBMITTED_STEPS;
const SMALL: TrainingSpec = { batch: 10, objective: ELBO, width: 32 };

/** The VAE's step, submitted in other ways, and a small one. */
const submittedSpecs: Record<string, TrainingSpec> = {
  [usual.single]: { batch: 100, objective: ELBO, submissions: 'single' },
  [usual.waited]: { batch: 100, objective: ELBO, submissions: 'waited' },
  [small.many]: SMALL,
  [small.single]: { ...SMALL, submissions: 'single' },
  [small.waited]: { ...SMALL, submissions: 'waited' },
};

const samplingCounts: Record<string, number> = {
  'sample 1 image': 1,
  'sample 64 images': 64,
  'sample 1024 images': 1024,
};

export const TRAINING_STEPS: readonly string[] = Object.keys(trainingSpecs);

export const STEPS: readonly string[] = [
  ...TRAINING_STEPS,
  ...Object.keys(submittedSpecs),
  ...Object.keys(samplingCounts),
  ...FLOW_STEPS,
];

let images: ImageDataset | undefined;

function trainingImages(): ImageDataset {
  images ??= digits({ count: 1000, seed: 1 });
  return images;
}

/** How kernels are chosen; undefined: as the environment says. */
type Tune = TrainerOptions['tune'];

/** A trainer for one of {@link TRAINING_STEPS}, on a device of the caller's. */
export function makeTrainer(
  name: string,
  open: () => Promise<Device>,
  seed = 1,
  tune?: Tune,
): Promise<Trainer> {
  return trainerOf(trainingSpecs[name] as TrainingSpec, open, seed, tune);
}

function trainerOf(
  { batch, objective, width }: TrainingSpec,
  open: () => Promise<Device>,
  seed: number,
  tune: Tune,
): Promise<Trainer> {
  const model = vae(objective, width);
  return Trainer.create(
    {
      model,
      data: trainingImages(),
      batch,
      binarize: 'resampled',
      seed,
      ...(tune !== undefined && { tune }),
      optimizer: adam({ lr: 1e-3 }),
      loss: (batch) => {
        const { bound, kl } = model.bound(batch);
        return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
      },
    },
    open,
  );
}

/** What a submission needs from the host: nothing, but that it holds one step. */
const ONE_STEP: StepFeed = { most: 1, write() {} };

const submitters: Record<
  NonNullable<TrainingSpec['submissions']>,
  (plan: Plan, steps: number) => Promise<unknown>
> = {
  many: (plan, steps) => plan.run(steps),
  single: (plan, steps) => plan.run(steps, { feed: ONE_STEP }),
  waited: async (plan, steps) => {
    for (let i = 0; i < steps; i++) await plan.run(1);
  },
};

/** A training step, warm and ready to be sampled; a sample lasts about `sampleMs`. */
export async function prepareTraining(
  name: string,
  spec: TrainingSpec,
  { device, seed, tuner }: Workbench,
  sampleMs = SAMPLE_MS,
): Promise<StepSubject> {
  const before = device.counters.liveBytes;
  const trainer = await trainerOf(spec, () => Promise.resolve(device), seed, tuner);
  const submit = submitters[spec.submissions ?? 'many'];
  const run = (steps: number) => submit(trainer.plan, steps);
  const steps = await stepsPerSample(run, sampleMs);
  const ledger = new Ledger(device);
  const plan = trainer.plan.schedule;
  return {
    name,
    work: workOf(plan),
    variants: variantsOf(plan),
    memory: {
      total: device.counters.liveBytes - before,
      intermediates: plan.memory.peakBytes,
      bound: plan.memory.boundBytes,
      variables: plan.variables.reduce((sum, v) => sum + memoryBytes(v), 0),
    },
    sample: () => ledger.during(steps, () => run(steps)),
    counts: () => ledger.counts(),
    destroy: async () => trainer.runtime.destroy(),
  };
}

/** `count` images drawn from the prior, decoded and read back. */
export async function prepareSampling(
  name: string,
  count: number,
  { device, seed, tuner }: Workbench,
  sampleMs = SAMPLE_MS,
): Promise<StepSubject> {
  const before = device.counters.liveBytes;
  const runtime = new Runtime(device, { seed, tune: tuner });
  const model = vae(ELBO);
  const inference = new Inference(runtime, model);
  const repeat = async (n: number) => {
    for (let i = 0; i < n; i++) await inference.sample(count, 'mean', seed);
  };
  const steps = await stepsPerSample(repeat, sampleMs);
  const ledger = new Ledger(device);
  // The work that is asked for, however the images are cut into batches.
  const x = model.decode(randomNormal([count, model.config.latent])).mean;
  const plan = schedule({ outputs: { x } }, runtime.adapter);
  return {
    name,
    work: workOf(plan),
    variants: variantsOf(plan),
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
export function prepareStep(name: string, workbench: Workbench): Promise<StepSubject> {
  if (FLOW_STEPS.includes(name)) return prepareFlow(name, workbench);
  const count = samplingCounts[name];
  if (count !== undefined) return prepareSampling(name, count, workbench);
  const spec = { ...trainingSpecs, ...submittedSpecs }[name] as TrainingSpec;
  return prepareTraining(name, spec, workbench);
}

/**
 * From nothing to the end of the first training step: the device is opened, the model described,
 * scheduled, compiled and given its memory. Drawing the data set does not count.
 */
export async function coldStart(open: () => Promise<Device>, tune?: Tune): Promise<Timing> {
  trainingImages();
  let opened: Device | undefined;
  const timing = await timed(1, async () => {
    const opening = async () => {
      opened = await open();
      return opened;
    };
    const trainer = await makeTrainer(TRAINING_STEPS[0] as string, opening, 1, tune);
    await trainer.plan.run(1);
  });
  opened?.destroy();
  return timing;
}
