/** Models: every likelihood and size trains, fits the default limits, and answers alike each time. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { digits } from '../../src/data/digits.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input } from '../../src/graph/variable.ts';
import {
  Autoencoder,
  evaluateModel,
  Inference,
  type LikelihoodConfig,
  makeLikelihood,
  type Vae,
  type VaeConfig,
} from '../../src/models/index.ts';
import type { ObjectiveConfig } from '../../src/objectives/index.ts';
import { mean, neg, seed, step } from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { Runtime, schedule } from '../../src/scheduler/index.ts';
import { type Binarization, binarizedRows } from '../../src/training/binarize.ts';
import { describeStep, Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';
import { momentsOf } from '../support/statistics.ts';
import { vaeOf } from '../support/toys.ts';

/** Digits cut to any size; as bytes, or as floats in [0, 1]. */
function images(shape: number[], count: number, as: 'bytes' | 'floats' = 'bytes'): ImageDataset {
  const whole = digits({ count, seed: 2, size: 12 });
  const width = shape.reduce((a, b) => a * b, 1);
  // From the middle, where the ink is.
  const bytes = Uint8Array.from({ length: count * width }, (_, i) => {
    return whole.data[Math.floor(i / width) * 144 + 40 + (i % width)] as number;
  });
  const data = as === 'bytes' ? bytes : Float32Array.from(bytes, (b) => b / 255);
  return { name: 'cut digits', source: whole.source, count, shape, data };
}

type Net = Vae | Autoencoder;

function lossOf(model: Net, x: Tensor) {
  if (model instanceof Autoencoder) return { loss: neg(mean(model.reconstruction(x))) };
  const { bound, kl } = model.bound({ x });
  return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
}

function training(
  model: Net,
  data: ImageDataset,
  binarize: Binarization,
  options: Partial<TrainerOptions> = {},
): TrainerOptions {
  return {
    model,
    data,
    batch: 20,
    loss: ({ x }) => lossOf(model, x),
    optimizer: adam({ lr: 1e-2 }),
    binarize,
    seed: 6,
    ...options,
  };
}

const hidden = (...widths: number[]) => ({ hidden: widths, activation: 'relu' as const });
const iwae = (samples: number): Partial<ObjectiveConfig> => ({ bound: 'iwae', samples });
const elboOf = (
  samples: number,
  kl: 'analytic' | 'sampled',
  beta: number,
): Partial<ObjectiveConfig> => ({
  bound: 'elbo',
  samples,
  kl,
  beta,
});

interface Trial {
  readonly config: Partial<VaeConfig> & { shape: number[] };
  readonly as?: 'bytes' | 'floats';
  readonly binarize: Binarization;
  readonly family?: 'ae';
  /** Nats by which the loss falls at least: half of what was seen. */
  readonly fall: number;
}

const trials: Record<string, Trial> = {
  'Bernoulli, one hidden layer': {
    config: { shape: [8, 8], encoder: hidden(24), decoder: hidden(24) },
    binarize: 'resampled',
    fall: 9.5,
  },
  'Bernoulli, three hidden layers, IWAE-3, odd features': {
    config: {
      shape: [13],
      encoder: { hidden: [17, 11, 9], activation: 'tanh' },
      decoder: { hidden: [9], activation: 'tanh' },
      latent: 3,
      objective: iwae(3),
      init: 'glorot',
    },
    binarize: 'once',
    fall: 2,
  },
  'normal of fixed σ, no hidden layer': {
    config: { shape: [5, 7], likelihood: { kind: 'normal', sigma: 'fixed', std: 0.3 } },
    as: 'floats',
    binarize: 'none',
    fall: 36,
  },
  'normal of shared σ, sampled KL, three draws': {
    config: {
      shape: [7, 5],
      encoder: hidden(10),
      latent: 5,
      likelihood: { kind: 'normal', sigma: 'shared' },
      objective: elboOf(3, 'sampled', 1),
    },
    binarize: 'none',
    fall: 16,
  },
  'normal of σ for each pixel, β 0.5': {
    config: {
      shape: [5, 7],
      decoder: { hidden: [10], activation: 'softplus' },
      likelihood: { kind: 'normal', sigma: 'pixel' },
      objective: elboOf(1, 'analytic', 0.5),
    },
    as: 'floats',
    binarize: 'none',
    fall: 31,
  },
  'categorical of 256 levels': {
    config: {
      shape: [3, 3],
      decoder: hidden(10),
      likelihood: { kind: 'categorical' },
    },
    binarize: 'none',
    fall: 18,
  },
  'autoencoder, Bernoulli': {
    config: { shape: [8, 8], encoder: hidden(16), decoder: hidden(16), latent: 4 },
    binarize: 'static',
    family: 'ae',
    fall: 12.5,
  },
};

