/** What is asked of the codes of a batch together: total correlation, and a distance from the prior. */
import { Normal, StandardNormal } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import * as objectives from '../../src/objectives/index.ts';
import { gradient, mean, randomNormal, sub } from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals } from '../support/engine.ts';
import { built } from '../support/objective-model.ts';
import { outputsOf, referenceOf } from '../support/run.ts';

const [B, M] = [5, 3];

const logNormal = (z: number, mean: number, logStd: number): number =>
  -0.5 * ((z - mean) / Math.exp(logStd)) ** 2 - logStd - 0.5 * Math.log(2 * Math.PI);

const logMeanExp = (values: readonly number[]): number => {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, v) => sum + Math.exp(v - top), 0) / values.length);
};

const average = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

const rows = (count: number) => Array.from({ length: count }, (_, i) => i);

/** mean_i [log q(z_i) - Σ_j log q(z_ij)], with q the mixture of the batch's posteriors. */
function correlationOf(z: ArrayLike<number>, mu: ArrayLike<number>, logStd: ArrayLike<number>) {
  const at = (i: number, b: number, j: number) =>
    logNormal(z[i * M + j] as number, mu[b * M + j] as number, logStd[b * M + j] as number);
  return average(
    rows(z.length / M).map((i) => {
      const whole = logMeanExp(
        rows(B).map((b) => rows(M).reduce((sum, j) => sum + at(i, b, j), 0)),
      );
      const apart = rows(M).map((j) => logMeanExp(rows(B).map((b) => at(i, b, j))));
      return whole - apart.reduce((a, b) => a + b);
    }),
  );
}

function discrepancyOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const kernel = (x: ArrayLike<number>, i: number, y: ArrayLike<number>, k: number) => {
    const d = rows(M).reduce(
      (sum, j) => sum + ((x[i * M + j] as number) - (y[k * M + j] as number)) ** 2,
      0,
    );
    return [0.1, 0.2, 0.5, 1, 2, 5, 10].reduce((sum, s) => sum + (2 * M * s) / (2 * M * s + d), 0);
  };
  const [n, m] = [a.length / M, b.length / M];
  const within = (x: ArrayLike<number>, count: number) =>
    rows(count).flatMap((i) => rows(count).flatMap((k) => (i === k ? [] : [kernel(x, i, x, k)])));
  const between = rows(n).flatMap((i) => rows(m).map((k) => kernel(a, i, b, k)));
  return average(within(a, n)) + average(within(b, m)) - 2 * average(between);
}

concurrentCases('codes of a batch together', (c) => {
  c('total correlation and its gradients, of one draw a row and of several', async (t) => {
    const [mu, logStd] = [input('mu', [B, M]), input('logStd', [B, M])];
    const [one, two] = [input('one', [B, M]), input('two', [B, 2, M])];
    const values = new Map<Variable, Float32Array>([
      [mu, reals('mu', B * M, -2, 2)],
      [logStd, reals('logStd', B * M, -1, 0.5)],
      [one, reals('one', B * M, -2, 2)],
      [two, reals('two', 2 * B * M, -2, 2)],
    ]);
    const q = new objectives.NormalPosterior(new Normal(mu, logStd));
    const of = (z: Variable) => objectives.totalCorrelation(q, z);
    const [a, b] = [of(one), of(two)];
    const gradients = gradient(a, [mu, logStd, one]);
    await check(
      t,
      { outputs: { a, b, ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) } },
      values,
    );
    const got = referenceOf({ a, b }, values);
    const of64 = (z: Variable) =>
      correlationOf(
        ...([z, mu, logStd].map((v) => values.get(v) as Float32Array) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ]),
      );
    t.close(got.a, [of64(one)], { absolute: 1e-9 });
    t.close(got.b, [of64(two)], { absolute: 1e-9 });
  });

  c(
    'nothing is told where numbers hang together in no way, log B where one tells all',
    async (t) => {
      // Of narrow posteriors along a diagonal each number of a code tells the others: (M - 1) log B nats.
      const diagonal = Float32Array.from({ length: B * M }, (_, i) => 10 * Math.floor(i / M));
      const mu = input('mu', [B, M]);
      const logStd = input('logStd', [M]);
      const q = new objectives.NormalPosterior(new Normal(mu, logStd));
      const found = async (centres: ArrayLike<number>, z: Tensor) =>
        (
          await outputsOf(
            t,
            { tc: objectives.totalCorrelation(q, z) },
            new Map<Variable, ArrayLike<number>>([
              [mu, centres],
              [logStd, [0, 0, 0]],
            ]),
          )
        ).tc;
      t.close(await found(diagonal, mu), [(M - 1) * Math.log(B)], { absolute: 1e-4 });
      t.close(await found(new Float32Array(B * M), randomNormal([B, M])), [0], { absolute: 1e-5 });
    },
  );

  c('a distance of two sets of codes and its gradients', async (t) => {
    const [z, y] = [input('z', [B, M]), input('y', [7, M])];
    const values = new Map<Variable, Float32Array>([
      [z, reals('z', B * M, -2, 2)],
      [y, reals('y', 7 * M, -1, 3)],
    ]);
    const distance = objectives.discrepancy(z, y);
    const [g] = gradient(distance, [z]);
    await check(t, { outputs: { distance, g: g as Tensor } }, values);
    t.close(
      referenceOf({ distance }, values).distance,
      [discrepancyOf(values.get(z) as Float32Array, values.get(y) as Float32Array)],
      { absolute: 1e-9 },
    );
  });

  c('both are weighed into the bound that is trained, by numbers that are live', async (t) => {
    const { terms, objective, values } = built('normal', { totalCorrelation: 3, discrepancy: 5 });
    const { totalCorrelation, discrepancy } = terms.metrics as Record<string, Tensor>;
    const weight = (name: string) => objective.live[`objective.${name}`]?.tensor as Variable;
    const outputs = {
      bound: mean(terms.bound),
      plain: mean(sub(terms.reconstruction, terms.kl)),
      tc: totalCorrelation as Tensor,
      distance: discrepancy as Tensor,
    };
    for (const [gamma, lambda] of [
      [3, 5],
      [1, 40],
    ] as const) {
      values.set(weight('totalCorrelation'), [gamma]);
      values.set(weight('discrepancy'), [lambda]);
      const { bound, plain, tc, distance } = await outputsOf(t, outputs, values);
      const [a, b, d] = [plain, tc, distance].map(([value]) => value as number) as [
        number,
        number,
        number,
      ];
      t.ok(Math.abs(b) > 1e-3 && Math.abs(d) > 1e-3, `both say something: ${b}, ${d}`);
      t.close(bound, [a - gamma * b - lambda * d], { absolute: 1e-4 });
    }
  });

  c('what has no meaning is refused', async (t) => {
    for (const [kind, given, why] of [
      ['bits', { totalCorrelation: 1 }, /totalCorrelation/],
      ['full', { totalCorrelation: 1 }, /posterior\.kind=full lacks/],
      ['normal', { discrepancy: 1, bound: 'iwae' }, /objective\.discrepancy/],
      ['normal', { totalCorrelation: -1 }, /objective\.totalCorrelation/],
    ] as const) {
      await t.throws('bad-config', () => built(kind, given), why);
    }
    await t.throws(
      'bad-config',
      () => objectives.discrepancy(randomNormal([1, 2]), randomNormal([4, 2])),
      /there is 1; give two at least/,
    );
    const full = new objectives.PathwisePosterior(new StandardNormal([2]));
    await t.throws(
      'bad-config',
      () => objectives.totalCorrelation(full, randomNormal([4, 2])),
      /independent normals/,
    );
  });
});
