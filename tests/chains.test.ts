/** Hamiltonian Monte Carlo and annealed importance sampling against models that have both answers exactly. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapterLine, type Device, openDevice } from '../src/device/index.ts';
import { diagnose } from '../src/models/ask/chains/diagnose.ts';
import { annealed, buildModel, samplePosterior, scoreRows } from '../src/models/index.ts';
import { Random } from '../src/random.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { ExactModel, type LinearGaussian } from './support/linear-gaussian.ts';
import { toyData, vaeOf } from './support/toys.ts';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  console.log(`adapter: ${adapterLine(device.adapter)}`);
}, 120_000);
afterAll(() => device?.destroy());

/** Codes that depend on each other under the posterior. */
const truth: LinearGaussian = {
  weight: [0.9, 0.7, -0.3, 0.4, 1.1, 0.2, 0.8, 0.8, 0.1, -0.5, 0.3, 0.9],
  bias: [0.2, -0.4, 0, 1, 0.3, -0.1],
  latent: 2,
  std: 0.5,
};
const exact = new ExactModel(truth);
const ROWS = 6;
const D = truth.bias.length;
const data = toyData(ROWS, truth);
const rowOf = (row: number) => data.subarray(row * D, (row + 1) * D);
const rows = (a: number, b: number) => data.subarray(a * D, b * D);

async function ofTruth<T>(
  work: (runtime: Runtime, model: ReturnType<typeof buildModel>) => Promise<T>,
) {
  const model = buildModel(
    { family: 'ppca', data: { shape: [D] }, latent: truth.latent, fit: 'exact' } as never,
    0,
  );
  const runtime = new Runtime(device, { seed: 1 });
  try {
    for (const [name, held] of model.namedParameters()) {
      const values = { weight: truth.weight, mean: truth.bias, logStd: [Math.log(truth.std)] };
      runtime.write(held, Float32Array.from(values[name as keyof typeof values]));
    }
    return await work(runtime, model);
  } finally {
    runtime.destroy();
  }
}

describe('chains', () => {
  test('draw the posterior of probabilistic PCA: its moments, within their errors', async () => {
    const options = { chains: 4, warmUp: 60, draws: 150, leapfrog: 4, seed: 2, keeps: true };
    const found = await ofTruth((runtime, model) =>
      samplePosterior(runtime, model, rows, ROWS, options),
    );
    const std = exact.posteriorStd();
    let draws = 0;
    for (let row = 0; row < ROWS; row++) {
      const mean = exact.posteriorMean(rowOf(row));
      expect(found.acceptance[row]).toBeGreaterThan(0.6);
      for (let m = 0; m < truth.latent; m++) {
        const at = row * truth.latent + m;
        const ess = found.effectiveSampleSize[at] as number;
        draws += ess;
        expect(found.rHat[at]).toBeLessThan(1.05);
        // Of twelve numbers of either kind; the seed is fixed.
        const error = (std[m] as number) / Math.sqrt(ess);
        expect(Math.abs((found.mean[at] as number) - (mean[m] as number))).toBeLessThan(3 * error);
        // The square of a number is worth other draws than the number.
        const squares = Array.from({ length: 4 }, (_, c) =>
          Float64Array.from({ length: 150 }, (_, t) => {
            const from = ((row * 4 + c) * 150 + t) * truth.latent + m;
            return (Number(found.draws?.[from]) - (mean[m] as number)) ** 2;
          }),
        );
        const variance = diagnose(squares);
        const varianceError = variance.std / Math.sqrt(variance.effectiveSampleSize);
        const away = variance.mean - (std[m] as number) ** 2;
        expect(Math.abs(away)).toBeLessThan(3 * varianceError);
      }
    }
    // Draws that are kept are those that were told of.
    const first = (found.draws as Float32Array).filter((_, i) => i % truth.latent === 0);
    const ofRow = first.slice(0, 600).reduce((a, b) => a + b, 0) / 600;
    expect(Math.abs(ofRow - (found.mean[0] as number))).toBeLessThan(1e-5);
    expect(draws / ROWS / truth.latent).toBeGreaterThan(200);
  }, 120_000);

  test('give the same draws to the same rows, however many are asked for', async () => {
    const options = { chains: 2, warmUp: 8, draws: 4, leapfrog: 3, seed: 2, keeps: true };
    const { few, many } = await ofTruth(async (runtime, model) => ({
      few: await samplePosterior(runtime, model, rows, 2, options),
      many: await samplePosterior(runtime, model, rows, ROWS, options),
    }));
    const size = (few.draws as Float32Array).length;
    expect([...(few.draws as Float32Array)]).toEqual([
      ...(many.draws as Float32Array).subarray(0, size),
    ]);
  }, 120_000);

  test('of what is seen have the posterior of that', async () => {
    const seen = [1, 1, 0, 1, 0, 0];
    const x = Float32Array.from(rowOf(0), (value, d) => (seen[d] ? value : 0));
    const source = Object.assign(() => x, { mask: () => Float32Array.from(seen) });
    const options = { chains: 8, warmUp: 40, draws: 80, leapfrog: 4, seed: 4 };
    const found = await ofTruth((runtime, model) =>
      samplePosterior(runtime, model, source, 1, options),
    );
    const at = seen.flatMap((s, d) => (s ? [d] : []));
    const part = new ExactModel({
      ...truth,
      weight: at.flatMap((d) => Array.from(truth.weight).slice(2 * d, 2 * d + 2)),
      bias: at.map((d) => truth.bias[d] as number),
    });
    const mean = part.posteriorMean(at.map((d) => x[d] as number));
    part.posteriorStd().forEach((std, m) => {
      const error = std / Math.sqrt(found.effectiveSampleSize[m] as number);
      expect(Math.abs((found.mean[m] as number) - (mean[m] as number))).toBeLessThan(4 * error);
    });
  }, 120_000);
});