function build({ config, family }: Trial): Net {
  const vae = vaeOf(config);
  return family === 'ae' ? new Autoencoder({ ...vae.config, latent: vae.latent }) : vae;
}

const COUNT = 70;

async function answersAlike(t: CaseContext, runtime: Runtime, model: Net, x: Float32Array) {
  const D = model.features;
  const M = model.config.latent as number;
  const inference = new Inference(runtime, model);
  const { mean: codes, logStd } = await inference.encode(x, COUNT);
  t.equal(codes.length, COUNT * M);
  t.equal(logStd?.length, model instanceof Autoencoder ? undefined : COUNT * M);
  const few = await inference.encode(x.slice(3 * D, 8 * D), 5);
  t.equal(few.mean, codes.slice(3 * M, 8 * M), 'rows do not depend on their place');
  const decoded = await inference.decode(codes, COUNT);
  t.equal(decoded.length, COUNT * D);
  t.equal(await inference.reconstruct(x, COUNT), decoded, 'reconstruct is decode after encode');
  const draws = await inference.decode(codes, COUNT, 'draw', 4);
  t.equal(await inference.decode(codes, COUNT, 'draw', 4), draws, 'the same draws');
  if (model instanceof Autoencoder) {
    const drawn = () => inference.sample(COUNT, 'mean', 5);
    await t.throws('bad-input', drawn, /no distribution of codes to draw from/);
    await inference.destroy();
    return { decoded, draws };
  }
  const more = await inference.sample(COUNT, 'mean', 5);
  t.equal(more.length, COUNT * D);
  t.equal(await inference.sample(COUNT, 'mean', 5), more, 'the same samples');
  t.equal(await inference.sample(9, 'mean', 5), more.slice(0, 9 * D), 'fewer are the first ones');
  const other = await inference.sample(COUNT, 'mean', 5 + 2 ** 32);
  t.ok(other[0] !== more[0], 'another seed, in its upper word');
  t.ok(more[0] !== more[64 * D], 'the second batch draws anew');
  await inference.destroy();
  return { decoded, draws };
}

/** Draws look like draws of their likelihood. */
function plausible(
  t: CaseContext,
  kind: LikelihoodConfig,
  means: Float32Array,
  draws: Float32Array,
) {
  if (kind.kind === 'normal') {
    if (kind.sigma !== 'fixed') return;
    const noise = momentsOf(draws.map((x, i) => x - (means[i] as number)));
    t.close(noise.mean, 0, { absolute: 4 * noise.standardError });
    t.close(Math.sqrt(noise.variance), kind.std as number, { relative: 0.06 });
    return;
  }
  const top = kind.kind === 'bernoulli' ? 1 : 255;
  t.ok(
    draws.every((x) => x >= 0 && x <= 1 && Math.abs(x * top - Math.round(x * top)) < 1e-4),
    'a draw is a level',
  );
  t.ok(
    means.every((x) => x >= 0 && x <= 1),
    'a mean lies between',
  );
}

