/** Probabilistic PCA learned from rows with holes by EM: against the same EM in float64 on the host. */
import { inverse, Matrix, solve } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { hide } from '../src/data/missing.ts';
import { take } from '../src/data/parts.ts';
import { input } from '../src/graph/variable.ts';
import { buildModel, settledConfig } from '../src/models/index.ts';
import { initialOf } from '../src/training/index.ts';
import { conditional } from './support/conditional.ts';
import { device } from './support/device.ts';
import { fitted, tableOf } from './support/fitted.ts';
import { referenceOf } from './support/run.ts';

const Q = 5;

interface Parameters {
  /** [D, Q]. */
  weight: Matrix;
  mean: number[];
  variance: number;
}

/** Mean log p of what is seen, by the normal that each row's seen features have. */
function likelihood({ weight, mean, variance }: Parameters, rows: number[][], masks: number[][]) {
  const sigma = weight.mmul(weight.transpose()).add(Matrix.eye(mean.length).mul(variance));
  const each = rows.map((x, n) => conditional(mean, sigma, x, masks[n] as number[]).logProb);
  return each.reduce((a, b) => a + b, 0) / rows.length;
}

/**
 * A step of EM: posteriors of what is seen, least squares of each feature over the rows where it is seen, and
 * the squared error that is then expected of a value that is seen (Ilin and Raiko 2010, section 3).
 */
function emStep({ weight, mean, variance }: Parameters, rows: number[][], masks: number[][]) {
  const D = mean.length;
  const codes = rows.map((x, n) => {
    const seen = Array.from({ length: D }, (_, d) => d).filter((d) => masks[n]?.[d]);
    const own = weight.selection(
      seen,
      Array.from({ length: Q }, (_, q) => q),
    );
    const centred = Matrix.columnVector(seen.map((d) => (x[d] as number) - (mean[d] as number)));
    const spread = inverse(own.transpose().mmul(own).add(Matrix.eye(Q).mul(variance)));
    const code = spread.mmul(own.transpose().mmul(centred));
    return { code: [...code.to1DArray(), 1], spread: spread.mul(variance) };
  });
  const next = { weight: Matrix.zeros(D, Q), mean: [...mean], variance: 0 };
  let [squares, values] = [0, 0];
  for (let d = 0; d < D; d++) {
    const at = rows.flatMap((_, n) => (masks[n]?.[d] ? [n] : []));
    const left = Matrix.zeros(Q + 1, Q + 1);
    const right = Matrix.zeros(Q + 1, 1);
    for (const n of at) {
      const { code, spread } = codes[n] as (typeof codes)[number];
      for (let i = 0; i <= Q; i++) {
        const z = code[i] as number;
        right.set(i, 0, right.get(i, 0) + z * (rows[n]?.[d] as number));
        for (let j = 0; j <= Q; j++) {
          const own = i < Q && j < Q ? spread.get(i, j) : 0;
          left.set(i, j, left.get(i, j) + z * (code[j] as number) + own);
        }
      }
    }
    const found = solve(left, right).to1DArray();
    next.weight.setRow(d, found.slice(0, Q));
    next.mean[d] = found[Q] as number;
    for (const n of at) {
      const { code, spread } = codes[n] as (typeof codes)[number];
      const told = code.reduce((sum, z, q) => sum + z * (found[q] as number), 0);
      squares += ((rows[n]?.[d] as number) - told) ** 2;
      for (let i = 0; i < Q; i++) {
        for (let j = 0; j < Q; j++) {
          squares += (found[i] as number) * spread.get(i, j) * (found[j] as number);
        }
      }
      values++;
    }
  }
  return { ...next, variance: squares / values };
}

async function breastWithHoles(): Promise<ImageDataset<Float32Array>> {
  const whole = take(await tableOf('breast'), 200);
  const { data, mask } = hide(whole, { random: 0.3 }, 0);
  const holes = { ...whole, data: Float32Array.from(data), mask: mask as Uint8Array };
  return holes as ImageDataset<Float32Array>;
}

test('pass by pass it is the EM of float64, and no pass loses likelihood', async () => {
  const data = await breastWithHoles();
  const { model, runtime, losses, result, evaluation } = await fitted(device, 'ppca', data, [
    `latent=${Q}`,
  ]);
  runtime.destroy();
  const D = model.features;
  const start = initialOf(model, data, 'none', 0) as ReadonlyMap<unknown, Float32Array>;
  const [mean, weight, logStd] = ['mean', 'weight', 'logStd'].map((name) => {
    const [, variable] = model.namedParameters().find(([own]) => own === name) ?? [];
    return start.get(variable) as Float32Array;
  }) as [Float32Array, Float32Array, Float32Array];
  let parameters: Parameters = {
    weight: Matrix.from1DArray(D, Q, weight),
    mean: Array.from(mean),
    variance: Math.exp(2 * (logStd[0] as number)),
  };
  const row = (of: ArrayLike<number>, n: number) =>
    Array.from({ length: D }, (_, d) => of[n * D + d] as number);
  const all = Array.from({ length: data.count }, (_, n) => n);
  const rows = all.map((n) => row(data.data, n));
  const masks = all.map((n) => row(data.mask as Uint8Array, n));
  expect(result.reason).toBe('converged');
  for (const [i, loss] of losses.entries()) {
    const before = losses[i - 1] ?? Number.POSITIVE_INFINITY;
    expect(loss).toBeLessThanOrEqual(before + 4 * 2 ** -23 * Math.abs(loss));
  }
  for (let pass = 0; pass < 20; pass++) {
    const want = likelihood(parameters, rows, masks);
    expect(Math.abs(-(losses[pass] as number) - want), `pass ${pass}`).toBeLessThan(1e-4);
    parameters = emStep(parameters, rows, masks);
  }
  // EM in float64, run on from there, finds nothing better.
  for (let pass = 20; pass < 300; pass++) parameters = emStep(parameters, rows, masks);
  const best = likelihood(parameters, rows, masks);
  console.log(`${result.epoch} passes: ${-evaluation.loss}; float64, 300 passes: ${best}`);
  expect(Math.abs(-evaluation.loss - best)).toBeLessThan(1e-3);
}, 120_000);

test('the squared error is that of a value that is seen', () => {
  const config = { family: 'ppca', latent: 1, fit: 'em', data: { shape: [3] } };
  const model = buildModel(settledConfig(config));
  const [x, mask] = [input('x', [2, 3]), input('mask', [2, 3])];
  const [w, rows, seen] = [
    [1, -2, 0.5],
    [3, 0, 1, 0.25, -1, 2],
    [1, 0, 1, 1, 1, 1],
  ];
  const values = new Map([
    ...model
      .namedParameters()
      .map(([name, p]) => [p, name === 'weight' ? w : new Array<number>(p.size).fill(0)] as const),
    [x, rows],
    [mask, seen],
  ]);
  const error = model.can.quantities?.({ x, mask })[1];
  const got = referenceOf({ error: error?.of as never }, values).error;
  // With σ = 1, ẑ = w · x / (w · w + 1) over what is seen.
  for (const row of [0, 1]) {
    const at = [0, 1, 2].filter((d) => seen[3 * row + d]);
    const own = at.map((d) => [w[d] as number, rows[3 * row + d] as number] as const);
    const code =
      own.reduce((s, [a, b]) => s + a * b, 0) / (own.reduce((s, [a]) => s + a * a, 0) + 1);
    const wanted = own.reduce((s, [a, b]) => s + (b - a * code) ** 2, 0) / own.length;
    expect(got[row]).toBeCloseTo(wanted, 10);
  }
});
