// Whole steps as users run them: training, and sampling with the images read back.
import type { ImageDataset } from '../data/dataset.ts';
import { digits } from '../data/digits.ts';
import type { Device } from '../device/index.ts';
import type { Timing } from '../device/stopwatch.ts';
import { Inference, Vae } from '../models/index.ts';
import { randomNormal } from '../ops/index.ts';
import { adam } from '../optim/index.ts';
import { memoryBytes } from '../scheduler/fuse/traffic.ts';
import { type Plan, Runtime, type StepFeed, schedule } from '../scheduler/index.ts';
import { Trainer, type TrainerOptions } from '../training/index.ts';
import { CHAIN_STEPS, prepareChains } from './chain-steps.ts';
import { FLOW_STEPS, prepareFlow } from './flow-steps.ts';
import { timed } from './host.ts';
import { MIXTURE_STEPS, prepareMixture } from './mixture-steps.ts';
import { ELBO, objectiveSpecs, PLAIN, plainSpecs, type TrainingSpec } from './objective-steps.ts';
import { prepareRecurrent, RECURRENT_STEPS } from './recurrent-steps.ts';
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

const ROWS = 1000;

/** The lectures' network, 784-300-20, unless something else is asked for. */
function vae(spec: Omit<TrainingSpec, 'batch'>): Vae {
  const { objective, width = 300, latent = 20, code, posterior, prior, rows = ROWS } = spec;
  const net = { hidden: [width], activation: 'relu' as const };
  return new Vae({
    shape: [28, 28],
    encoder: net,
    latent,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
    objective,
    init: 'torch',
    ...(code && { code }),
    ...(posterior && { posterior: { ...posterior, rows } }),
    ...(prior && { prior }),
  });
}

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

/** Those that are known everywhere. */
export const TRAINING_STEPS: readonly string[] = [PLAIN.vae, PLAIN.iwae5, PLAIN.iwae50];

const trainingSpecs: Readonly<Record<string, TrainingSpec>> = { ...plainSpecs, ...objectiveSpecs };

export const STEPS: readonly string[] = [
  ...Object.keys(trainingSpecs),
  ...Object.keys(submittedSpecs),
  ...Object.keys(samplingCounts),
  ...FLOW_STEPS,
  ...CHAIN_STEPS,
  ...MIXTURE_STEPS,
  ...RECURRENT_STEPS,
];

let images: ImageDataset | undefined;

/** More rows than are drawn are those again and again. */
function trainingImages(count = ROWS): ImageDataset {
  images ??= digits({ count: ROWS, seed: 1 });
  if (count === ROWS) return images;
  const { shape, data: drawn, name, source } = images;
  const data = new Uint8Array(count * (drawn.length / ROWS));
  for (let at = 0; at < data.length; at += drawn.length) {
    data.set(drawn.subarray(0, data.length - at), at);
  }
  return { name, source, shape, count, data };
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
  spec: TrainingSpec,
  open: () => Promise<Device>,
  seed: number,
  tune: Tune,
): Promise<Trainer> {
  const model = vae(spec);
  const { learner } = model;
  return Trainer.create(
    {
      model,
      data: trainingImages(spec.rows),
      batch: spec.batch,
      binarize: 'resampled',
      seed,
      ...(tune !== undefined && { tune }),
      optimizer: adam({ lr: 1e-3 }),
      loss: (batch) => learner.loss(batch),
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
  const model = vae({ objective: ELBO });
  const inference = new Inference(runtime, model);
  const repeat = async (n: number) => {
    for (let i = 0; i < n; i++) await inference.sample(count, 'mean', seed);
  };
  const steps = await stepsPerSample(repeat, sampleMs);
  const ledger = new Ledger(device);
  // The work that is asked for, however the images are cut into batches.
  const x = model.decode(randomNormal([count, model.latent])).mean;
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
  if (CHAIN_STEPS.includes(name)) return prepareChains(name, workbench);
  if (MIXTURE_STEPS.includes(name)) return prepareMixture(name, workbench);
  if (RECURRENT_STEPS.includes(name)) return prepareRecurrent(name, workbench);
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
