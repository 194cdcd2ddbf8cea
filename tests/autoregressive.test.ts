/** Autoregressive models: causality by perturbation, and draws whose log-density is that of teacher forcing. */
import { expect, test } from 'vitest';
import { variable } from '../src/graph/variable.ts';
import { AncestralInference, buildModel, logDensities, type Model } from '../src/models/index.ts';
import { settledConfig } from '../src/models/model-json.ts';
import { MadeSets, type MadeSetsOptions, type Module } from '../src/nn/index.ts';
import { full } from '../src/ops/index.ts';
import { Random } from '../src/random.ts';
import type { Runtime } from '../src/scheduler/index.ts';
import { device } from './support/device.ts';
import { drawnParameters } from './support/engine.ts';
import { fitted } from './support/fitted.ts';

const drawn = <T>(module: Module, work: (runtime: Runtime) => Promise<T>): Promise<T> =>
  drawnParameters(device, module, work);

const modelOf = (family: string, shape: number[], keys: object, seed = 3): Model =>
  buildModel(settledConfig({ family, data: { shape }, ...keys }), seed);

const NETS: Record<string, MadeSetsOptions> = {
  'as they stand': { features: 5, hidden: [16], outputs: 2 },
  'three sets, any order': {
    features: 5,
    hidden: [33, 33],
    outputs: 1,
    sets: 3,
    ordering: 'random',
  },
  'three numbers a feature': { features: 4, inputs: 3, hidden: [24], outputs: 3, sets: 2 },
  'two lags': { features: 6, hidden: [15, 10], outputs: 2, lags: 2 },
  'one feature': { features: 1, hidden: [3], outputs: 2 },
};

test.each(Object.keys(NETS))(
  '%s: an output moves with the inputs it may see, and no other',
  async (name) => {
    const options = NETS[name] as MadeSetsOptions;
    const { features, inputs = 1, outputs, sets = 1, lags = features } = options;
    const net = new MadeSets({ ...options, activation: 'tanh', seed: 4 });
    const [rows, width] = [1 + features * inputs, features * inputs];
    // Row 0 as it is; row 1 + j with input j moved.
    const x = variable('x', [rows, width]);
    const random = new Random(9, 0, 0);
    const base = Array.from({ length: width }, () => random.uniform());
    const moved = Float32Array.from({ length: rows * width }, (_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      return (base[column] as number) + (row === column + 1 ? 1.5 : 0);
    });
    await drawn(net, async (runtime) => {
      runtime.write(x, moved);
      for (let s = 0; s < sets; s++) {
        const view = net.under(full([1], s, 'u32'));
        const plan = await runtime.compile({
          outputs: { y: view.call(x), ranks: view.turns().ranks },
        });
        await plan.run();
        const [y, ranks] = [await plan.read('y'), await plan.read('ranks')];
        expect([...ranks].sort()).toEqual(base.slice(0, features).map((_, i) => i));
        for (let j = 0; j < width; j++) {
          for (let k = 0; k < outputs * features; k++) {
            const lag = (ranks[k % features] as number) - (ranks[Math.floor(j / inputs)] as number);
            const sees = y[(1 + j) * outputs * features + k] !== y[k];
            // Drawn ranks of hidden units may leave a path out, and never add one.
            const may = lag >= 1 && lag <= lags;
            expect(sees, `set ${s}: output ${k}, input ${j}`).toBe(sets > 1 ? sees && may : may);
          }
        }
        plan.destroy();
      }
    });
  },
);

const MODELS: Record<string, [string, object]> = {
  'made, 0 and 1': ['made', { net: { hidden: [20, 20] }, ordering: 'random' }],
  'made, classes': [
    'made',
    { net: { hidden: [30] }, likelihood: { kind: 'categorical', levels: 4 } },
  ],
  'ar, linear of order 2': ['ar', { order: 2 }],
  'ar, linear': ['ar', {}],
  'ar, a net': ['ar', { net: { kind: 'mlp', hidden: [16] } }],
  'ar, recurrent units in two layers': [
    'ar',
    { net: { kind: 'recurrent', cell: 'lstm', hidden: [8, 4] } },
  ],
  'ar, a net of order 3': ['ar', { order: 3, net: { kind: 'mlp', hidden: [16] } }],
};