cases('models', (c) => {
  for (const [name, trial] of Object.entries(trials)) {
    c(`${name}: learns, and answers alike each time`, async (t) => {
      const data = images(trial.config.shape, 100, trial.as);
      const model = build(trial);
      const options = training(model, data, trial.binarize);
      const trainer = await Trainer.create(options, () => Promise.resolve(t.device));
      const first = (await trainer.run(10)).metrics.loss as number;
      await trainer.run(130);
      const last = (await trainer.run(10)).metrics.loss as number;
      t.ok(first - last >= trial.fall, `the loss falls from ${first} to ${last}`);
      const x = binarizedRows(data, 0, COUNT, trial.binarize, 1);
      const before = await trainer.state();
      const { decoded, draws } = await answersAlike(t, trainer.runtime, model, x);
      plausible(t, model.config.likelihood, decoded, draws);
      const after = await trainer.state();
      t.equal(after.tensors.get('step'), before.tensors.get('step'), 'training does not notice');
      trainer.runtime.destroy();
    });
  }

  c('decoders’ outputs mean what their likelihood says', (t) => {
    const [B, F] = [3, 4];
    const raw = reals('outputs', B * F * 6, -3, 3);
    const data = Float32Array.from({ length: B * F }, (_, i) => ((i * 7) % 6) / 5);
    const x = input('x', [B, F]);
    const logNormal = (value: number, mean: number, std: number) =>
      -0.5 * ((value - mean) / std) ** 2 - Math.log(std) - 0.5 * Math.log(2 * Math.PI);
    /** The log-density of feature `i` of a row, given that row's outputs. */
    type Term = (value: number, outputs: ArrayLike<number>, i: number) => number;
    const meanings: [LikelihoodConfig, number, Term][] = [
      [
        { kind: 'bernoulli' },
        1,
        (v, o, i) => v * Number(o[i]) - Math.log1p(Math.exp(Number(o[i]))),
      ],
      [{ kind: 'normal', sigma: 'fixed' }, 1, (v, o, i) => logNormal(v, Number(o[i]), 1)],
      [
        { kind: 'normal', sigma: 'fixed', std: 0.2 },
        1,
        (v, o, i) => logNormal(v, Number(o[i]), 0.2),
      ],
      [{ kind: 'normal', sigma: 'shared' }, 1, (v, o, i) => logNormal(v, Number(o[i]), 0.7)],
      [
        { kind: 'normal', sigma: 'pixel' },
        2,
        // All means, then all deviations, bounded below.
        (v, o, i) => logNormal(v, Number(o[i]), Math.log1p(Math.exp(Number(o[F + i]))) + 1e-3),
      ],
      [
        { kind: 'categorical', levels: 6 },
        6,
        (v, o, i) => {
          const scores = Array.from(o).slice(6 * i, 6 * i + 6);
          const normalizer = Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0));
          return Number(scores[Math.round(5 * v)]) - normalizer;
        },
      ],
    ];
    for (const [config, perFeature, term] of meanings) {
      const likelihood = makeLikelihood(config);
      t.equal(likelihood.outputsPerFeature, perFeature);
      const width = F * perFeature;
      const outputs = input('outputs', [B, width]);
      const values = new Map([
        [outputs, raw.slice(0, B * width)],
        [x, data],
      ]);
      for (const p of likelihood.parameters()) values.set(p, Float32Array.of(Math.log(0.7)));
      const { logProb } = referenceOf(
        { logProb: likelihood.distribution(outputs).logProb(x) },
        values,
      );
      const expected = Array.from({ length: B }, (_, b) => {
        const row = raw.slice(b * width, (b + 1) * width);
        return [0, 1, 2, 3].reduce((sum, i) => sum + term(Number(data[b * F + i]), row, i), 0);
      });
      t.close(logProb, expected, { absolute: 1e-5 }, JSON.stringify(config));
    }
  });

  c('every combination fits the default limits', (t) => {
    const likelihoods: LikelihoodConfig[] = [
      { kind: 'bernoulli' },
      { kind: 'normal', sigma: 'fixed' },
      { kind: 'normal', sigma: 'shared' },
      { kind: 'normal', sigma: 'pixel' },
      { kind: 'categorical', levels: 16 },
    ];
    const objectives = [elboOf(1, 'analytic', 1), elboOf(2, 'sampled', 0.5), iwae(1), iwae(5)];
    const data = images([5, 7], 30);
    for (const likelihood of likelihoods) {
      for (const objective of objectives) {
        for (const widths of [[], [20, 14, 9]]) {
          const parts = { encoder: hidden(...widths), decoder: hidden(...widths) };
          const model = vaeOf({ shape: [5, 7], ...parts, likelihood, objective });
          const options = training(model, data, 'resampled', { clipNorm: 1, ema: 0.99 });
          const { kernels } = schedule({ effects: describeStep(options).effects });
          for (const { bindings, label } of kernels) {
            const storage = bindings.filter(({ kind }) => kind !== 'uniform').length;
            t.ok(storage <= 8, `${label} binds ${storage} storage buffers`);
          }
        }
      }
    }
  });

  c('name their tensors as PyTorch would', (t) => {
    const model = vaeOf({
      shape: [28, 28],
      encoder: hidden(300),
      decoder: hidden(300),
      latent: 20,
      likelihood: { kind: 'normal', sigma: 'shared' },
    });
    t.equal(
      model.namedParameters().map(([name, p]) => `${name} [${p.shape}]`),
      [
        'encoder.0.weight [300,784]',
        'encoder.0.bias [300]',
        'encoder.1.weight [40,300]',
        'encoder.1.bias [40]',
        'decoder.0.weight [300,20]',
        'decoder.0.bias [300]',
        'decoder.1.weight [784,300]',
        'decoder.1.bias [784]',
        'likelihood.logStd [1]',
      ],
    );
    t.equal(model.parameterCount(), 1 + 300 * 785 + 40 * 301 + 300 * 21 + 784 * 301);
  });

  c('encode and decode as float64 does', async (t) => {
    const model = vaeOf({ shape: [3, 5], encoder: hidden(6), decoder: hidden(6), latent: 3 });
    const [x, z] = [input('x', [4, 15]), input('z', [4, 3])];
    const values = new Map(model.namedParameters().map(([n, p]) => [p, reals(n, p.size, -1, 1)]));
    const [data, codes] = [reals('x', 60, 0, 1), reals('z', 12)];
    const q = model.posterior({ x });
    const outputs = { mean: q.mean, logStd: q.logStd as Tensor, decoded: model.decode(z).mean };
    const expected = referenceOf(outputs, new Map([...values, [x, data], [z, codes]]));
    await withRuntime(t, async (runtime) => {
      for (const [p, numbers] of values) runtime.write(p, numbers);
      const inference = new Inference(runtime, model);
      const got = await inference.encode(data, 4);
      const close = { absolute: 1e-5 };
      t.close(got.mean, expected.mean, close, 'mean');
      t.close(got.logStd as Float32Array, expected.logStd, close, 'logStd');
      t.close(await inference.decode(codes, 4), expected.decoded, close, 'decoded');
    });
  });

  c('refuse rows that do not fit', async (t) => {
    await withRuntime(t, async (runtime) => {
      const inference = new Inference(runtime, vaeOf({ shape: [4], latent: 2 }));
      await t.throws('shape-mismatch', () => inference.encode([1, 2, 3], 1), /1 × 4/);
      await t.throws('shape-mismatch', () => inference.decode([1, 2, 3], 1), /1 × 2/);
      for (const count of [0, -1, 1.5]) {
        await t.throws('bad-input', () => inference.sample(count), /count/);
        await t.throws('bad-input', () => inference.encode([], count), /count/);
      }
      const wrong = { kind: 'poisson' } as unknown as LikelihoodConfig;
      await t.throws(
        'bad-config',
        () => makeLikelihood(wrong),
        /bernoulli, normal, student-t, categorical or logistic-mixture/,
      );
    });
  });

  c('a categorical decoder of large images is evaluated in small parts', async (t) => {
    const model = vaeOf({ shape: [28, 28], latent: 1, likelihood: { kind: 'categorical' } });
    await withRuntime(t, async (runtime) => {
      // All levels are equally likely, whatever the code is.
      for (const p of model.parameters()) runtime.write(p, new Float32Array(p.size));
      const rows = (start: number, end: number) => new Float32Array(784 * (end - start)).fill(0.2);
      const few = { count: 3 };
      const found = await evaluateModel(runtime, model, few, rows, { samples: 100 });
      const nats = 784 * Math.log(256);
      t.close(found.loss, nats, { relative: 1e-5 });
      t.close(found.nll?.value as number, nats, { relative: 1e-5 });
      const inference = new Inference(runtime, model);
      const grey = await inference.sample(1);
      t.close(grey, new Float32Array(784).fill(0.5), { absolute: 1e-5 });
    });
  });

  c('models opened and closed leave no buffer', async (t) => {
    const { counters } = t.device;
    const open = async (before?: number) => {
      const runtime = new Runtime(t.device, { seed: 1 });
      const model = vaeOf({ shape: [9], latent: 2 });
      const inference = new Inference(runtime, model);
      await inference.sample(3);
      await inference.encode(new Float32Array(9), 1);
      const rows = (start: number, end: number) => new Float32Array(9 * (end - start)).fill(1);
      await evaluateModel(runtime, model, { count: 2 }, rows, { samples: 2 });
      // What an evaluation or an inference made is gone before the runtime is.
      await inference.destroy();
      const held = model.parameters().length + [seed, step, 'where they are kept'].length;
      if (before !== undefined) t.equal(counters.liveBuffers, before + held, 'what is left');
      runtime.destroy();
    };
    await open();
    const before = counters.liveBuffers;
    const bytes = counters.liveBytes;
    const { pipelinesCreated } = counters;
    for (let i = 0; i < 8; i++) await open(before);
    t.equal([counters.liveBuffers, counters.liveBytes], [before, bytes]);
    t.equal(counters.pipelinesCreated, pipelinesCreated, 'pipelines are made once');
  });
});