describe('annealed importance sampling', () => {
  test('gives the exact log p(x) of probabilistic PCA within its error', async () => {
    const options = { chains: 16, temperatures: 100, leapfrog: 5, seed: 3 };
    const found = await ofTruth((runtime, model) => annealed(runtime, model, rows, ROWS, options));
    for (let row = 0; row < ROWS; row++) {
      const error = found.standardError[row] as number;
      expect(error).toBeLessThan(0.3);
      expect(found.effectiveSampleSize[row]).toBeGreaterThan(8);
      expect(found.acceptance[row]).toBeGreaterThan(0.6);
      const away = (found.logProb[row] as number) - exact.logProb(rowOf(row));
      expect(Math.abs(away), `row ${row}`).toBeLessThan(4 * error);
    }
    // Of the mean over rows, whose errors are independent.
    const total = found.logProb.reduce((sum, l, row) => sum + l - exact.logProb(rowOf(row)), 0);
    expect(Math.abs(total)).toBeLessThan(3 * Math.hypot(...found.standardError));
  }, 120_000);

  test('is no less than the importance-weighted bound of a small VAE', async () => {
    const model = vaeOf({
      shape: [8],
      latent: 2,
      decoder: { hidden: [6], activation: 'tanh' },
    });
    const runtime = new Runtime(device, { seed: 1 });
    const random = new Random(5, 0, 0);
    try {
      for (const [name, held] of model.namedParameters()) {
        // A posterior far from the prior, and an encoder that is far from either.
        const scale = name.startsWith('decoder') ? 1.5 : 0.1;
        runtime.write(
          held,
          Float32Array.from({ length: held.size }, () => scale * random.normal()),
        );
      }
      const x = Float32Array.from({ length: 32 }, () => Number(random.uniform() < 0.5));
      const source = (a: number, b: number) => x.subarray(8 * a, 8 * b);
      const bound = await scoreRows(runtime, model, source, 4, { samples: 5000, seed: 1 });
      const options = { chains: 16, temperatures: 100, leapfrog: 5, seed: 3 };
      const found = await annealed(runtime, model, source, 4, options);
      for (let row = 0; row < 4; row++) {
        const error = Math.hypot(
          found.standardError[row] as number,
          bound.standardError[row] as number,
        );
        const away = (found.logProb[row] as number) - (bound.logProb[row] as number);
        expect(away).toBeGreaterThan(-2 * error);
      }
    } finally {
      runtime.destroy();
    }
  }, 120_000);
});

describe('what chains tell', () => {
  const draws = (n: number, each: (random: Random, before: number) => number, element: number) => {
    const random = new Random(9, 0, element);
    let before = random.normal();
    return Float64Array.from({ length: n }, () => {
      before = each(random, before);
      return before;
    });
  };

  test('independent draws are worth what they are, correlated ones less, chains apart show', () => {
    const free = [0, 1, 2, 3].map((c) => draws(1000, (random) => random.normal(), c));
    const good = diagnose(free);
    expect(Math.abs(good.rHat - 1)).toBeLessThan(0.01);
    expect(good.effectiveSampleSize).toBeGreaterThan(3000);
    expect(good.effectiveSampleSize).toBeLessThan(5500);
    // An autoregression of ρ is worth (1 - ρ) / (1 + ρ) of its draws.
    const rho = 0.8;
    const slow = [0, 1, 2, 3].map((c) =>
      draws(4000, (random, z) => rho * z + Math.sqrt(1 - rho ** 2) * random.normal(), c),
    );
    const worth = diagnose(slow).effectiveSampleSize / 16000;
    expect(Math.abs(worth / ((1 - rho) / (1 + rho)) - 1)).toBeLessThan(0.2);
    const apart = free.map((chain, c) => chain.map((value) => value + 2 * (c % 2)));
    expect(diagnose(apart).rHat).toBeGreaterThan(1.2);
    const drifting = free.map((chain) => chain.map((value, t) => value + t / 500));
    expect(diagnose(drifting).rHat).toBeGreaterThan(1.1);
    const still = [Float64Array.of(1, 1, 1, 1), Float64Array.of(2, 2, 2, 2)];
    expect(diagnose(still).rHat).toBe(Number.POSITIVE_INFINITY);
  });
});