test.each(Object.keys(MODELS))(
  '%s: draws tell the log-density that teacher forcing gives',
  async (name) => {
    const [family, keys] = MODELS[name] as [string, object];
    const model = modelOf(family, [7], keys);
    await drawn(model, async (runtime) => {
      const asked = new AncestralInference(runtime, model);
      const { x, logProb } = await asked.drawn(11, 2);
      const forced = await logDensities(runtime, model, (a, b) => x.subarray(7 * a, 7 * b), 11);
      // A sum of seven terms, each rounded to 2⁻²⁴ of numbers that grow to tens.
      logProb.forEach((value, i) => {
        expect(Math.abs(value - (forced[i] as number))).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(value)),
        );
      });
      // Rows follow from the seed and their place alone.
      expect((await asked.sample(3, 'draw', 2)).every((value, i) => value === x[i])).toBe(true);
      expect((await asked.sample(11, 'draw', 3)).some((value, i) => value !== x[i])).toBe(true);
      await asked.destroy();
    });
  },
);

test('a mixture of sets of masks is a density, and draws are by it', async () => {
  const model = modelOf('made', [4], { net: { hidden: [12] }, masks: 3, ordering: 'random' });
  const all = Float32Array.from(
    { length: 16 * 4 },
    (_, at) => (Math.floor(at / 4) >> (at % 4)) & 1,
  );
  await drawn(model, async (runtime) => {
    const logs = await logDensities(runtime, model, (a, b) => all.subarray(4 * a, 4 * b), 16);
    const p = Array.from(logs, Math.exp);
    expect(Math.abs(p.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-5);
    const asked = new AncestralInference(runtime, model);
    const count = 640;
    const x = await asked.sample(count, 'draw', 1);
    const seen = new Array<number>(16).fill(0);
    for (let row = 0; row < count; row++) {
      const state = [0, 1, 2, 3].reduce((sum, i) => sum + ((x[4 * row + i] as number) << i), 0);
      seen[state] = (seen[state] as number) + 1;
    }
    const chi = seen.reduce(
      (sum, n, i) => sum + (n - count * (p[i] as number)) ** 2 / (count * (p[i] as number)),
      0,
    );
    // 15 degrees of freedom: above 44 once in 10 000 times.
    expect(chi).toBeLessThan(44);
    await asked.destroy();
  });
});

test('linear, of all features before: the Gaussian of the data, to 1e-3', async () => {
  const { evaluation, data, runtime } = await fitted(device, 'ar', 'iris', []);
  runtime.destroy();
  const [n, d] = [data.count, 4];
  const at = (i: number, j: number) => data.data[i * d + j] as number;
  const rows = Array.from({ length: n }, (_, i) => i);
  const mean = [0, 1, 2, 3].map((j) => rows.reduce((sum, i) => sum + at(i, j), 0) / n);
  const covariance = [0, 1, 2, 3].map((j) =>
    [0, 1, 2, 3].map(
      (k) =>
        rows.reduce(
          (sum, i) => sum + (at(i, j) - (mean[j] as number)) * (at(i, k) - (mean[k] as number)),
          0,
        ) / n,
    ),
  );
  // log |C| by elimination; the mean of the squared distance to the mean is D.
  let logDet = 0;
  for (let k = 0; k < d; k++) {
    const pivot = covariance[k]?.[k] as number;
    logDet += Math.log(pivot);
    for (let i = k + 1; i < d; i++) {
      const factor = (covariance[i]?.[k] as number) / pivot;
      for (let j = k; j < d; j++)
        (covariance[i] as number[])[j] =
          (covariance[i]?.[j] as number) - factor * (covariance[k]?.[j] as number);
    }
  }
  const known = 0.5 * (d * Math.log(2 * Math.PI) + logDet + d);
  expect(Math.abs(evaluation.loss - known)).toBeLessThan(1e-3);
});

test('order 1 by gradient comes near least squares', async () => {
  const exact = await fitted(device, 'ar', 'iris', ['order=1']);
  const sets = ['order=1', 'net.fit=gradient', 'epochs=300', 'batch=150', 'optimizer.lr=0.02'];
  const climbed = await fitted(device, 'ar', 'iris', sets);
  for (const { runtime } of [exact, climbed]) runtime.destroy();
  expect(climbed.evaluation.loss).toBeGreaterThan(exact.evaluation.loss - 1e-4);
  expect(climbed.evaluation.loss).toBeLessThan(exact.evaluation.loss + 0.05);
});
