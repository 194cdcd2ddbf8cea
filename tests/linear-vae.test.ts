/**
 * Linear VAEs, of which theory says everything: what variational inference reaches by whatever path, when
 * codes collapse and what brings them back, where a constraint leads. Tipping and Bishop 1999; Lucas,
 * Tucker, Grosse and Norouzi 2019: with a fixed σ, dimension i is in use where the i-th eigenvalue λ_i of
 * the data's covariance is above βσ², and tells ½ log(λ_i / βσ²) nats.
 */
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { codeDimensions, evaluateModel, refine, type VaeConfig } from '../src/models/index.ts';
import { adam, cosine } from '../src/optim/index.ts';
import { principalComponents } from '../src/pictures/components.ts';
import { Trainer } from '../src/training/index.ts';
import { device } from './support/device.ts';
import { ExactModel } from './support/linear-gaussian.ts';
import { toyData, vaeOf } from './support/toys.ts';

const [N, D, M, BATCH, STEPS] = [500, 6, 2, 100, 2500];
const EPOCHS = STEPS / (N / BATCH);
const x = toyData(N);
const rows = (start: number, end: number) => x.slice(start * D, end * D);
const data: ImageDataset = {
  name: 'toy',
  source: 'drawn',
  count: N,
  shape: [D],
  data: x,
  standardized: true,
};
const { variances } = principalComponents(x, N, D, 1);
const eigenvalue = (i: number) => variances[i] as number;

interface Trained {
  readonly model: ReturnType<typeof vaeOf>;
  readonly trainer: Trainer;
  readonly metrics: Record<string, number>;
  values(name: string): Promise<Float32Array>;
}

async function training<T>(
  given: Partial<Omit<VaeConfig, 'shape'>>,
  use: (trained: Trained) => Promise<T>,
  turns: number[] | undefined = undefined,
): Promise<T> {
  const model = vaeOf({ shape: [D], latent: M, ...given });
  const { loss, turns: groups } = model.learner;
  const trainer = await Trainer.create(
    {
      ...{ model, data, batch: BATCH, loss, seed: 1 },
      optimizer: adam({ lr: cosine(0.03, STEPS) }),
      ...(turns && groups && { turns: { groups: [groups.e, groups.m], steps: turns } }),
    },
    () => Promise.resolve(device),
  );
  try {
    const { metrics } = await trainer.run(STEPS);
    const named = new Map([...model.namedParameters(), ...model.namedBuffers()]);
    const values = async (name: string) =>
      (await trainer.runtime.read(named.get(name) as never)) as Float32Array;
    return await use({ model, trainer, metrics, values });
  } finally {
    trainer.runtime.destroy();
  }
}

const learned = { kind: 'normal', sigma: 'shared' } as const;
const fixed = (variance: number) =>
  ({ kind: 'normal', sigma: 'fixed', std: Math.sqrt(variance) }) as const;

/** Mean log-likelihood of the maximum-likelihood model of M components. */
function largestLikelihood(): number {
  const rest = variances.slice(M).reduce((sum, v) => sum + v, 0) / (D - M);
  const logs = variances.slice(0, M).reduce((sum, v) => sum + Math.log(v), 0);
  return -0.5 * (D * Math.log(2 * Math.PI) + logs + (D - M) * Math.log(rest) + D);
}

async function exactOf({ values }: Trained): Promise<ExactModel> {
  return new ExactModel({
    weight: await values('decoder.0.weight'),
    bias: await values('decoder.0.bias'),
    latent: M,
    std: Math.exp((await values('likelihood.logStd'))[0] as number),
  });
}

/** The mean ELBO in closed form, of posteriors by their numbers: M means, M log deviations. */
function boundOf(exact: ExactModel, numbersOf: (i: number) => ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < N; i++) {
    const numbers = Array.from(numbersOf(i));
    const std = numbers.slice(M).map(Math.exp);
    total += exact.elbo(rows(i, i + 1), numbers.slice(0, M), std).bound;
  }
  return total / N;
}

async function amortised(trained: Trained): Promise<number> {
  const weight = await trained.values('encoder.0.weight');
  const bias = await trained.values('encoder.0.bias');
  return boundOf(await exactOf(trained), (i) =>
    bias.map((b, j) =>
      rows(i, i + 1).reduce((sum, v, d) => sum + v * (weight[j * D + d] as number), b),
    ),
  );
}

