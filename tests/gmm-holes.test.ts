/** EM of mixtures from rows with holes: what a pass sums up, and that no pass loses likelihood. */
import { inverse, Matrix } from 'ml-matrix';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Device, openDevice } from '../src/device/index.ts';
import { variable } from '../src/graph/variable.ts';
import type { CovarianceKind } from '../src/models/families/gmm/covariance.ts';
import { factorShape } from '../src/models/families/gmm/covariance.ts';
import { statisticsOf } from '../src/models/families/gmm/statistics.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { type Conditional, conditional } from './support/conditional.ts';
import { reals } from './support/engine.ts';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
}, 60_000);
afterAll(() => device?.destroy());

const [K, B, D] = [3, 7, 4];

/** P of packed numbers of any kind. */
function rootOf(packed: Float32Array, [rows, columns]: readonly number[]): Matrix {
  const root = Matrix.zeros(D, D);
  for (let i = 0; i < D; i++) {
    for (let j = 0; j < i && (rows as number) > 1; j++) {
      root.set(i, j, packed[i * D + j] as number);
    }
    const at = rows === 1 ? Math.min(i, (columns as number) - 1) : i * D + i;
    root.set(i, i, Math.exp(packed[at] as number));
  }
  return root;
}

/** Σ_mm - Σ_mo Σ_oo⁻¹ Σ_om among zeros (Bishop 2006, 2.82). */
function variationOf(sigma: Matrix, mask: ArrayLike<number>): Matrix {
  const [seen, hidden] = [1, 0].map((known) =>
    Array.from({ length: D }, (_, d) => d).filter((d) => mask[d] === known),
  ) as [number[], number[]];
  const result = Matrix.zeros(D, D);
  if (hidden.length === 0) return result;
  const cross = sigma.selection(hidden, seen);
  const left = sigma
    .selection(hidden, hidden)
    .sub(cross.mmul(inverse(sigma.selection(seen, seen))).mmul(cross.transpose()));
  for (const [i, a] of hidden.entries()) {
    for (const [j, b] of hidden.entries()) result.set(a, b, left.get(i, j));
  }
  return result;
}

test.each<[CovarianceKind, number]>([
  ['full', 2],
  ['tied', 1],
  ['diagonal', 1],
  ['spherical', 1],
])(
  'sums of rows with holes, %s, are those of their conditionals',
  async (kind, S) => {
    const mask = Float32Array.from({ length: B * D }, (_, i) =>
      Number(i % D === Math.floor(i / D) % D || (i * 7) % 5 > 1),
    );
    const values = {
      x: reals('x', B * D, -2, 2).map((x, i) => x * (mask[i] as number)),
      mask,
      logWeights: reals('w', S * K, -1, 0),
      mean: reals('m', S * K * D, -1, 1),
      factor: reals(
        'f',
        factorShape(kind, S, K, D).reduce((a, b) => a * b),
        -0.5,
        0.5,
      ),
    };
    const shapes = {
      x: [B, D],
      mask: [B, D],
      logWeights: [S, K],
      mean: [S, K, D],
      factor: [...factorShape(kind, S, K, D)],
    };
    const names = Object.keys(values) as (keyof typeof values)[];
    const given = Object.fromEntries(
      names.map((name) => [name, variable(name, shapes[name], { init: () => values[name] })]),
    ) as Record<keyof typeof values, ReturnType<typeof variable>>;
    const runtime = new Runtime(device, { seed: 1 });
    const found = statisticsOf(kind, given.x, given, given.mask);
    const plan = await runtime.compile({ outputs: { ...found } });
    await plan.run();

    const [, copies, ...packed] = factorShape(kind, S, K, D) as [number, number, number, number];
    const each = packed.reduce((a, b) => a * b);
    const want = {
      weight: new Float64Array(S * K),
      first: new Float64Array(S * K * D),
      second: new Float64Array(S * copies * each),
      logDensity: new Float64Array(S * B),
    };
    for (let s = 0; s < S; s++) {
      const parts = Array.from({ length: K }, (_, k) => {
        const copy = s * copies + (copies === 1 ? 0 : k);
        const root = rootOf(values.factor.subarray(copy * each, (copy + 1) * each), packed);
        const mu = values.mean.subarray((s * K + k) * D, (s * K + k + 1) * D);
        const inverted = inverse(root.transpose().mmul(root));
        // Symmetric to the last bit.
        const sigma = Matrix.add(inverted, inverted.transpose()).mul(0.5);
        return { copy, root, mu, sigma, logWeight: values.logWeights[s * K + k] as number };
      });
      for (let b = 0; b < B; b++) {
        const [row, seen] = [values.x, mask].map((all) => all.subarray(b * D, (b + 1) * D)) as [
          Float32Array,
          Float32Array,
        ];
        const of = parts.map(({ mu, sigma }) => conditional(mu, sigma, row, seen));
        const joint = of.map(
          ({ logProb }, k) => logProb + (parts[k] as { logWeight: number }).logWeight,
        );
        const most = Math.max(...joint);
        const logDensity = most + Math.log(joint.reduce((sum, v) => sum + Math.exp(v - most), 0));
        want.logDensity[s * B + b] = logDensity;
        parts.forEach(({ copy, root, mu, sigma }, k) => {
          const r = Math.exp((joint[k] as number) - logDensity);
          const away = (of[k] as Conditional).mean.map((v, d) => v - (mu[d] as number));
          const y = root.mmul(Matrix.columnVector(away));
          const moments = y
            .mmul(y.transpose())
            .add(root.mmul(variationOf(sigma, seen)).mmul(root.transpose()));
          want.weight[s * K + k] = (want.weight[s * K + k] as number) + r;
          for (let i = 0; i < D; i++) {
            const at = (s * K + k) * D + i;
            want.first[at] = (want.first[at] as number) + r * y.get(i, 0);
            for (let j = 0; j < D; j++) {
              if (packed[0] === 1 && i !== j) continue;
              const inside = packed[0] === 1 ? Math.min(i, each - 1) : i * D + j;
              const place = copy * each + inside;
              want.second[place] = (want.second[place] as number) + r * moments.get(i, j);
            }
          }
        });
      }
    }
    for (const name of ['weight', 'first', 'second', 'logDensity'] as const) {
      const got = await plan.read(name);
      // Sums of at most S K B D² terms of size 10, float32 each.
      want[name].forEach((value, i) => {
        expect(Math.abs((got[i] as number) - value)).toBeLessThan(2e-4);
      });
    }
    runtime.destroy();
  },
  60_000,
);
