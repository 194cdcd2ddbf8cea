/** Bounds, held against a model whose likelihood is known, and their gradients against float64. */
import { Normal, StandardNormal } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import { evaluateModel, type Vae } from '../../src/models/index.ts';
import {
  elbo,
  importanceBound,
  type LatentModel,
  logEffectiveSampleSize,
} from '../../src/objectives/index.ts';
import {
  constant,
  exp,
  expand,
  gradient,
  matmul,
  mean,
  neg,
  seed,
  step,
  transpose,
} from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { ExactModel } from '../support/linear-gaussian.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { momentsOf } from '../support/statistics.ts';
import { exactly, type Off, toy, toyData, toyVae, vaeOf } from '../support/toys.ts';

const D = 6;
const wide: Off = { shift: 0.15, stretch: 1.3 };

const rowOf = (x: Float32Array, i: number) => x.subarray(i * D, (i + 1) * D);
const minus = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Float64Array.from(a, (v, i) => v - (b[i] as number));

/** float32 of some twenty terms of size up to 30. */
const rounding = { absolute: 3e-5 };

concurrentCases('bounds', (c) => {
  c('the exact posterior leaves weights without variance: every bound is log p(x)', async (t) => {
    const [B, K] = [40, 7];
    const { model, values, exact } = toyVae(exactly);
    const data = toyData(B);
    const x = input('x', [B, D]);
    const one = importanceBound(model, { x }, 1);
    const many = importanceBound(model, { x }, K);
    const got = await outputsOf(
      t,
      {
        elbo: elbo(model, { x }, { kl: 'sampled' }).bound,
        elbo3: elbo(model, { x }, { kl: 'sampled', samples: 3 }).bound,
        one: one.bound,
        many: many.bound,
        weights: many.logWeights,
        size: exp(logEffectiveSampleSize(many.logWeights)),
      },
      new Map([...values, [x, data]]),
    );
    const logP = Array.from({ length: B }, (_, i) => exact.logProb(rowOf(data, i)));
    for (const name of ['elbo', 'elbo3', 'one', 'many'] as const) {
      t.close(got[name], logP, rounding, name);
    }
    const each = logP.flatMap((value) => new Array<number>(K).fill(value));
    t.close(got.weights, each, rounding, 'log-weights');
    t.close(got.size, new Array<number>(B).fill(K), { relative: 1e-5 }, 'effective sample size');
  });

  c(
    'a worse posterior: ELBO ≤ IWAE-5 ≤ IWAE-50 ≤ log p, and the ELBO is as far as it must be',
    async (t) => {
      const B = 2000;
      const { model, values, exact, posteriorOf } = toyVae(wide);
      const data = toyData(B);
      const x = input('x', [B, D]);
      const analytic = elbo(model, { x });
      const sampled = elbo(model, { x }, { kl: 'sampled' });
      const several = elbo(model, { x }, { samples: 4 });
      const five = importanceBound(model, { x }, 5);
      const got = await outputsOf(
        t,
        {
          analytic: analytic.bound,
          kl: analytic.kl,
          reconstruction: analytic.reconstruction,
          sampled: sampled.bound,
          sampledKl: sampled.kl,
          several: several.bound,
          five: five.bound,
          fiveKl: five.kl,
          fifty: importanceBound(model, { x }, 50).bound,
        },
        new Map([...values, [x, data]]),
      );
      const rows = Array.from({ length: B }, (_, i) => rowOf(data, i));
      const logP = rows.map((row) => exact.logProb(row));
      const closed = rows.map((row) => {
        const q = posteriorOf(row);
        return exact.elbo(row, q.mean, q.std);
      });
      const bounds = closed.map((e) => e.bound);
      const kls = closed.map((e) => e.kl);
      t.close(got.kl, kls, { absolute: 1e-5 }, 'closed-form KL');
      /** The difference is nothing but chance. */
      const sameMean = (a: ArrayLike<number>, b: ArrayLike<number>, what: string) => {
        const { mean: difference, standardError } = momentsOf(minus(a, b));
        t.close(difference, 0, { absolute: 4 * standardError }, what);
      };
      for (const name of ['analytic', 'sampled', 'several'] as const) {
        sameMean(got[name], bounds, `ELBO, ${name}`);
      }
      sameMean(got.sampledKl, kls, 'sampled KL');
      sameMean(got.fiveKl, kls, 'KL of five draws');
      sameMean(
        got.reconstruction,
        closed.map((e) => e.reconstruction),
        'reconstruction',
      );
      const spread = (name: 'analytic' | 'several') => momentsOf(minus(got[name], bounds)).variance;
      t.close(spread('several') / spread('analytic'), 1 / 4, { relative: 0.15 }, 'four draws');
      const order = [got.sampled, got.five, got.fifty, logP];
      for (let i = 1; i < order.length; i++) {
        const [low, high] = [order[i - 1], order[i]] as [Float32Array, Float32Array];
        const { mean: rise, standardError } = momentsOf(minus(high, low));
        t.ok(rise >= -2 * standardError, `bound ${i} falls by ${-rise} (± ${standardError})`);
      }
      const gain = momentsOf(minus(got.five, got.sampled));
      t.ok(gain.mean > 4 * gain.standardError, 'five draws are better than one');
    },
  );

  c('weigh the divergence by β, a number or a tensor', async (t) => {
    const { model, values } = toyVae(wide);
    const x = input('x', [4, D]);
    const given = new Map([...values, [x, toyData(4)] as const]);
    for (const beta of [0, 0.3, 4, constant(2.5)]) {
      const { bound, reconstruction, kl } = elbo(model, { x }, { beta });
      const weight = typeof beta === 'number' ? beta : 2.5;
      const got = referenceOf({ bound, reconstruction, kl }, given);
      const expected = got.reconstruction.map((r, i) => r - weight * (got.kl[i] as number));
      t.close(got.bound, expected, { absolute: 1e-9 }, `β = ${weight}`);
    }
  });

  c('take a model of one’s own, whose deviation is the same for all data', async (t) => {
    const [B, M] = [4, 2];
    const [x, weight, logStd] = [input('x', [B, D]), input('w', [D, M]), input('s', [M])];
    const own = (deviation: Tensor): LatentModel => ({
      posterior: (batch) => new Normal(matmul(batch.x, weight), deviation),
      decode: (z) => new Normal(matmul(z, transpose(weight)), constant(-0.5)),
      prior: () => new StandardNormal([M]),
    });
    const bounds = (model: LatentModel) => ({
      elbo: elbo(model, { x }).bound,
      sampled: elbo(model, { x }, { kl: 'sampled', samples: 3 }).bound,
      iwae: importanceBound(model, { x }, 4).bound,
    });
    const values = new Map([
      [x, toyData(B)],
      [weight, reals('w', D * M, -1, 1)],
      [logStd, reals('s', M, -1, 0)],
    ]);
    const shared = bounds(own(logStd));
    t.equal(referenceOf(shared, values), referenceOf(bounds(own(expand(logStd, [B, M]))), values));
    await check(t, { outputs: shared }, values);
  });

  c('refuse no samples at all', async (t) => {
    const { model } = toyVae(exactly);
    const x = input('x', [4, D]);
    for (const samples of [0, -1, 1.5, Number.NaN]) {
      await t.throws('bad-config', () => importanceBound(model, { x }, samples), /at least one/);
      await t.throws('bad-config', () => elbo(model, { x }, { samples }), /at least one/);
    }
  });

  c(
    'have the gradients of float64, and float64 those of differences',
    async (t) => {
      const [B, width] = [3, 5];
      const net = { hidden: [4], activation: 'tanh' } as const;
      const parts = {
        shape: [width],
        encoder: { ...net, hidden: [4] },
        decoder: { ...net, hidden: [4] },
      };
      const bernoulli = () => vaeOf(parts);
      const of = (likelihood: Vae['config']['likelihood']) => () => vaeOf({ ...parts, likelihood });
      const trials: [string, () => Vae, (model: Vae, x: Tensor) => Tensor][] = [
        ['ELBO', bernoulli, (m, x) => elbo(m, { x }).bound],
        [
          'sampled β-ELBO of three draws',
          bernoulli,
          (m, x) => elbo(m, { x }, { kl: 'sampled', samples: 3, beta: 0.7 }).bound,
        ],
        ['IWAE-4', bernoulli, (m, x) => importanceBound(m, { x }, 4).bound],
        ['IWAE-2, normal', of({ kind: 'normal', sigma: 'fixed', std: 0.7 }), iwae2],
        ['IWAE-2, normal, shared σ', of({ kind: 'normal', sigma: 'shared' }), iwae2],
        ['IWAE-2, normal, σ of each pixel', of({ kind: 'normal', sigma: 'pixel' }), iwae2],
        ['IWAE-2, categorical', of({ kind: 'categorical', levels: 6 }), iwae2],
      ];
      const data = reals('data', B * width, 0, 1);
      for (const [name, make, bound] of trials) {
        const model = make();
        const x = input('x', [B, width]);
        const loss = neg(mean(bound(model, x)));
        const named = model.namedParameters();
        const gradients = gradient(
          loss,
          named.map(([, p]) => p),
        );
        const outputs: Record<string, Tensor> = { loss };
        for (const [i, [path]] of named.entries()) outputs[path] = gradients[i] as Tensor;
        const values = new Map<Variable, Float32Array>([[x, data]]);
        for (const [path, p] of named) values.set(p, reals(path, p.size, -0.8, 0.8));
        await check(t, { outputs }, values);

        const reference = referenceOf(outputs, values);
        const at = (p: Variable, i: number, value: number) => {
          const moved = new Map<Variable, ArrayLike<number>>(values);
          moved.set(p, Float64Array.from(values.get(p) as Float32Array).with(i, value));
          return referenceOf({ loss }, moved).loss[0] as number;
        };
        const h = 1e-5;
        for (const [path, p] of named) {
          const i = Math.floor(0.6 * p.size);
          const value = values.get(p)?.[i] as number;
          const slope = (at(p, i, value + h) - at(p, i, value - h)) / (2 * h);
          const found = reference[path]?.[i] as number;
          t.close(found, slope, { absolute: 1e-8, relative: 1e-7 }, `${name}: ${path}[${i}]`);
        }
      }
    },
    { timeout: 120_000 },
  );
});

