/** A small run that shows every bit, for tests of what may disturb it. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { variable } from '../../src/graph/variable.ts';
import { Module, uniform } from '../../src/nn/index.ts';
import {
  add,
  mean,
  mul,
  randomNormal,
  square,
  step,
  sub,
  sum,
  toFloat,
} from '../../src/ops/index.ts';
import { adam, cosine } from '../../src/optim/index.ts';
import { Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import type { CaseContext } from '../rig/cases.ts';
import { reals } from './engine.ts';

export const FEATURES = 5;
export const ROWS = 26;
export const BATCH = 4;

export const data: ImageDataset = {
  name: 'made up',
  source: 'made up',
  count: ROWS,
  shape: [FEATURES],
  data: reals('rows', ROWS * FEATURES, 0, 1),
};

/** A model without products, whose kernels compile fast: where noisy data lie. */
export class Centre extends Module {
  centre = variable('centre', [FEATURES], { role: 'parameter', init: uniform(1) });
  gain = variable('gain', [1], { role: 'parameter', init: () => [1] });
}

export function centring(options: Partial<TrainerOptions> = {}): TrainerOptions {
  const model = new Centre();
  return {
    model,
    data,
    batch: BATCH,
    loss: ({ x }) => {
      const noisy = add(mul(model.gain, x), mul(0.1, randomNormal(x.shape)));
      const loss = mean(sum(square(sub(noisy, model.centre)), -1));
      return { loss, metrics: { at: toFloat(step) } };
    },
    optimizer: adam({ lr: cosine(0.05, 100) }),
    binarize: 'resampled',
    ema: 0.9,
    seed: 3,
    ...options,
  };
}

/** Trainers on the case's own device share it: its pipelines are compiled once. */
export const sharing = (t: CaseContext) => () => Promise.resolve(t.device);

/** A trainer on the shared device, whose memory is freed afterwards; the device stays. */
export async function withTrainer<T>(
  t: CaseContext,
  options: TrainerOptions,
  body: (trainer: Trainer) => Promise<T>,
  from?: TrainerState,
): Promise<T> {
  const trainer = await Trainer.create(options, sharing(t), from);
  try {
    return await body(trainer);
  } finally {
    trainer.runtime.destroy();
  }
}

/** The state after `steps` steps that nothing disturbs. */
export function undisturbed(
  t: CaseContext,
  steps: number,
  options = centring(),
): Promise<TrainerState> {
  return withTrainer(t, options, async (trainer) => {
    await trainer.run(steps);
    return await trainer.state();
  });
}

export function sameBits(
  t: CaseContext,
  got: TrainerState,
  expected: TrainerState,
  what: string,
): void {
  t.equal(got.step, expected.step, `${what}: step`);
  t.equal([...got.tensors.keys()], [...expected.tensors.keys()], what);
  for (const [name, values] of expected.tensors) {
    t.equal(got.tensors.get(name), values, `${what}: ${name}`);
  }
}
