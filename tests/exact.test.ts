/**
 * The linear VAE with a learned, shared σ² is probabilistic PCA, whose largest likelihood is known:
 * its ELBO approaches that number from below (Lucas, Tucker, Grosse and Norouzi 2019).
 */
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { digits } from '../src/data/digits.ts';
import { evaluateModel } from '../src/models/index.ts';
import { mean, neg } from '../src/ops/index.ts';
import { adam, cosine } from '../src/optim/index.ts';
import { principalComponents } from '../src/pictures/components.ts';
import { binarizedRows } from '../src/training/binarize.ts';
import { Trainer } from '../src/training/index.ts';
import { device } from './support/device.ts';
import { ExactModel } from './support/linear-gaussian.ts';
import { mnist, ofMnist } from './support/mnist.ts';
import { vaeOf } from './support/toys.ts';

const [COUNT, SIDE, M, STEPS] = [2000, 10, 4, 2000];
const D = SIDE * SIDE;
/** Of the likelihood's estimate: draws a row, and rows. */
const [SAMPLES, FEW] = [64, 200];

/** Mean log-likelihood of the maximum-likelihood model with M components (Tipping, Bishop 1999). */
function largestLikelihood(x: Float32Array): number {
  const { variances } = principalComponents(x, COUNT, D, 1);
  const rest = variances.slice(M).reduce((sum, v) => sum + v, 0) / (D - M);
  const logs = variances.slice(0, M).reduce((sum, v) => sum + Math.log(v), 0);
  return -0.5 * (D * Math.log(2 * Math.PI) + logs + (D - M) * Math.log(rest) + D);
}

/** A linear VAE after `steps` steps; free its runtime. */
async function trained(data: ImageDataset, latent: number, steps: number) {
  const model = vaeOf({
    shape: data.shape,
    latent,
    likelihood: { kind: 'normal', sigma: 'shared' },
  });
  const trainer = await Trainer.create(
    {
      model,
      data,
      batch: 100,
      loss: (batch) => ({ loss: neg(mean(model.bound(batch).bound)) }),
      optimizer: adam({ lr: cosine(1e-2, steps) }),
      seed: 1,
    },
    () => Promise.resolve(device),
  );
  await trainer.run(steps);
  return { model, runtime: trainer.runtime };
}

test('a linear VAE reaches the likelihood of probabilistic PCA from below', async () => {
  const data = digits({ count: COUNT, seed: 3, size: SIDE });
  const x = binarizedRows(data, 0, COUNT, 'none', 0);
  const { model, runtime } = await trained(data, M, STEPS);
  const learned = new Map<string, Float32Array>();
  for (const [name, p] of model.namedParameters()) {
    learned.set(name, (await runtime.read(p)) as Float32Array);
  }
  const of = (name: string) => learned.get(name) as Float32Array;
  const rows = (start: number, end: number) => x.slice(start * D, end * D);
  const found = await evaluateModel(runtime, model, data, rows, {
    samples: SAMPLES,
    likelihoodLimit: FEW,
  });
  runtime.destroy();

  const std = Math.exp(of('likelihood.logStd')[0] as number);
  const weight = of('decoder.0.weight');
  const exact = new ExactModel({ weight, bias: of('decoder.0.bias'), latent: M, std });
  let bound = 0;
  let logP = 0;
  let logPOfFew = 0;
  /** Of the evaluation's one draw a row: Var ‖e - Wsε‖² = 4 |sWᵀe|² + 2 tr (sWᵀWs)². */
  let chance = 0;
  for (let i = 0; i < COUNT; i++) {
    const row = x.subarray(i * D, (i + 1) * D);
    const code = Array.from(of('encoder.0.bias'), (b, j) =>
      row.reduce((sum, v, d) => sum + v * (of('encoder.0.weight')[j * D + d] as number), b),
    );
    const m = code.slice(0, M);
    const s = code.slice(M).map(Math.exp);
    bound += exact.elbo(row, m, s).bound / COUNT;
    const here = exact.logProb(row);
    logP += here / COUNT;
    if (i < FEW) logPOfFew += here / FEW;
    const rest = Array.from(row, (v, d) =>
      m.reduce(
        (sum, z, j) => sum - z * (weight[d * M + j] as number),
        v - (of('decoder.0.bias')[d] as number),
      ),
    );
    const scaled = (d: number, j: number) => (weight[d * M + j] as number) * (s[j] as number);
    let variance = 0;
    for (let j = 0; j < M; j++) {
      variance += 4 * rest.reduce((sum, e, d) => sum + e * scaled(d, j), 0) ** 2;
      for (let k = 0; k < M; k++) {
        variance += 2 * rest.reduce((sum, _, d) => sum + scaled(d, j) * scaled(d, k), 0) ** 2;
      }
    }
    chance += variance / (4 * std ** 4) / COUNT ** 2;
  }
  const largest = largestLikelihood(x);
  // Theorems, in float64: no model of this family is likelier, and no bound lies above log p.
  expect(logP).toBeLessThan(largest);
  expect(bound).toBeLessThan(logP);
  // 1.5 nats for 784 pixels is what is asked of the same model on MNIST.
  expect(largest - bound).toBeLessThan((1.5 * D) / 784);
  // What the evaluator says of this model is the closed form, up to chance.
  expect(Math.abs(-found.loss - bound)).toBeLessThan(4 * Math.sqrt(chance));
  const { value, effectiveSampleSize } = found.nll as NonNullable<typeof found.nll>;
  // log of a mean of K weights: variance (K / ESS - 1) / K a row, bias half of it.
  const ofRow = (SAMPLES / effectiveSampleSize - 1) / SAMPLES;
  expect(Math.abs(-value - logPOfFew)).toBeLessThan(4 * Math.sqrt(ofRow / FEW) + ofRow);
}, 120_000);

test('on 60,000 larger images, too: MNIST, where others have computed that likelihood', async () => {
  const data = await mnist('train');
  const { model, runtime } = await trained(data, 2, 3000);
  const rows = (start: number, end: number) => binarizedRows(data, start, end, 'none', 0);
  const found = await evaluateModel(runtime, model, data, rows);
  runtime.destroy();
  expect(found.count).toBe(60_000);
  // bench/reference/exact.py and stand_in.py, in float64. The variance of a row's one draw is near M.
  const largest = ofMnist(12.4277, 39.778);
  expect(-found.loss).toBeLessThan(largest + 4 * Math.sqrt(2 / 60_000));
  expect(-found.loss).toBeGreaterThan(largest - 1.5);
}, 180_000);
