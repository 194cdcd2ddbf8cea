/**
 * Variational deep embedding, and densities fitted to codes afterwards: bounds against float64, phases
 * that go on to the same bits, clusters that are found and drawn from.
 */
import { determinant, inverse, Matrix } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { Normal } from '../src/distributions/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable, variable } from '../src/graph/variable.ts';
import { semiTiedAxes, softmax } from '../src/models/families/vade/axes.ts';
import { divergences } from '../src/models/families/vade/bound.ts';
import { LinkedRows } from '../src/models/families/vade/linked.ts';
import { Revival } from '../src/models/families/vade/revival.ts';
import {
  evaluateModel,
  type Fitting,
  type GradientLearner,
  groupsOf,
  openInference,
} from '../src/models/index.ts';
import { evaluate } from '../src/ops/index.ts';
import { Random } from '../src/random.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { fitCodes, standardNormalDensities } from '../src/training/code-density.ts';
import { type EpochReport, fit } from '../src/training/index.ts';
import { device } from './support/device.ts';
import { fitted, trainerOn } from './support/fitted.ts';

/** Three clusters of 6 numbers about 0.2, 0.5 and 0.8 of a diagonal's corners, 60 rows each. */
const CENTRES = [
  [0.1, 0.1, 0.1, 0.9, 0.9, 0.9],
  [0.9, 0.9, 0.1, 0.1, 0.9, 0.1],
  [0.1, 0.9, 0.9, 0.9, 0.1, 0.1],
] as const;
const ROWS = 180;

function clusters(): ImageDataset<Float32Array> {
  const random = new Random(5, 900, 0);
  const data = new Float32Array(ROWS * 6);
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / 6);
    const centre = (CENTRES[row % 3] as readonly number[])[i % 6] as number;
    data[i] = centre + 0.1 * (random.uniform() - 0.5);
  }
  return { name: 'clusters', source: 'clusters', count: ROWS, shape: [6], data };
}

const LOG_2_PI = Math.log(2 * Math.PI);

