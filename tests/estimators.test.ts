/** What takes too long for every host: each objective against float64, and how signals drown as K grows. */
import { expect, test } from 'vitest';
import type { Tensor } from '../src/graph/tensor.ts';
import { topological } from '../src/graph/traverse.ts';
import { isVariable } from '../src/graph/variable.ts';
import * as objectives from '../src/objectives/index.ts';
import { addUint, assign, gradient, seed, step } from '../src/ops/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { assertNear } from '../src/testing/tolerance.ts';
import { device } from './support/device.ts';
import { exactPosterior, LoneModel } from './support/lone-model.ts';
import { built, type Kind } from './support/objective-model.ts';
import { referenceOf } from './support/run.ts';
import { momentsOf } from './support/statistics.ts';

/** A posterior near the exact one, as training leaves it (Rainforth et al. 2018). */
const right = { x: 1.2, weight: 0.8, bias: 0.1 };
const { mean, logStd } = exactPosterior({ ...right, mean: 0, logStd: 0 });
const near = { ...right, mean: mean + 0.3, logStd: logStd + 0.3 };

type Estimator = (model: LoneModel, samples: number) => objectives.Estimate;
const batch = (model: LoneModel) => ({ x: model.x });
const plain: Estimator = (model, samples) =>
  objectives.importanceBound(model, batch(model), samples);
const stl: Estimator = (model, samples) =>
  objectives.stl(model, batch(model), { bound: 'iwae', samples });
const dreg: Estimator = (model, samples) => objectives.dreg(model, batch(model), { samples });

const NUMBERS = 2 ** 21;

/** |mean| / deviation of the gradients of the posterior's mean and the decoder's bias. */
async function signals(estimator: Estimator, samples: number, draws: number) {
  const rows = NUMBERS / samples;
  const model = new LoneModel(rows, near.weight);
  const gradients = model.gradients(estimator(model, samples).surrogate);
  const runtime = new Runtime(device, { seed: 1 });
  const plan = await runtime.compile({
    outputs: { mean: gradients.mean, bias: gradients.bias },
    effects: [assign(step, addUint(step, 1))],
  });
  for (const [held, values] of model.values(near)) runtime.write(held, values);
  const all = { mean: new Float64Array(draws), bias: new Float64Array(draws) };
  for (let done = 0; done < draws; done += rows) {
    await plan.run();
    for (const of of ['mean', 'bias'] as const) {
      const got = await plan.read(of);
      all[of].set(got.subarray(0, Math.min(rows, draws - done)), done);
    }
  }
  runtime.destroy();
  const ratio = (values: Float64Array) => {
    const { mean, variance } = momentsOf(values);
    return Math.abs(mean) / Math.sqrt(variance);
  };
  return { mean: ratio(all.mean), bias: ratio(all.bias) };
}

