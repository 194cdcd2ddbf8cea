/** Bayesian linear regression against densities in float64 that know nothing of its formulas; a classifier. */
import { CholeskyDecomposition, inverse, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import { columnKeys } from '../src/cli/training/named-columns.ts';
import {
  boundOf,
  evidenceOf,
  type Statistics,
  solveLinear,
} from '../src/models/families/bayes-linear/solve.ts';
import { examine, familyOf, logDensities, predictions } from '../src/models/index.ts';
import { Random } from '../src/random.ts';
import { device } from './support/device.ts';
import { fitted } from './support/fitted.ts';
import { refusalOf } from './support/refusal.ts';

const [N, M] = [40, 4];
/** Rows φ whose numbers depend on each other, the last of them 1, and what follows from them. */
function made() {
  const random = new Random(4, 0, 0);
  const phi = new Matrix(N, M);
  const y = new Matrix(N, 1);
  for (let n = 0; n < N; n++) {
    const shared = random.normal();
    const row = [
      shared + 0.3 * random.normal(),
      shared + 0.3 * random.normal(),
      random.normal(),
      1,
    ];
    phi.setRow(n, row);
    const mean = 0.8 * Number(row[0]) - 0.5 * Number(row[1]) + 0.2 * Number(row[2]) + 1.5;
    y.set(n, 0, mean + 0.4 * random.normal());
  }
  return { phi, y };
}
const { phi, y } = made();
const statistics: Statistics = {
  gram: phi.transpose().mmul(phi),
  cross: phi.transpose().mmul(y),
  square: y.transpose().mmul(y).get(0, 0),
  rows: N,
};

/** log N(values; 0, Σ). */
function normalLogDensity(values: Matrix, sigma: Matrix): number {
  const root = new CholeskyDecomposition(sigma);
  const logDet = root.lowerTriangularMatrix.diagonal().reduce((sum, l) => sum + 2 * Math.log(l), 0);
  const far = values.transpose().mmul(root.solve(values)).get(0, 0);
  return -0.5 * (far + logDet + values.rows * Math.log(2 * Math.PI));
}

/** y is normal about 0 with the covariance I/β + Φ Φᵀ/α. */
const marginal = (prior: number, noise: number) =>
  normalLogDensity(
    y,
    Matrix.eye(N)
      .mul(1 / noise)
      .add(phi.mmul(phi.transpose()).mul(1 / prior)),
  );

describe('posteriors of weights, in float64', () => {
  const [prior, noise] = [0.7, 5];
  const precision = Matrix.mul(statistics.gram, noise).add(Matrix.eye(M).mul(prior));
  const covariance = inverse(precision);
  const mean = covariance.mmul(statistics.cross).mul(noise);
  const near = (a: Matrix | undefined, b: Matrix) => {
    const away = Matrix.sub(a as Matrix, b)
      .abs()
      .max();
    expect(away).toBeLessThan(1e-8 * b.clone().abs().max());
  };

  test('the evidence is the density of all targets', () => {
    expect(evidenceOf(statistics, prior, noise)).toBeCloseTo(marginal(prior, noise), 9);
  });

  test.each(['exact', 'full'] as const)(
    '%s: the closed form, whose bound is the evidence',
    (fit) => {
      const found = solveLinear(statistics, fit, { prior, noise });
      near(found.mean, mean);
      near(found.covariance, covariance);
      expect(Math.abs(found.bound - marginal(prior, noise))).toBeLessThan(1e-8);
      expect(found.evidence).toBeCloseTo(marginal(prior, noise), 9);
    },
  );

  test('mean field: variances 1 / Λ_ii, and no independent normals have a larger bound', () => {
    const found = solveLinear(statistics, 'mean-field', { prior, noise });
    near(found.mean, mean);
    const own = Matrix.diag(precision.diagonal().map((lambda) => 1 / lambda));
    near(found.covariance, own);
    expect(found.bound).toBeLessThan(found.evidence - 0.1);
    const random = new Random(4, 0, 1);
    for (let i = 0; i < 20; i++) {
      const other = own.clone().mul(1 + 0.2 * random.normal() ** 2);
      const moved = Matrix.add(
        mean,
        Matrix.columnVector(Array.from({ length: M }, () => 0.05 * random.normal())),
      );
      expect(boundOf(statistics, prior, noise, moved, other)).toBeLessThan(found.bound);
    }
  });

  test('map: the mean alone', () => {
    const found = solveLinear(statistics, 'map', { prior, noise });
    near(found.mean, mean);
    expect(found.covariance).toBeUndefined();
  });

  test('precisions that are learned have the largest evidence, of a mean field the largest bound', () => {
    const found = solveLinear(statistics, 'exact', {});
    expect(found.bound).toBeCloseTo(found.evidence, 8);
    const field = solveLinear(statistics, 'mean-field', {});
    for (const [a, b] of [
      [1.05, 1],
      [0.95, 1],
      [1, 1.05],
      [1, 0.95],
    ] as const) {
      expect(marginal(a * found.prior, b * found.noise)).toBeLessThan(found.evidence);
      const beside = solveLinear(statistics, 'mean-field', {
        prior: a * field.prior,
        noise: b * field.noise,
      });
      expect(beside.bound).toBeLessThan(field.bound);
    }
  });

  test('a target without noise is refused', () => {
    const line = phi.getColumnVector(0);
    const still = { ...statistics, cross: phi.transpose().mmul(line), square: line.norm() ** 2 };
    expect(refusalOf(() => solveLinear(still, 'exact', {}))).toMatch(/bad-data: .*without noise/);
  });
});

test('the predictive density of a table is that of a row more', async () => {
  const found = await fitted(device, 'bayes-linear', 'iris', [
    'target=1',
    'priorStd=2',
    'noiseStd=0.3',
  ]);
  const { data, model, runtime, rows } = found;
  const { count } = data;
  const x = rows(0, count);
  const row = (n: number) => Array.from(x.subarray(4 * n, 4 * n + 4));
  const design = new Matrix(
    Array.from({ length: count }, (_, n) => row(n).map((v, j) => (j === 1 ? 1 : v))),
  );
  const targets = Matrix.columnVector(Array.from({ length: count }, (_, n) => row(n)[1] as number));
  const density = (phi: Matrix, values: Matrix) =>
    normalLogDensity(values, Matrix.eye(phi.rows).mul(0.09).add(phi.mmul(phi.transpose()).mul(4)));
  const known = density(design, targets);
  const { figures } = await examine(runtime, model, rows, count);
  const fact = (name: string) => figures.find((figure) => figure.name === name)?.value as number;
  // float32 sums, of which an exponent of a hundred nats is made.
  expect(Math.abs(fact('evidence') - known)).toBeLessThan(5e-3);
  expect(Math.abs(fact('bound') - known)).toBeLessThan(5e-3);
  const logProb = await logDensities(runtime, model, rows, 3);
  const told = await predictions(runtime, model, rows, 3);
  runtime.destroy();
  for (let n = 0; n < 3; n++) {
    const again = new Matrix([...design.to2DArray(), design.getRow(n)]);
    const more = (value: number) =>
      density(again, Matrix.columnVector([...targets.to1DArray(), value])) - known;
    expect(Math.abs((logProb[n] as number) - more(targets.get(n, 0)))).toBeLessThan(1e-3);
    const [mean, std] = [told[2 * n] as number, told[2 * n + 1] as number];
    // A normal falls by half a nat at one deviation from its mean.
    expect(Math.abs(more(mean) - more(mean + std) - 0.5)).toBeLessThan(1e-3);
    expect(Math.abs(more(mean) - more(mean - std) - 0.5)).toBeLessThan(1e-3);
  }
}, 60_000);

test('--target is a heading or a number, of a family that has one', () => {
  const data = {
    ...{ name: 't.csv', source: 't', count: 2, shape: [3], data: new Float32Array(6) },
    columns: ['age', 'height', 'weight'],
  };
  const at = (target: string, family = 'bayes-linear') =>
    columnKeys({ family: familyOf(family), target }, data)[0]?.get('target')?.value;
  expect(at('height')).toBe(1);
  expect(at('3')).toBe(2);
  expect(refusalOf(() => at('heigth'))).toMatch(
    /no such column among its 3; did you mean 'height'/,
  );
  expect(refusalOf(() => at('4'))).toMatch(/no such column/);
  expect(refusalOf(() => at('age', 'vae'))).toMatch(/vae predicts no column/);
});

test('a classifier tells the species of iris, and what it tells sums to 1', async () => {
  const sets = ['hidden=[16]', 'epochs=150', 'batch=50', 'optimizer.lr=1e-2'];
  const { data, model, runtime, rows, evaluation } = await fitted(
    device,
    'classifier',
    'iris',
    sets,
  );
  const told = await predictions(runtime, model, rows, data.count);
  runtime.destroy();
  const labels = data.labels as Uint8Array;
  let [right, loss] = [0, 0];
  for (let n = 0; n < data.count; n++) {
    const own = Array.from(told.subarray(3 * n, 3 * n + 3));
    expect(Math.abs(own.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-5);
    const label = labels[n] as number;
    right += Number(own.indexOf(Math.max(...own)) === label);
    loss -= Math.log(own[label] as number);
  }
  const figure = (name: string) =>
    evaluation.figures.find((each) => each.name === name)?.value as number;
  expect(figure('accuracy')).toBeCloseTo(right / data.count, 6);
  expect(Math.abs(evaluation.loss - loss / data.count)).toBeLessThan(1e-4);
  // A linear discriminant has 0.98.
  expect(figure('accuracy')).toBeGreaterThan(0.9);
}, 120_000);
