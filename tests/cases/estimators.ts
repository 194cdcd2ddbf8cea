/** Estimators of gradients: unbiased where they say so, of the variance they promise. */
import {
  Bernoulli,
  type Distribution,
  OneHot,
  UniformOneHot,
} from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import * as objectives from '../../src/objectives/index.ts';
import { add, constant, gradient, reshape, slice, square, sub, sum } from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';
import { exactElboGradient, exactPosterior, LoneModel } from '../support/lone-model.ts';
import { outputsOf } from '../support/run.ts';
import { momentsOf } from '../support/statistics.ts';

/** f(b) = (b - 0.45)², the first number of a code being b (Tucker et al. 2017). */
const TARGET = 0.45;
const f = (b: number) => (b - TARGET) ** 2;

class Toy implements objectives.LatentModel {
  readonly logits: Variable;
  private readonly isOneHot: boolean;
  private readonly lift: number;

  /** @param lift added to f, which moves no gradient */
  constructor(rows: number, isOneHot: boolean, lift = 0) {
    this.isOneHot = isOneHot;
    this.lift = lift;
    this.logits = input('logits', [rows, isOneHot ? 2 : 1]);
  }

  posterior(): Bernoulli | OneHot {
    return this.isOneHot ? new OneHot(this.logits, 2) : new Bernoulli(this.logits);
  }

  decode(z: Tensor): Distribution {
    const b = reshape(slice(z, -1, 0, 1), z.shape.slice(0, -1));
    return { logProb: () => add(square(sub(b, TARGET)), this.lift), sample: () => b, mean: b };
  }

  prior(): Bernoulli | UniformOneHot {
    return this.isOneHot ? new UniformOneHot(1, 2) : new Bernoulli(constant(0));
  }