/** Least squares on a log-log scale. */
function slopeOf(xs: readonly number[], ys: readonly number[]): number {
  const [x, y] = [xs.map(Math.log), ys.map(Math.log)];
  const average = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const [mx, my] = [average(x), average(y)];
  const cross = x.reduce((sum, v, i) => sum + (v - mx) * ((y[i] as number) - my), 0);
  return cross / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

const KS = [8, 32, 128];

test('signal to noise of IWAE gradients over K: encoder -½, decoder +½; STL and DReG +½', async () => {
  const over = async (estimator: Estimator, draws: number) => {
    const found: { mean: number; bias: number }[] = [];
    for (const samples of KS) found.push(await signals(estimator, samples, draws));
    const slope = (of: 'mean' | 'bias') =>
      slopeOf(
        KS,
        found.map((each) => each[of]),
      );
    return { encoder: slope('mean'), decoder: slope('bias') };
  };
  // A signal of 0.015 at K = 128 is known to an eighth by so many draws, and the slope to 0.04.
  const iwae = await over(plain, 300_000);
  const cured = { stl: await over(stl, 2 ** 14), dreg: await over(dreg, 2 ** 14) };
  console.log(`slopes: ${JSON.stringify({ iwae, ...cured })}`);
  const off = (slope: number, wanted: number) => Math.abs(slope - wanted);
  expect(off(iwae.encoder, -0.5)).toBeLessThan(0.08);
  for (const slope of [iwae.decoder, cured.stl.encoder, cured.dreg.encoder]) {
    expect(off(slope, 0.5)).toBeLessThan(0.08);
  }
}, 180_000);

const settings: [Kind, Record<string, unknown>][] = [
  ['normal', {}],
  ['normal', { beta: 0.3, samples: 3, kl: 'sampled' }],
  ['normal', { bound: 'iwae', samples: 3 }],
  ['normal', { estimator: 'stl' }],
  ['normal', { estimator: 'stl', bound: 'iwae', samples: 3 }],
  ['normal', { estimator: 'dreg', bound: 'iwae', samples: 3 }],
  ['normal', { estimator: 'score', baseline: 'network' }],
  ['normal', { freeBits: 0.3 }],
  ['normal', { freeBits: 5, freeBitsBy: 'all' }],
  ['normal', { anneal: 'linear', annealEpochs: 4 }],
  ['normal', { anneal: 'cyclical', annealEpochs: 1.25 }],
  ['normal', { constraint: 'kl', target: 2 }],
  ['normal', { constraint: 'reconstruction', target: 3 }],
  ['full', {}],
  ['full', { estimator: 'stl', samples: 3 }],
  ['full', { estimator: 'dreg', bound: 'iwae', samples: 3 }],
  ['bits', {}],
  ['bits', { estimator: 'straight-through', temperature: 0.7 }],
  ['bits', { estimator: 'score', baseline: 'mean' }],
  ['bits', { estimator: 'enumerated', freeBits: 0.1, freeBitsBy: 'group' }],
  ['classes', { temperature: 2, temperatureFloor: 0.5, temperatureEpochs: 3 }],
  ['classes', { estimator: 'straight-through', samples: 2 }],
  ['classes', { estimator: 'score', samples: 3, baseline: 'leave-one-out' }],
  ['classes', { estimator: 'score', kl: 'sampled', baseline: 'none' }],
  ['classes', { estimator: 'score', bound: 'iwae', samples: 3, baseline: 'leave-one-out' }],
  ['classes', { estimator: 'enumerated' }],
  ['classes', { freeBits: 0.2 }],
];

test.each(settings)(
  '%s %j: values, gradients and effects are those of float64',
  async (kind, given) => {
    const { model, terms, values } = built(kind, given);
    const named = model.namedParameters();
    const gradients = gradient(
      terms.loss,
      named.map(([, p]) => p),
    );
    const outputs: Record<string, Tensor> = { loss: terms.loss, value: terms.value };
    for (const [i, [path]] of named.entries()) outputs[path] = gradients[i] as Tensor;
    for (const [name, metric] of Object.entries(terms.metrics ?? {})) {
      outputs[`metric ${name}`] = metric;
    }
    for (const [i, effect] of (terms.effects ?? []).entries()) {
      outputs[`effect ${i}`] = effect.inputs[0] as Tensor;
    }
    for (const node of topological(Object.values(outputs))) {
      // Places of a triangle, which nobody is given.
      if (!isVariable(node) || node.dtype !== 'u32' || node === seed || node === step) continue;
      values.set(node, node.init?.(node.shape, Math.random) ?? []);
    }
    const expected = referenceOf(outputs, values);
    const runtime = new Runtime(device);
    try {
      const plan = await runtime.compile({ outputs });
      for (const [variable, numbers] of values) runtime.write(variable, numbers);
      await plan.run();
      for (const [name, want] of Object.entries(expected)) {
        const most = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
        // float32 of some hundred terms, each of this size.
        assertNear(await plan.read(name), want, { absolute: 3e-5 * most }, name);
      }
    } finally {
      runtime.destroy();
    }
    const learns = named.some(
      ([path]) => path.startsWith('encoder') && expected[path]?.some((g) => g !== 0),
    );
    expect(learns, 'the encoder learns').toBe(true);
  },
);
