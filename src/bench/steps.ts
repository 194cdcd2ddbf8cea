// Whole steps as users run them: training, and sampling with the images read back.
import type { ImageDataset } from '../data/dataset.ts';
import { digits } from '../data/digits.ts';
import type { Device } from '../device/index.ts';
import { Inference, type ObjectiveConfig, Vae } from '../models/index.ts';
import { mean, neg, randomNormal } from '../ops/index.ts';
import { adam } from '../optim/index.ts';
import { memoryBytes } from '../scheduler/bindings.ts';
import { Runtime, type Schedule, schedule } from '../scheduler/index.ts';
import { Trainer } from '../training/index.ts';
import { timed } from './host.ts';
import type { Work } from './roofline.ts';
import type { Subject } from './rounds.ts';
import { median } from './statistics.ts';
import type { Timing } from './stopwatch.ts';

/** What one step costs besides time; fractions where several steps share a cost. */
export interface StepCounts {
  readonly dispatches: number;
  readonly submissions: number;
  readonly buffersCreated: number;
  readonly bindGroupsCreated: number;
  /** Times the host wrote into a buffer. */
  readonly hostWrites: number;
}

/** Bytes on the GPU. */
export interface StepMemory {
  /** Everything that was allocated for the step, readback included. */
  readonly total: number;
  /** All slots of intermediates, and the least that any placement could do with. */
  readonly intermediates?: number;
  readonly bound?: number;
  /** Parameters, optimizer state, data set. */
  readonly variables?: number;
}

export interface StepSubject extends Subject {
  readonly name: string;
  /** Of each dispatch. */
  readonly work: readonly Work[];
  readonly memory: StepMemory;
  /** Over all samples taken so far. */
  counts(): StepCounts;
  destroy(): Promise<void>;
}

/** Steps a sample, so that a sample lasts about this long. */
const SAMPLE_MS = 120;

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

export const STEPS: readonly string[] = [...TRAINING_STEPS, ...Object.keys(samplingCounts)];

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

/** What each kernel of a schedule does in one step. */
export function workOf({ kernels }: Schedule): Work[] {
  return kernels.map(({ nodes, flops, bytes }) => {
    const drawn = (name: string) =>
      nodes.reduce(
        (total, { op, size }) => total + (op.kind === 'noise' && op.name === name ? size : 0),
        0,
      );
    return {
      flops,
      bytes,
      normals: drawn('normal'),
      uniforms: drawn('uniform'),
      dispatches: 1,
    };
  });
}

/** Counts what happens on a device while steps run on it. */
class Ledger {
  private readonly device: Device;
  private steps = 0;
  private totals = {
    dispatches: 0,
    submissions: 0,
    buffersCreated: 0,
    bindGroupsCreated: 0,
    hostWrites: 0,
  };

  constructor(device: Device) {
    this.device = device;
  }

  async during(steps: number, f: () => Promise<unknown>): Promise<Timing> {
    const before = this.look();
    const timing = await timed(steps, f);
    const after = this.look();
    this.steps += steps;
    for (const key of Object.keys(this.totals) as (keyof StepCounts)[]) {
      this.totals[key] += after[key] - before[key];
    }
    return timing;
  }

  private look(): StepCounts {
    const { dispatches, submissions, buffersCreated, bindGroupsCreated, hostWrites } =
      this.device.counters;
    return { dispatches, submissions, buffersCreated, bindGroupsCreated, hostWrites };
  }

  counts(): StepCounts {
    const per = (key: keyof StepCounts) => this.totals[key] / Math.max(1, this.steps);
    return {
      dispatches: per('dispatches'),
      submissions: per('submissions'),
      buffersCreated: per('buffersCreated'),
      bindGroupsCreated: per('bindGroupsCreated'),
      hostWrites: per('hostWrites'),
    };
  }
}

/** Warms up, and finds how many steps make a sample. */
async function stepsPerSample(run: (steps: number) => Promise<unknown>): Promise<number> {
  await run(1);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) times.push((await timed(1, () => run(1))).ms);
  const steps = Math.max(1, Math.min(1000, Math.round(SAMPLE_MS / median(times))));
  // The plan finds out how many steps a submission may hold.
  await run(steps);
  await run(steps);
  return steps;
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