  /** Log-odds a: of two classes, a and 0. */
  values(logit: number): Map<Variable, Float32Array> {
    const width = this.logits.shape[1] as number;
    return new Map([
      [
        this.logits,
        Float32Array.from({ length: this.logits.size }, (_, i) => (i % width ? 0 : logit)),
      ],
    ]);
  }
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** ∫ g(l) dl against the standard logistic density, by its quantiles. */
function overLogistic(g: (l: number) => number, cells = 20_000): number {
  let total = 0;
  for (let i = 0; i < cells; i++) {
    const u = (i + 0.5) / cells;
    total += g(Math.log(u / (1 - u)));
  }
  return total / cells;
}

const LOGIT = -0.7;
const p = sigmoid(LOGIT);
const EXACT = p * (1 - p) * (f(1) - f(0));

/** What relaxed draws' gradient is in the mean, and how it varies. */
function relaxedMoments(temperature: number, isHard: boolean) {
  const each = (l: number) => {
    const soft = sigmoid((LOGIT + l) / temperature);
    const at = isHard ? Number(LOGIT + l > 0) : soft;
    return (2 * (at - TARGET) * soft * (1 - soft)) / temperature;
  };
  const mean = overLogistic(each);
  return { mean, variance: overLogistic((l) => (each(l) - mean) ** 2) };
}

concurrentCases('estimators', (c) => {
  for (const isOneHot of [false, true]) {
    c(
      `of E (b - 0.45)², ${isOneHot ? 'two classes' : 'a bit'}: as exact, and as sure, as is known`,
      async (t) => {
        const N = 20_000;
        const toy = new Toy(N, isOneHot);
        const x = { x: input('x', [N, 1]) };
        const beta = 0;
        const mean = new objectives.MeanBaseline();
        const network = new objectives.NetworkBaseline(1, [2]);
        const estimates: Record<string, objectives.Estimate> = {
          enumerated: objectives.enumerated(toy, x, { beta }),
          plain: objectives.score(toy, x, { beta }),
          mean: objectives.score(toy, x, { beta, baseline: mean }),
          network: objectives.score(toy, x, { beta, baseline: network }),
          plain4: objectives.score(toy, x, { beta, samples: 4 }),
          others4: objectives.score(toy, x, { beta, samples: 4, baseline: 'leave-one-out' }),
          gumbel1: objectives.gumbel(toy, x, { beta, temperature: 1 }),
          gumbel: objectives.gumbel(toy, x, { beta, temperature: constant(0.05) }),
          straight: objectives.straightThrough(toy, x, { beta, temperature: 0.5 }),
        };
        const outputs: Record<string, Tensor> = {};
        for (const [name, { surrogate }] of Object.entries(estimates)) {
          outputs[name] = slice(gradient(sum(surrogate), [toy.logits])[0] as Tensor, -1, 0, 1);
        }
        const signal = p * f(1) + (1 - p) * f(0);
        const [weight, bias] = network.net.layers
          .flatMap(({ weight, bias }) => [weight, bias])
          .slice(2);
        const got = await outputsOf(
          t,
          outputs,
          new Map<Variable, ArrayLike<number>>([
            ...toy.values(LOGIT),
            [x.x, new Float32Array(N)],
            [mean.total, [0.8 * signal]],
            [mean.weight, [0.8]],
            [weight as Variable, [0, 0]],
            [bias as Variable, [signal]],
          ]),
        );
        const moments = Object.fromEntries(
          Object.entries(got).map(([name, values]) => [name, momentsOf(values)]),
        ) as Record<string, ReturnType<typeof momentsOf>>;
        const expected: Record<string, number> = {
          gumbel1: relaxedMoments(1, false).mean,
          gumbel: relaxedMoments(0.05, false).mean,
          straight: relaxedMoments(0.5, true).mean,
        };
        for (const [name, { mean, standardError }] of Object.entries(moments)) {
          const absolute = 3 * standardError + 1e-6;
          t.close(mean, expected[name] ?? EXACT, { absolute }, name);
        }
        t.close(got.enumerated as Float32Array, new Array(N).fill(EXACT), { absolute: 1e-7 });
        // As T falls the relaxed gradient nears the exact one.
        const bias1 = Math.abs((expected.gumbel1 as number) - EXACT);
        t.ok(bias1 > 6 * Math.abs((expected.gumbel as number) - EXACT), 'the bias goes with T');
        const variance = (name: string) => (moments[name] as { variance: number }).variance;
        // Closed forms: f(b) (b - p), with a constant baseline, and its mean over four draws.
        const spread = (b: number) => p * (1 - p) * ((f(1) - b) * (1 - p) + (f(0) - b) * p) ** 2;
        t.close(variance('plain'), spread(0), { relative: 0.05 }, 'plain');
        t.close(variance('mean'), spread(signal), { relative: 0.1 }, 'mean');
        t.close(variance('network'), spread(signal), { relative: 0.1 }, 'network');
        t.close(variance('plain4'), spread(0) / 4, { relative: 0.05 }, 'plain of four');
        t.ok(variance('others4') < variance('plain4') / 4, 'leave-one-out helps');
        for (const [name, T] of [
          ['gumbel1', 1],
          ['gumbel', 0.05],
        ] as const) {
          t.close(variance(name), relaxedMoments(T, false).variance, { relative: 0.1 }, name);
        }
        t.ok(variance('gumbel1') < variance('plain') / 3, 'relaxed draws vary less');
      },
    );
  }

  c(
    'VIMCO and the plain score of IWAE-3 have one mean, that of a sum over all draws',
    async (t) => {
      const N = 20_000;
      const lift = 3;
      const toy = new Toy(N, false, lift);
      const x = { x: input('x', [N, 1]) };
      const vimco = objectives.score(toy, x, {
        bound: 'iwae',
        samples: 3,
        baseline: 'leave-one-out',
      });
      const plain = objectives.score(toy, x, { bound: 'iwae', samples: 3 });
      const of = ({ surrogate }: objectives.Estimate) =>
        gradient(sum(surrogate), [toy.logits])[0] as Tensor;
      const got = await outputsOf(
        t,
        { vimco: of(vimco), plain: of(plain), bound: vimco.bound },
        new Map([...toy.values(LOGIT), [x.x, new Float32Array(N)]]),
      );
      // Both gradients, and the bound, over the eight triples there are.
      const triples = Array.from({ length: 8 }, (_, code) => {
        const bits = [code & 1, (code >> 1) & 1, (code >> 2) & 1];
        const logs = bits.map((b) => f(b) + lift + Math.log(0.5 / (b ? p : 1 - p)));
        const total = logs.reduce((sum, log) => sum + Math.exp(log), 0);
        const bound = Math.log(total / 3);
        const gradientOf = (baseline: (k: number) => number) =>
          bits.reduce((sum, b, k) => {
            const direct = Math.exp(logs[k] as number) / total;
            return sum + (bound - baseline(k) - direct) * (b - p);
          }, 0);
        const without = (k: number) => {
          const [a, b] = logs.filter((_, j) => j !== k) as [number, number];
          return Math.log((Math.exp(a) + Math.exp(b) + Math.exp((a + b) / 2)) / 3);
        };
        const chance = bits.reduce((product, b) => product * (b ? p : 1 - p), 1);
        return { chance, bound, plain: gradientOf(() => 0), vimco: gradientOf(without) };
      });
      for (const of of ['bound', 'plain', 'vimco'] as const) {
        const average = triples.reduce((sum, each) => sum + each.chance * each[of], 0);
        const spread = triples.reduce(
          (sum, each) => sum + each.chance * (each[of] - average) ** 2,
          0,
        );
        const { mean, standardError, variance } = momentsOf(got[of]);
        t.close(mean, average, { absolute: 3 * standardError }, of);
        t.close(variance, spread, { relative: 0.05 }, `variance of ${of}`);
      }
    },
  );

  const off = { x: 1.2, weight: 0.8, bias: 0.1, mean: 0.2, logStd: -0.1 };

  c('STL and the plain gradient of the ELBO are those of its closed form', async (t) => {
    const N = 20_000;
    const model = new LoneModel(N, off.weight);
    const batch = { x: model.x };
    const estimates = {
      plain: objectives.elbo(model, batch, { kl: 'sampled' }),
      stl: objectives.stl(model, batch),
      stl4: objectives.stl(model, batch, { samples: 4 }),
      score: objectives.score(model, batch, { samples: 2, baseline: 'leave-one-out' }),
    };
    const exact = exactElboGradient(off);
    for (const [name, estimate] of Object.entries(estimates)) {
      const got = await outputsOf(t, model.gradients(estimate.surrogate), model.values(off));
      for (const of of ['mean', 'logStd', 'bias'] as const) {
        const { mean, standardError } = momentsOf(got[of]);
        t.close(mean, exact[of], { absolute: 3.5 * standardError }, `${name}, ${of}`);
      }
    }
  });

  c('STL is zero, draw by draw, where q is the posterior; the plain gradient is not', async (t) => {
    const N = 500;
    const right = { ...off, ...exactPosterior(off) };
    const model = new LoneModel(N, right.weight);
    const batch = { x: model.x };
    const trials = {
      elbo: objectives.stl(model, batch),
      iwae: objectives.stl(model, batch, { bound: 'iwae', samples: 5 }),
      dreg: objectives.dreg(model, batch, { samples: 5 }),
    };
    for (const [name, { surrogate }] of Object.entries(trials)) {
      const { mean, logStd } = await outputsOf(t, model.gradients(surrogate), model.values(right));
      // A gradient is a difference of slopes of size up to 5, which float32 rounds.
      t.close(mean, new Float64Array(N), { absolute: 5e-6 }, `${name}, mean`);
      t.close(logStd, new Float64Array(N), { absolute: 1e-5 }, `${name}, log s`);
    }
    const plain = objectives.elbo(model, batch, { kl: 'sampled' });
    const { mean } = await outputsOf(t, model.gradients(plain.surrogate), model.values(right));
    t.ok(momentsOf(mean).variance > 0.1, 'the plain gradient varies');
  });

  c('DReG has the mean of the plain gradient of IWAE, and less variance', async (t) => {
    const N = 20_000;
    const model = new LoneModel(N, off.weight);
    const batch = { x: model.x };
    const plain = objectives.importanceBound(model, batch, 8);
    const dreg = objectives.dreg(model, batch, { samples: 8 });
    const got = {
      plain: await outputsOf(t, model.gradients(plain.surrogate), model.values(off)),
      dreg: await outputsOf(t, model.gradients(dreg.surrogate), model.values(off)),
    };
    for (const of of ['mean', 'logStd', 'bias'] as const) {
      const [a, b] = [momentsOf(got.plain[of]), momentsOf(got.dreg[of])];
      const absolute = 3.5 * Math.hypot(a.standardError, b.standardError);
      t.close(b.mean, a.mean, { absolute }, of);
      if (of !== 'bias') t.ok(b.variance < a.variance / 4, `${of} varies less`);
    }
  });

  c('the moving average of the signal goes on, and starts without a pull to zero', async (t) => {
    const toy = new Toy(4, false);
    const x = { x: input('x', [4, 1]) };
    const baseline = new objectives.MeanBaseline();
    const { effects = [], reconstruction } = objectives.score(toy, x, { beta: 0, baseline });
    await withRuntime(t, async (runtime) => {
      for (const [held, values] of toy.values(LOGIT)) runtime.write(held, values);
      const plan = await runtime.compile({ outputs: { reconstruction }, effects });
      await plan.run();
      const first = momentsOf(await plan.read('reconstruction')).mean;
      const [[total], [weight]] = await Promise.all([
        runtime.read(baseline.total),
        runtime.read(baseline.weight),
      ]);
      t.close((total as number) / (weight as number), first, { relative: 1e-5 }, 'after a step');
    });
  });
});