function iwae2(model: Vae, x: Tensor): Tensor {
  return importanceBound(model, { x }, 2).bound;
}

/** ∫ p²/q for the toy's posterior and an encoder that is off: how much larger K must be. */
function inflation(posteriorStd: Float64Array, { shift, stretch }: Off): number {
  return posteriorStd.reduce((product, a) => {
    const b = a * stretch;
    const curve = 1 / a ** 2 - 1 / (2 * b ** 2);
    const far = (shift ** 2 / (2 * b ** 2)) * (1 + 1 / (2 * curve * b ** 2));
    return (product * (b / (Math.sqrt(2) * a ** 2)) * Math.exp(far)) / Math.sqrt(curve);
  }, 1);
}

concurrentCases('evaluation', (c) => {
  const COUNT = 123;
  const data = toyData(COUNT);
  const rows = (start: number, end: number) => data.slice(start * D, end * D);
  const dataset = { count: COUNT, name: 'toy' };

  c('with the exact posterior is log p(x) for any number of samples', async (t) => {
    const { model, values, exact } = toyVae(exactly);
    const logP = momentsOf(Array.from({ length: COUNT }, (_, i) => exact.logProb(rowOf(data, i))));
    await withRuntime(t, async (runtime) => {
      for (const [p, numbers] of values) runtime.write(p, numbers);
      for (const samples of [1, 2, 130, 3000]) {
        const result = await evaluateModel(runtime, model, dataset, rows, { samples });
        const nll = result.nll as NonNullable<typeof result.nll>;
        t.equal([nll.samples, nll.count, result.count], [samples, COUNT, COUNT]);
        t.close(nll.value, -logP.mean, { absolute: 1e-5 }, `NLL of ${samples}`);
        t.close(nll.standardError, logP.standardError, { relative: 1e-4 }, 'standard error');
        t.close(nll.effectiveSampleSize, samples, { relative: 1e-4 }, 'effective sample size');
        t.close(result.negativeElbo, -logP.mean, { absolute: 4 * result.standardError });
        t.equal(result.activeUnits, 2);
      }
    });
  });

  c('with a worse posterior comes as near as it must, and knows how near that is', async (t) => {
    const { model, values, exact, posteriorOf } = toyVae(wide);
    const all = Array.from({ length: COUNT }, (_, i) => rowOf(data, i));
    const logP = all.map((row) => exact.logProb(row));
    const closed = all.map((row) => {
      const q = posteriorOf(row);
      return exact.elbo(row, q.mean, q.std);
    });
    const average = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
    const factor = inflation(exact.posteriorStd(), wide);
    await withRuntime(t, async (runtime) => {
      for (const [p, numbers] of values) runtime.write(p, numbers);
      runtime.write(seed, [5, 6]);
      runtime.write(step, [77]);
      const K = 3000;
      const result = await evaluateModel(runtime, model, dataset, rows, { samples: K, seed: 3 });
      const nll = result.nll as NonNullable<typeof result.nll>;
      // log of a mean of K weights of relative variance f - 1: deviation √((f - 1)/K), bias half its square.
      const deviation = Math.sqrt((factor - 1) / K);
      const tolerance = { absolute: (4 * deviation) / Math.sqrt(COUNT) + deviation ** 2 };
      t.close(nll.value, -average(logP), tolerance, 'NLL');
      t.close(nll.effectiveSampleSize, K / factor, { relative: 0.02 }, 'effective sample size');
      t.close(result.kl as number, average(closed.map((e) => e.kl)), { absolute: 1e-5 }, 'KL');
      const one = await evaluateModel(runtime, model, dataset, rows, { samples: 1, seed: 3 });
      const elboHere = -average(closed.map((e) => e.bound));
      for (const value of [one.negativeElbo, one.nll?.value as number]) {
        // A draw's own spread is below that of the data.
        t.close(value, elboHere, { absolute: 4 * one.standardError }, 'one sample');
      }
      t.equal(
        await evaluateModel(runtime, model, dataset, rows, { samples: 1, seed: 3 }),
        one,
        'the same seed',
      );
      const other = await evaluateModel(runtime, model, dataset, rows, { samples: 1, seed: 4 });
      t.ok(other.negativeElbo !== one.negativeElbo, 'another seed draws other noise');
      t.equal([...(await runtime.read(seed)), ...(await runtime.read(step))], [5, 6, 77], 'state');
    });
  });

  c(
    'without a decoder to speak of has no chance in it, whatever the last batch holds',
    async (t) => {
      const { model, values, posteriorOf } = toyVae(wide);
      const blind = new ExactModel({ ...toy, weight: new Float64Array(2 * D) });
      const bounds = Array.from({ length: COUNT }, (_, i) => {
        const q = posteriorOf(rowOf(data, i));
        return blind.elbo(rowOf(data, i), q.mean, q.std).bound;
      });
      await withRuntime(t, async (runtime) => {
        for (const [p, numbers] of values) {
          runtime.write(p, p.name === 'decoder.0.weight' ? new Float32Array(p.size) : numbers);
        }
        for (const limit of [1, 7, 100, 101, COUNT]) {
          const found = await evaluateModel(runtime, model, dataset, rows, { limit });
          const expected = momentsOf(bounds.slice(0, limit));
          t.close(found.negativeElbo, -expected.mean, { absolute: 1e-5 }, `${limit} rows`);
          const spread = limit > 1 ? expected.standardError : 0;
          t.close(found.standardError, spread, { relative: 1e-4 }, `spread of ${limit} rows`);
        }
      });
    },
  );

  c(
    'counts the units that are in use, looks only at what it is asked for, and stops',
    async (t) => {
      const { model, values } = toyVae(exactly);
      await withRuntime(t, async (runtime) => {
        for (const [p, numbers] of values) {
          // The second unit says nothing about the data: it is always the same.
          const silent = numbers.slice();
          if (p.name === 'encoder.0.weight') silent.fill(0, D, 2 * D);
          if (p.name === 'encoder.0.bias') silent[1] = 3;
          runtime.write(p, silent);
        }
        const asked: number[] = [];
        const seen = (start: number, end: number) => {
          asked.push(end);
          return rows(start, end);
        };
        const progress: number[] = [];
        const options = { limit: 45, likelihoodLimit: 21, samples: 3 };
        const onProgress = (fraction: number) => progress.push(fraction);
        const result = await evaluateModel(runtime, model, dataset, seen, {
          ...options,
          onProgress,
        });
        t.equal([result.count, result.nll?.count, result.activeUnits], [45, 21, 1]);
        t.equal(asked, [45, 20, 21]);
        t.ok(
          progress.every((p, i) => p <= 1 && p >= (progress[i - 1] ?? 0)),
          'progress never goes back',
        );
        t.close(progress.at(-1) as number, 1, { absolute: 1e-12 });
        const none = await evaluateModel(runtime, model, dataset, rows);
        t.equal([none.nll, none.count], [null, COUNT]);
        const stopped = AbortSignal.abort();
        await t.throws('interrupted', () =>
          evaluateModel(runtime, model, dataset, rows, { signal: stopped }),
        );
        for (const wrong of [{ limit: 0 }, { limit: 2.5 }, { samples: -1 }, { samples: 1.5 }]) {
          await t.throws('bad-input', () => evaluateModel(runtime, model, dataset, rows, wrong));
        }
      });
    },
  );
});