test('amortised, in turns, free and refined posteriors reach one bound: that of the likeliest model', async () => {
  const largest = largestLikelihood();
  const found: Record<string, number> = {
    joint: await training({ likelihood: learned }, amortised),
    'in turns': await training({ likelihood: learned }, amortised, [2, 1]),
    free: await training(
      // A row moves once an epoch: with less noise it arrives.
      {
        likelihood: learned,
        posterior: { kind: 'free', rows: N },
        objective: { samples: 4 },
      },
      async (trained) => {
        const table = await trained.values('posterior.values');
        const exact = await exactOf(trained);
        return boundOf(exact, (i) => table.subarray(i * 2 * M, (i + 1) * 2 * M));
      },
    ),
  };
  // An encoder that knows nothing, and posteriors that are fitted all the same.
  const { before, after, chance } = await training({ likelihood: learned }, async (trained) => {
    const { runtime } = trained.trainer;
    const weight = trained.model.namedParameters().find(([name]) => name === 'encoder.0.weight');
    runtime.write(weight?.[1] as never, new Float32Array(2 * M * D));
    const refined = await refine(runtime, trained.model, rows, N, { steps: 200 });
    // Of 16 draws a row, each of variance near M.
    return { ...refined, chance: Math.sqrt(M / 16 / N) };
  });
  console.log(`bounds: ${JSON.stringify({ largest, ...found, before, after })}`);
  for (const [name, bound] of Object.entries(found)) {
    expect(bound, name).toBeLessThan(largest);
    expect(largest - bound, name).toBeLessThan(0.05);
  }
  expect(largest - before).toBeGreaterThan(1);
  expect(Math.abs(largest - after)).toBeLessThan(0.05 + 4 * chance);
}, 120_000);

/** Mean divergence of each dimension, the largest first, and how many are in use. */
async function told({ model, trainer }: Trained) {
  const dimensions = await codeDimensions(trainer.runtime, model, rows, N);
  const { activeUnits } = await evaluateModel(trainer.runtime, model, data, rows);
  const kl = dimensions.map((dimension) => dimension.kl as number).sort((a, b) => b - a);
  return { kl: kl as [number, number], active: activeUnits };
}

/** Of βσ²: what theory says that each dimension tells. */
const expectedAt = (variance: number) =>
  [0, 1].map((i) => Math.max(0, 0.5 * Math.log(eigenvalue(i) / variance)));

test('with a σ that is too large codes collapse as theory says; free bits and annealing bring them back', async () => {
  const [first, second] = [eigenvalue(0), eigenvalue(1)];
  const between = Math.sqrt(first * second);
  const above = 1.5 * first;
  const at = async (variance: number, objective: VaeConfig['objective'] = {}) =>
    await training({ likelihood: fixed(variance), objective }, told);
  const one = await at(between);
  const none = await at(above);
  const free = await at(above, { freeBits: 0.5, freeBitsBy: 'dimension' });
  // Annealing ends the run at a weight under which even the lesser dimension pays.
  const weight = (0.5 * second) / above;
  const annealed = await at(above, { anneal: 'linear', annealEpochs: EPOCHS / weight });
  console.log(`collapse: ${JSON.stringify({ one, none, free, annealed, weight })}`);

  // What remains of the last steps' noise.
  const near = (kl: readonly number[], wanted: readonly number[], off: number) =>
    wanted.forEach((value, i) => {
      expect(Math.abs((kl[i] as number) - value)).toBeLessThan(off);
    });
  expect(one.active).toBe(1);
  near(one.kl, expectedAt(between), 0.03);
  expect(none.active).toBe(0);
  near(none.kl, [0, 0], 0.01);
  expect(free.active).toBe(2);
  // A batch that happens to lie above λ is pushed, one below is not: the mean stays a little below.
  near(free.kl, [0.47, 0.47], 0.06);
  expect(annealed.active).toBe(2);
  // The weight has just come to where it is: the code follows it.
  near(annealed.kl, expectedAt(weight * above), 0.1);
}, 120_000);

test('a constraint of the divergence is met, by the multiplier that theory says', async () => {
  const target = 1.2;
  const variance = 0.25;
  await training(
    { likelihood: fixed(variance), objective: { constraint: 'kl', target, constraintRate: 0.05 } },
    async (trained) => {
      const { kl } = await told(trained);
      const total = kl[0] + kl[1];
      const [log] = await trained.values('objective.constraint.logMultiplier');
      const multiplier = Math.exp(log as number);
      // Σ ½ log(λ_i / βσ²) = target, solved for β.
      const wanted = Math.exp(
        (Math.log(eigenvalue(0)) + Math.log(eigenvalue(1)) - 2 * target) / 2 - Math.log(variance),
      );
      console.log(`constraint: KL ${total}, multiplier ${multiplier}, in theory ${wanted}`);
      expect(Math.abs(total / target - 1)).toBeLessThan(0.02);
      expect(Math.abs(multiplier / wanted - 1)).toBeLessThan(0.05);
    },
  );
}, 60_000);
