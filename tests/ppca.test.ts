/** Probabilistic PCA against scikit-learn 1.2.1's exact solution: mean log-likelihoods of a row in nats. */
import { expect, test } from 'vitest';
import { meanOf } from '../src/models/covariance-learner.ts';
import { openInference } from '../src/models/index.ts';
import { device } from './support/device.ts';
import { fitted, type Table } from './support/fitted.ts';
import { refusalOf } from './support/refusal.ts';

const KNOWN: readonly (readonly [Table, number, number])[] = [
  ['breast', 2, -31.684884],
  ['breast', 5, -24.62508],
  ['breast', 10, -18.185054],
  ['digits', 2, -177.439976],
  ['digits', 5, -168.538046],
  ['digits', 10, -159.993745],
];

test.each(KNOWN)(
  '%s, %i directions: eigenvectors give the known likelihood',
  async (table, q, known) => {
    const { evaluation, runtime, result } = await fitted(device, 'ppca', table, [`latent=${q}`]);
    runtime.destroy();
    expect(result.epoch).toBe(1);
    expect(Math.abs(-evaluation.loss - known)).toBeLessThan(1e-3);
  },
  60_000,
);

test.each([
  ['breast', 'em', 5],
  ['digits', 'em', 2],
] as const)(
  '%s by %s comes within 0.01 of it, and never falls',
  async (table, how, q) => {
    const known = KNOWN.find(([name, latent]) => name === table && latent === q)?.[2] as number;
    const { evaluation, runtime, losses, result } = await fitted(device, 'ppca', table, [
      `latent=${q}`,
      `fit=${how}`,
    ]);
    runtime.destroy();
    console.log(`${table} ${how}: ${-evaluation.loss} after ${result.epoch} passes`);
    expect(result.reason).toBe('converged');
    for (const [i, loss] of losses.entries()) {
      const before = losses[i - 1] ?? Number.POSITIVE_INFINITY;
      expect(loss).toBeLessThanOrEqual(before + 4 * 2 ** -23 * Math.abs(loss));
    }
    expect(Math.abs(-evaluation.loss - known)).toBeLessThan(0.01);
  },
  60_000,
);

test.each([1e25, 1e-25])('values of %d, whose squares do not fit float32, are refused', (unit) => {
  const rows = (start: number, end: number) =>
    Float32Array.from({ length: 2 * (end - start) }, (_, i) => unit * Math.sin(2 * start + i));
  expect(refusalOf(() => meanOf({ count: 9, rows } as never, 2))).toMatch(
    /^bad-data: feature \d of the data deviates by \S+, whose squares .* train with --standardize$/,
  );
});

test('gradient ascent comes near it', async () => {
  const { evaluation, runtime } = await fitted(device, 'ppca', 'breast', [
    'latent=2',
    'fit=gradient',
    'epochs=60',
    'schedule.kind=cosine',
  ]);
  runtime.destroy();
  expect(Math.abs(-evaluation.loss + 31.684884)).toBeLessThan(0.05);
}, 60_000);

test.each([
  ['exact', 1e-3],
  ['em', 0.02],
])(
  'by %s, components are uncorrelated and vary as the eigenvalues say',
  async (how, close) => {
    const sets = ['latent=3', `fit=${how}`];
    const { data, model, rows, runtime } = await fitted(device, 'ppca', 'breast', sets);
    const asked = openInference(runtime, model);
    const { components } = await asked.encode(rows, data.count);
    await asked.destroy();
    runtime.destroy();
    const of = (i: number, j: number) => {
      let total = 0;
      for (let n = 0; n < data.count; n++) {
        total += Number(components?.[3 * n + i]) * Number(components?.[3 * n + j]);
      }
      return total / data.count;
    };
    // scikit-learn 1.2.1, PCA of the columns in population deviations: explained_variance_ · 568 / 569.
    const eigenvalues = [13.281608, 5.691355, 2.817949];
    for (const [i, want] of eigenvalues.entries()) {
      expect(Math.abs(of(i, i) / want - 1)).toBeLessThan(close);
      for (let j = 0; j < i; j++) {
        const scale = Math.sqrt(want * (eigenvalues[j] as number));
        expect(Math.abs(of(i, j)) / scale).toBeLessThan(close);
      }
    }
  },
  60_000,
);
