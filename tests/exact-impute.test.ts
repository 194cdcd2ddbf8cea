/** What is missing, given what is seen, of models that have it exactly: against float64 on the host. */
import { inverse, Matrix } from 'ml-matrix';
import { expect, test } from 'vitest';
import { impute, logDensities, type RowSource } from '../src/models/index.ts';
import { Random } from '../src/random.ts';
import { conditional } from './support/conditional.ts';
import { device } from './support/device.ts';
import { fitted, type Table } from './support/fitted.ts';

const ROWS = 12;
const DRAWS = 300;

/** A model of a table, the first rows of that with holes, and what it says of them. */
async function asked(family: string, table: Table, sets: string[]) {
  const { model, runtime, rows: whole } = await fitted(device, family, table, sets);
  const D = model.features;
  const random = new Random(3, 0, 0);
  // The first is seen as a whole, the second not at all.
  const mask = Float32Array.from({ length: ROWS * D }, (_, i) => {
    const row = Math.floor(i / D);
    return Number(row === 0 || (row > 1 && random.uniform() < 0.6));
  });
  const x = whole(0, ROWS).map((value, i) => (mask[i] ? value : 0));
  const rows: RowSource = Object.assign((a: number, b: number) => x.subarray(a * D, b * D), {
    mask: (a: number, b: number) => mask.subarray(a * D, b * D),
  });
  const found = await impute(runtime, model, rows, ROWS, { samples: 2, draws: DRAWS, seed: 5 });
  const logProb = await logDensities(runtime, model, rows, ROWS);
  const kept = Object.fromEntries(
    await Promise.all(
      model.namedParameters().map(async ([name, p]) => [name, await runtime.read(p)] as const),
    ),
  ) as Record<string, Float32Array>;
  runtime.destroy();
  const row = (of: Float32Array, i: number) => Array.from(of.subarray(i * D, (i + 1) * D));
  return {
    D,
    kept,
    found,
    logProb,
    x: (i: number) => row(x, i),
    mask: (i: number) => row(mask, i),
  };
}

type Asked = Awaited<ReturnType<typeof asked>>;

function agrees({ D, found, logProb }: Asked, at: number, mean: number[], logDensity: number) {
  const got = Array.from(found.mean.subarray(at * D, (at + 1) * D));
  const away = Math.max(...got.map((value, d) => Math.abs(value - (mean[d] as number))));
  expect(away, `row ${at}`).toBeLessThan(1e-4);
  expect(Math.abs((logProb[at] as number) - logDensity), `row ${at}`).toBeLessThan(1e-3);
}

/** The mean of the draws is within five standard errors of the mean; what is seen does not vary. */
function drawsAgree({ D, found, mask }: Asked, at: number, mean: number[]) {
  for (const [d, isSeen] of mask(at).entries()) {
    const values = Array.from({ length: DRAWS }, (_, i) =>
      Number(found.draws[(i * ROWS + at) * D + d]),
    );
    const average = values.reduce((a, b) => a + b, 0) / DRAWS;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - average) ** 2, 0) / DRAWS);
    if (isSeen) expect(new Set(values).size).toBe(1);
    else expect(spread).toBeGreaterThan(0);
    const error = (5 * spread) / Math.sqrt(DRAWS) + 1e-5 * Math.abs(mean[d] as number);
    expect(Math.abs(average - (mean[d] as number))).toBeLessThan(error + 1e-6);
  }
}

test('probabilistic PCA imputes the conditional of its normal', async () => {
  const found = await asked('ppca', 'breast', ['latent=5']);
  const { D, kept, x, mask } = found;
  const weight = new Matrix(
    Array.from({ length: D }, (_, d) =>
      Array.from((kept.weight as Float32Array).subarray(5 * d, 5 * d + 5)),
    ),
  );
  const variance = Math.exp(2 * Number(kept.logStd?.[0]));
  const sigma = weight.mmul(weight.transpose()).add(Matrix.eye(D).mul(variance));
  for (let i = 0; i < ROWS; i++) {
    const { mean, logProb } = conditional(kept.mean as Float32Array, sigma, x(i), mask(i));
    agrees(found, i, mean, logProb);
    drawsAgree(found, i, mean);
  }
}, 60_000);

test.each(['full', 'tied', 'diagonal', 'spherical'])(
  'a mixture with %s covariances imputes the mixture of conditionals',
  async (covariance) => {
    const K = 3;
    const sets = [`components=${K}`, `covariance=${covariance}`, 'starts=1'];
    const found = await asked('gmm', 'iris', sets);
    const { D, kept, x, mask } = found;
    const { logWeights, factor } = kept as { logWeights: Float32Array; factor: Float32Array };
    const top = Math.log(logWeights.reduce((sum, l) => sum + Math.exp(l), 0));
    const isMatrix = covariance === 'full' || covariance === 'tied';
    const sigmaOf = (k: number) => {
      const packed = (i: number, j: number) => {
        if (isMatrix) return Number(factor[(covariance === 'full' ? k : 0) * D * D + i * D + j]);
        return i === j ? Number(factor[covariance === 'diagonal' ? k * D + i : k]) : 0;
      };
      const rows = Array.from({ length: D }, (_, i) =>
        Array.from({ length: D }, (_, j) =>
          i === j ? Math.exp(packed(i, i)) : i > j ? packed(i, j) : 0,
        ),
      );
      const root = inverse(new Matrix(rows));
      return root.mmul(root.transpose());
    };
    const means = (k: number) => (kept.mean as Float32Array).subarray(k * D, (k + 1) * D);
    for (let i = 0; i < ROWS; i++) {
      const each = Array.from({ length: K }, (_, k) => {
        const given = conditional(means(k), sigmaOf(k), x(i), mask(i));
        return { ...given, joint: given.logProb + Number(logWeights[k]) - top };
      });
      const most = Math.max(...each.map(({ joint }) => joint));
      const total =
        most + Math.log(each.reduce((sum, { joint }) => sum + Math.exp(joint - most), 0));
      const mean = Array.from({ length: D }, (_, d) =>
        each.reduce((sum, e) => sum + Math.exp(e.joint - total) * Number(e.mean[d]), 0),
      );
      agrees(found, i, mean, total);
      drawsAgree(found, i, mean);
    }
  },
  60_000,
);