test('both divergences are those of equation 16, in float64', () => {
  const [m, s] = [
    [0.3, -1.2],
    [-0.4, 0.7],
  ] as const;
  const z = [0.9, 0.4];
  const logits = [0.2, -1, 2];
  const mu = [0, 1, -2, 0.5, 1.5, -0.7];
  const logStd = [0.1, -0.5, 0.9, 0, -1.1, 0.3];
  const at = (list: readonly number[], i: number) => list[i] as number;
  const joint = logits.map((_, c) =>
    [0, 1].reduce(
      (sum, j) => {
        const sigma = Math.exp(at(logStd, 2 * c + j));
        const u = (at(z, j) - at(mu, 2 * c + j)) / sigma;
        return sum - 0.5 * u * u - Math.log(sigma) - 0.5 * LOG_2_PI;
      },
      at(logits, c),
    ),
  );
  const total = joint.reduce((sum, l) => sum + Math.exp(l), 0);
  const gamma = joint.map((l) => Math.exp(l) / total);
  const norm = Math.log(logits.reduce((sum, l) => sum + Math.exp(l), 0));
  // -E_q log p(z | c) - H(q), and Σ γ log γ/π.
  const entropy = [0, 1].reduce((sum, j) => sum + at(s, j) + 0.5 * (1 + LOG_2_PI), 0);
  let codes = -entropy;
  let ofClusters = 0;
  gamma.forEach((g, c) => {
    for (const j of [0, 1]) {
      const variance = Math.exp(2 * at(logStd, 2 * c + j));
      const spread = Math.exp(2 * at(s, j)) + (at(m, j) - at(mu, 2 * c + j)) ** 2;
      codes += 0.5 * g * (LOG_2_PI + Math.log(variance) + spread / variance);
    }
    ofClusters += g * (Math.log(g) - (at(logits, c) - norm));
  });
  const held = (name: string, shape: number[], values: readonly number[]) =>
    [variable(name, shape), values] as const;
  const all = [
    held('logits', [3], logits),
    held('mean', [3, 2], mu),
    held('logStd', [3, 2], logStd),
    held('m', [1, 2], m),
    held('s', [1, 2], s),
    held('z', [1, 2], z),
  ] as const;
  const [vLogits, vMean, vLogStd, vM, vS, vZ] = all.map(([v]) => v) as [
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  const mixture = { logits: vLogits, mean: vMean, logStd: vLogStd };
  const found = divergences(new Normal(vM, vS), vZ, mixture);
  const [a, b, g] = evaluate(
    [found.codes, found.clusters, found.belongs],
    new Map<Tensor, readonly number[]>(all),
  );
  // The oracle is float64: what differs is the order of sums.
  expect(a?.data[0]).toBeCloseTo(codes, 10);
  expect(b?.data[0]).toBeCloseTo(ofClusters, 10);
  gamma.forEach((each, c) => {
    expect(g?.data[c]).toBeCloseTo(each, 10);
  });
});

test('a row of a known cluster is held to it, in float64, and no other', () => {
  const linked = new LinkedRows(4, 3);
  const logBelongs = variable('logBelongs', [3, 3]);
  const rows = variable('rows', [3], { dtype: 'u32' });
  const logs = [-0.1, -2.5, -4, -1, -0.7, -2, -3, -0.2, -1.9];
  const [told] = evaluate(
    [linked.logTold(logBelongs, rows)],
    new Map<Tensor, readonly number[]>([
      [linked.clusters, [1, 3, 2, 0]],
      [logBelongs, logs],
      [rows, [2, 1, 3]],
    ]),
  );
  expect([...(told?.data ?? [])]).toEqual([-4, 0, -3]);
});

const SETS = [
  'components=3',
  'latent=2',
  'encoder.hidden=16',
  'decoder.hidden=16',
  'likelihood.kind=normal',
  'batch=45',
  'optimizer.lr=5e-3',
];

test('stopped in pretraining, at its end or after it, a run goes on to the same bits', async () => {
  const data = clusters();
  const sets = [...SETS, 'pretrain.epochs=2', 'epochs=4'];
  const whole = await trainerOn(device, 'vade', data, sets);
  expect(whole.trainer.pretrainingSteps).toBe(8);
  const states = [];
  // The mixture is fitted at the end of step 8, and tended at the end of step 12.
  for (const steps of [5, 3, 3, 5]) {
    await whole.trainer.run(steps);
    states.push(await whole.trainer.state());
  }
  whole.trainer.runtime.destroy();
  const wanted = states.pop();
  for (const from of states) {
    const rest = await trainerOn(device, 'vade', data, sets, from);
    await rest.trainer.run(16 - from.step);
    const found = await rest.trainer.state();
    rest.trainer.runtime.destroy();
    expect(found.tensors).toEqual(wanted?.tensors);
  }
}, 120_000);

test('clusters that the start has found are kept, which the bound alone gives up', async () => {
  // Two clusters of rows that differ in one number of six: the others say more of the bound.
  const random = new Random(6, 900, 0);
  const data = Float32Array.from({ length: 6 * ROWS }, (_, i) => {
    const side = Math.floor(i / 6) % 2;
    return i % 6 === 0 ? 6 * side + 0.1 * random.uniform() : 4 * random.uniform();
  });
  const rows: ImageDataset<Float32Array> = {
    ...{ name: 'sides', source: 'sides', count: ROWS, shape: [6], data },
  };
  const kept = async (hold: number) => {
    const sets = [...SETS, 'components=2', 'pretrain.epochs=2', 'epochs=30', `start.hold=${hold}`];
    const { trainer, model, total } = await trainerOn(device, 'vade', rows, sets);
    await trainer.run(total);
    const { tensors } = await trainer.state();
    const told = tensors.get('state.linked');
    const { labels } = await groupsOf(
      trainer.runtime,
      model,
      (a, b) => data.subarray(6 * a, 6 * b),
      ROWS,
    );
    trainer.runtime.destroy();
    const of = (parts: ArrayLike<number>) => {
      const right = Array.from(parts).filter((part, i) => part === i % 2).length;
      return Math.max(right, ROWS - right) / ROWS;
    };
    return { told: told && of(told), labels: of(labels) };
  };
  expect((await kept(0)).labels).toBeLessThan(0.8);
  expect(await kept(0.05)).toEqual({ told: 1, labels: 1 });
}, 120_000);

test('codes are turned between encoder and decoder: what is decoded of them stays', async () => {
  const data = clusters();
  const { trainer, model } = await trainerOn(device, 'vade', data, [...SETS, 'pretrain.epochs=1']);
  const { runtime } = trainer;
  const x = input('x', [4, 6]);
  runtime.write(x, data.data.subarray(0, 24));
  const batch = { x };
  const { code, decode } = model.can;
  const mean = code?.mean(batch) as Tensor;
  const plan = await runtime.compile({ outputs: { mean, decoded: decode?.mean(mean) as Tensor } });
  const seen = async () => {
    await plan.run();
    return [await plan.read('mean'), await plan.read('decoded')] as [Float32Array, Float32Array];
  };
  const [codes, decoded] = await seen();
  const fitting = (model.learner as GradientLearner).before?.fit as Fitting;
  const random = new Random(3, 900, 0);
  await fitting.take(
    ({ size }) => Float32Array.from({ length: size }, () => random.uniform()),
    runtime,
  );
  const [turned, after] = await seen();
  runtime.destroy();
  expect(
    Math.max(...turned.map((value, i) => Math.abs(value - (codes[i] as number)))),
  ).toBeGreaterThan(0.1);
  after.forEach((value, i) => {
    expect(value).toBeCloseTo(decoded[i] as number, 5);
  });
}, 120_000);

test('clusters are found, and drawn from one by one; pretraining is not judged', async () => {
  const data = clusters();
  const sets = [...SETS, 'pretrain.epochs=30', 'epochs=50'];
  const { trainer, model, total } = await trainerOn(device, 'vade', data, sets);
  const reports: EpochReport[] = [];
  const rows = (a: number, b: number) => data.data.subarray(6 * a, 6 * b);
  await fit(trainer, {
    steps: total,
    evaluate: {
      every: 1,
      run: (runtime) => evaluateModel(runtime, model, data, rows, { limit: 9 }),
    },
    onEpoch: (report) => void reports.push(report),
  });
  expect(reports.map(({ isPretraining = false }) => isPretraining)).toEqual(
    Array.from({ length: 50 }, (_, i) => i < 30),
  );
  expect(reports.every((r) => (r.evaluation === undefined) === (r.isPretraining === true))).toBe(
    true,
  );
  const { runtime } = trainer;
  const groups = await groupsOf(runtime, model, rows, ROWS);
  // Row i belongs to centre i mod 3, and centres lie ten deviations apart.
  const first = Array.from(groups.labels.subarray(0, 3));
  expect(new Set(first).size).toBe(3);
  expect(Array.from(groups.labels)).toEqual(Array.from({ length: ROWS }, (_, i) => first[i % 3]));
  const asked = openInference(runtime, model);
  const wanted = Uint32Array.from({ length: 60 }, (_, i) => Math.floor(i / 20));
  const drawn = await asked.sample(60, 'mean', 7, { groups: wanted });
  await asked.destroy();
  const again = await groupsOf(runtime, model, (a, b) => drawn.subarray(6 * a, 6 * b), 60);
  const right = Array.from(again.labels).filter((label, i) => label === wanted[i]).length;
  runtime.destroy();
  expect(right).toBeGreaterThanOrEqual(54);
}, 120_000);

/** Draws of a model with a mixture for its prior, each from a component. */
async function drawnFrom(family: string, sets: string[], data: ImageDataset<Float32Array>) {
  const few = ['latent=2', 'encoder.hidden=8', 'decoder.hidden=8', 'batch=12', 'epochs=1'];
  const mixture = ['prior.kind=mixture', 'prior.components=2'];
  const { trainer, model } = await trainerOn(device, family, data, [...few, ...mixture, ...sets]);
  const mean = model.namedParameters().find(([name]) => name === 'prior.mean')?.[1] as Variable;
  trainer.runtime.write(mean, [-20, -20, 20, 20]);
  const asked = openInference(trainer.runtime, model);
  const of = (groups: number[]) => asked.sample(4, 'draw', 3, { groups });
  const found = { first: await of([0, 0, 0, 0]), mixed: await of([0, 1, 0, 1]) };
  const second = await of([1, 1, 1, 1]);
  await asked.destroy();
  trainer.runtime.destroy();
  return { ...found, second };
}

test('draws of a component, pixel after pixel and of a class: a row is that of its own', async () => {
  const data = new Float32Array(12 * 16).map((_, i) => Number((i * 7919) % 5 < 2));
  const images = { name: 'bits', source: 'bits', count: 12, shape: [4, 4], data };
  const nets = ['decoder.pixelChannels=4', 'decoder.maps=1'];
  const pixels = ['decoder.receptive=1', 'likelihood.kind=bernoulli', ...nets];
  const labels = Uint32Array.from({ length: 12 }, (_, i) => i % 2);
  const classes = { ...images, labels, classNames: ['a', 'b'], classes: 2 };
  for (const [family, sets, rows] of [
    ['vae', pixels, images],
    ['cvae', ['likelihood.kind=bernoulli'], classes],
  ] as const) {
    const { first, second, mixed } = await drawnFrom(family, [...sets], rows);
    expect(first).not.toEqual(second);
    for (const row of [0, 1, 2, 3]) {
      const wanted = row % 2 ? second : first;
      const of = (x: Float32Array) => x.slice(16 * row, 16 * row + 16);
      expect(of(mixed), `${family}, row ${row}`).toEqual(of(wanted));
    }
  }
}, 120_000);

test('a component without rows gets half of those of the heaviest', async () => {
  const parameter = (name: string, shape: number[], values: number[]) =>
    variable(name, shape, { role: 'parameter', init: () => values });
  const mixture = {
    logits: parameter('logits', [3], [0, 2, 1]),
    mean: parameter('mean', [3, 2], [9, 9, 1, 2, 3, 4]),
    logStd: parameter('logStd', [3, 2], [0, 0, 0, Math.log(2), 0, 0]),
  };
  const revival = new Revival(mixture);
  const runtime = new Runtime(device, { seed: 0 });
  runtime.write(revival.usage, [0, 6, 4]);
  await revival.tend(runtime);
  const read = async (v: Variable) => Array.from(await runtime.read(v));
  const [logits, mean, logStd] = [
    await read(mixture.logits),
    await read(mixture.mean),
    await read(mixture.logStd),
  ];
  expect(logits[0]).toBe(logits[1]);
  expect((logits[2] as number) - (logits[1] as number)).toBeCloseTo(1 - 2 + Math.LN2, 6);
  // Cut across its longest direction, the second: half of σ = 2 to either side of 2.
  expect([mean[0], mean[2]]).toEqual([1, 1]);
  expect([mean[1] as number, mean[3] as number].sort()).toEqual([1, 3]);
  expect(logStd[1]).toBeCloseTo(Math.log(2), 6);
  expect(await read(revival.usage)).toEqual([0, 0, 0]);
  expect(await read(revival.revived)).toEqual([1]);
  // Used evenly, nothing changes.
  runtime.write(revival.usage, [1, 1, 1]);
  await revival.tend(runtime);
  expect(await read(mixture.mean)).toEqual(mean);
  runtime.destroy();
}, 60_000);

test('a mixture fitted to the codes of an autoencoder beats a normal, and that N(0, I)', async () => {
  const sets = SETS.filter((set) => !set.startsWith('components'));
  const { runtime, model, rows } = await fitted(device, 'ae', clusters(), [...sets, 'epochs=60']);
  const asked = openInference(runtime, model);
  const { mean } = await asked.encode(rows, ROWS);
  await asked.destroy();
  runtime.destroy();
  const [codes, held] = [
    { values: mean.subarray(0, 2 * 150), count: 150 },
    { values: mean.subarray(2 * 150), count: 30 },
  ];
  const total = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
  const mixture = await fitCodes(codes, held, { fit: 'gmm', set: ['components=3'] });
  const normal = await fitCodes(codes, held, { fit: 'normal' });
  expect(mixture.density.model.parameterCount()).toBe(3 * (1 + 2 + 4));
  // Three clusters well apart: about log 3 in what a normal spreads over, and more in their size.
  expect(total(mixture.heldOut)).toBeGreaterThan(total(normal.heldOut) + 1);
  expect(total(normal.heldOut)).toBeGreaterThan(total(standardNormalDensities(held)));
  await expect(fitCodes(codes, held, { fit: 'normal', set: ['components=2'] })).rejects.toThrow(
    /a normal has none; take --fit gmm/,
  );
}, 120_000);

test('codes are turned to where diagonal covariances fit their clusters best, and those have a unit in common', () => {
  const random = new Random(7, 900, 0);
  const [components, size] = [3, 4];
  const normals = (n: number) => Float32Array.from({ length: n }, () => random.uniform() * 2 - 1);
  const logits = normals(components);
  const mean = normals(components * size);
  const factor = normals(components * size * size);
  const axes = semiTiedAxes({ logits, mean, factor });
  // Of each component P A⁻¹ is a factor of its inverse covariance there: Σ' = (A P⁻¹)(A P⁻¹)ᵀ.
  const weights = softmax(logits);
  const within = new Matrix(size, size);
  const covariances: Matrix[] = [];
  for (let c = 0; c < components; c++) {
    const lower = new Matrix(size, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        const value = factor[(c * size + i) * size + j] as number;
        lower.set(i, j, i === j ? Math.exp(value) : value);
      }
    }
    const own = inverse(lower);
    covariances.push(own.mmul(own.transpose()));
    const spread = axes.to.mmul(own);
    const covariance = spread.mmul(spread.transpose());
    within.add(covariance.clone().mul(weights[c] as number));
    covariance.diagonal().forEach((variance, j) => {
      expect(axes.logStd[c * size + j]).toBeCloseTo(0.5 * Math.log(variance), 5);
    });
    const turned = axes.to.mmul(Matrix.columnVector(mean.subarray(c * size, (c + 1) * size)));
    turned.to1DArray().forEach((value, j) => {
      expect(axes.mean[c * size + j]).toBeCloseTo(value, 4);
    });
  }
  for (const variance of within.diagonal()) expect(variance).toBeCloseTo(1, 9);
  // log |det A| - ½ Σ π log of the variances: no step from there in any direction leads higher.
  const fit = (to: Matrix) =>
    Math.log(Math.abs(determinant(to))) -
    0.5 *
      covariances.reduce((sum, covariance, c) => {
        const variances = to.mmul(covariance).mmul(to.transpose()).diagonal();
        const logs = variances.reduce((total, variance) => total + Math.log(variance), 0);
        return sum + (weights[c] as number) * logs;
      }, 0);
  const best = fit(axes.to);
  for (let at = 0; at < size * size; at++) {
    for (const step of [-0.01, 0.01]) {
      const beside = axes.to.clone();
      const [i, j] = [Math.floor(at / size), at % size];
      beside.set(i, j, beside.get(i, j) + step);
      expect(fit(beside)).toBeLessThan(best + 1e-9);
    }
  }
  const off = (a: Matrix) => Matrix.sub(a, Matrix.eye(size)).norm();
  expect(off(axes.to.mmul(axes.from))).toBeLessThan(1e-9);
});
