/** Posteriors: what their draws weigh, their divergences and entropies, and where they are led. */
import {
  Bernoulli,
  type Density,
  Laplace,
  LearnedMixture,
  MultivariateNormal,
  Normal,
  OneHot,
  StandardNormal,
  UniformOneHot,
} from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable, variable } from '../../src/graph/variable.ts';
import { makePosterior } from '../../src/models/index.ts';
import { constantInit } from '../../src/nn/index.ts';
import {
  BernoulliPosterior,
  CategoricalPosterior,
  elbo,
  FullPosterior,
  isDiscrete,
  type LatentModel,
  NormalPosterior,
  PathwisePosterior,
  type Posterior,
  posteriorOf,
  stl,
} from '../../src/objectives/index.ts';
import {
  add,
  constant,
  exp,
  expand,
  full,
  identity,
  logSumExp,
  matmul,
  mean,
  mul,
  neg,
  reshape,
  sub,
  sum,
  transpose,
} from '../../src/ops/index.ts';
import { adam, minimize } from '../../src/optim/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { ExactModel, type LinearGaussian } from '../support/linear-gaussian.ts';
import { outputsOf } from '../support/run.ts';
import { momentsOf } from '../support/statistics.ts';

const B = 3;

interface Trial {
  readonly make: (of: (name: string, width: number) => Tensor) => Posterior;
  readonly priors: readonly Density[];
}

const learned = variable('learned prior', [6], { init: () => reals('learned', 6, -1, 1) });

/** Factors whose diagonals are near 1. */
const lower = (numbers: Tensor) => add(mul(0.3, reshape(numbers, [-1, 3, 3])), identity(3));

const trials: Record<string, Trial> = {
  normal: {
    make: (of) => new NormalPosterior(new Normal(of('m', 3), of('s', 3))),
    priors: [new StandardNormal([3]), new Normal(constant(0.3), constant(-0.2))],
  },
  full: {
    make: (of) => new FullPosterior(of('m', 3), of('s', 3), of('l', 3)),
    priors: [new StandardNormal([3])],
  },
  covariances: {
    make: (of) => new PathwisePosterior(new MultivariateNormal(of('m', 3), lower(of('l', 9)))),
    priors: [
      new StandardNormal([3]),
      new MultivariateNormal(full([3], 0.2), mul(1.3, identity(3))),
    ],
  },
  Laplace: {
    make: (of) => new PathwisePosterior(new Laplace(of('m', 3), of('s', 3))),
    priors: [],
  },
  bits: {
    make: (of) => new BernoulliPosterior(new Bernoulli(of('a', 6))),
    priors: [new Bernoulli(constant(0)), new Bernoulli(learned)],
  },
  classes: {
    make: (of) => new CategoricalPosterior(new OneHot(of('a', 6), 3)),
    priors: [new UniformOneHot(2, 3), new OneHot(learned, 3)],
  },
};

/** A posterior whose parameters are inputs, and their values. */
function built({ make }: Trial) {
  const values = new Map<Variable, Float32Array>();
  const q = make((name, width) => {
    const x = input(name, [B, width]);
    values.set(x, reals(name, x.size, -1, 1));
    return x;
  });
  return { q, values };
}

concurrentCases('posteriors', (c) => {
  for (const [name, trial] of Object.entries(trials)) {
    c(`${name}: a draw weighs what its density says, one or many, as in float64`, async (t) => {
      const { q, values } = built(trial);
      for (const samples of [1, 5]) {
        const draw = q.draw(samples);
        const [own, again] = [draw.logProb(), q.logProb(draw.value)];
        t.equal(own.shape, samples === 1 ? [B] : [B, samples]);
        const got = await outputsOf(t, { own, again }, values);
        t.close(got.own, got.again, { absolute: 2e-5 }, `${samples} draws`);
        if (name !== 'full') await check(t, { outputs: { own } }, values);
      }
    });

    c(`${name}: closed-form divergence and entropy are the means of sampled ones`, async (t) => {
      const { q, values } = built(trial);
      const N = 20_000;
      const { value } = q.draw(N);
      const logQ = q.logProb(value);
      const outputs: Record<string, Tensor> = {
        entropy: q.entropy?.() as Tensor,
        logQ,
      };
      trial.priors.forEach((prior, i) => {
        const closed = q.klTo?.(prior) as Tensor;
        outputs[`closed ${i}`] = sum(closed, -1);
        outputs[`sampled ${i}`] = sub(logQ, prior.logProb(value));
      });
      const got = await outputsOf(t, outputs, values);
      const rowOf = (x: Float32Array, row: number) => x.subarray(row * N, (row + 1) * N);
      for (let row = 0; row < B; row++) {
        const { mean, standardError } = momentsOf(rowOf(got.logQ as Float32Array, row));
        t.close(-mean, (got.entropy as Float32Array)[row] as number, {
          absolute: 3.5 * standardError,
        });
        for (let i = 0; i < trial.priors.length; i++) {
          const sampled = momentsOf(rowOf(got[`sampled ${i}`] as Float32Array, row));
          const closed = (got[`closed ${i}`] as Float32Array)[row] as number;
          t.close(closed, sampled.mean, { absolute: 3.5 * sampled.standardError }, `prior ${i}`);
        }
      }
      t.equal(q.klTo?.(new LearnedMixture(3, 2)), undefined);
    });
  }

  c('a code of one number has a posterior of every kind', (t) => {
    for (const kind of ['normal', 'full', 'iaf', 'free', 'student-t'] as const) {
      const part = makePosterior({ kind, rows: B }, { kind: 'normal' }, 1);
      const q = part.of(input('numbers', [B, part.width]));
      t.equal(
        [q.draw(1).value.shape, q.draw(4).value.shape],
        [
          [B, 1],
          [B, 4, 1],
        ],
        kind,
      );
    }
  });

  c('any distribution with differentiable draws stands for a posterior', (t) => {
    const mean = input('m', [B, 3]);
    const model = {
      posterior: () => new Laplace(mean, mean),
      decode: (z: Tensor) => new Normal(z, constant(0)),
      prior: () => new StandardNormal([3]),
    };
    t.ok(posteriorOf(model, { x: mean }) instanceof PathwisePosterior, 'as it is');
    t.equal(elbo(model, { x: mean }, { samples: 4 }).bound.shape, [B]);
    t.equal(stl(model, { x: mean }).bound.shape, [B]);
  });

  c('full: draws have the covariance LLᵀ, and deviations are its diagonal', async (t) => {
    const { q, values } = built(trials.full as Trial);
    const N = 20_000;
    const got = await outputsOf(t, { logStd: q.logStd as Tensor, z: q.draw(N).value }, values);
    for (let row = 0; row < B; row++) {
      for (let i = 0; i < 3; i++) {
        const each = Float64Array.from(
          { length: N },
          (_, n) => got.z[(row * N + n) * 3 + i] as number,
        );
        const { variance } = momentsOf(each);
        const std = Math.exp(got.logStd[row * 3 + i] as number);
        // The relative error of a variance of N draws is √(2/N).
        t.close(variance, std ** 2, { relative: 4 * Math.sqrt(2 / N) });
      }
    }
  });

  c('discrete codes are counted whole, and their probabilities sum to one', async (t) => {
    for (const name of ['bits', 'classes']) {
      const { q, values } = built(trials[name] as Trial);
      if (!isDiscrete(q)) throw new Error(`${name} is not discrete`);
      const { codes, logProbs } = q.enumerate();
      const count = q.configurations;
      t.equal(
        [codes.shape, logProbs.shape],
        [
          [count, 6],
          [B, count],
        ],
      );
      const all = expand(codes, [B, count, 6]);
      const got = await outputsOf(
        t,
        {
          codes,
          total: logSumExp(logProbs, 1),
          logProbs,
          again: q.logProb(all),
          mean: matmul(exp(logProbs), codes),
          claimed: q.mean,
        },
        values,
      );
      const seen = new Set(
        Array.from({ length: count }, (_, i) => got.codes.subarray(i * 6, i * 6 + 6).join()),
      );
      t.equal(seen.size, count, 'each once');
      t.close(got.total, new Array(B).fill(0), { absolute: 2e-6 }, 'total');
      t.close(got.logProbs, got.again, { absolute: 5e-6 }, 'as one by one');
      t.close(got.mean, got.claimed, { absolute: 2e-6 }, 'mean');
    }
  });

  c(
    'relaxed codes near codes as they cool, and hard ones are codes with soft gradients',
    async (t) => {
      for (const name of ['bits', 'classes']) {
        const { q, values } = built(trials[name] as Trial);
        if (!isDiscrete(q)) throw new Error(`${name} is not discrete`);
        const at = async (temperature: number, isHard: boolean) =>
          (await outputsOf(t, { z: q.relaxed(50, temperature, isHard).value }, values)).z;
        const [warm, cold, hard] = [await at(1, false), await at(1e-4, false), await at(1, true)];
        t.close(hard, hard.map(Math.round), { absolute: 1e-6 }, 'hard codes are codes');
        const apart = (a: Float32Array) =>
          a.filter((x, i) => Math.abs(x - (hard[i] as number)) > 0.01).length;
        // Of two scores that differ by less than T log 100 nobody wins: one code in thousands.
        t.ok(apart(cold) <= 2, 'cold codes are the same codes');
        t.ok(apart(warm) > hard.length / 2, 'warm ones are not');
        const width = name === 'bits' ? 1 : 3;
        if (width === 3) {
          const sums = Array.from(
            { length: warm.length / 3 },
            (_, i) =>
              (warm[3 * i] as number) + (warm[3 * i + 1] as number) + (warm[3 * i + 2] as number),
          );
          t.close(
            sums,
            sums.map(() => 1),
            { absolute: 1e-6 },
            'relaxed classes sum to one',
          );
        }
      }
    },
  );
});

/** Columns that are not orthogonal: codes depend on each other once x is known. */
const skewed: LinearGaussian = {
  weight: [1, 0.8, 0.9, 0.2, 0.4, 1.1],
  bias: [0.1, -0.2, 0.3],
  latent: 2,
  std: 0.7,
};
const X = [0.9, -0.4, 1.3];

/** The skewed model of one data point, with a posterior of one's choice. */
function ofPoint(
  posterior: Posterior,
): LatentModel & { x: Tensor; values: Map<Variable, ArrayLike<number>> } {
  const [x, weight, bias] = [input('x', [1, 3]), input('w', [3, 2]), input('b', [3])];
  return {
    x,
    values: new Map([
      [x, X],
      [weight, skewed.weight],
      [bias, skewed.bias],
    ]),
    posterior: () => posterior,
    decode: (z) =>
      new Normal(add(matmul(z, transpose(weight)), bias), constant(Math.log(skewed.std))),
    prior: () => new StandardNormal([2]),
  };
}

/** Λ = I + WᵀW/σ², [2, 2], and its inverse. */
function precision() {
  const { weight, std } = skewed;
  const at = (i: number, j: number) =>
    [0, 1, 2].reduce(
      (total, d) => total + (Number(weight[d * 2 + i]) * Number(weight[d * 2 + j])) / std ** 2,
      i === j ? 1 : 0,
    );
  const [a, b, d] = [at(0, 0), at(0, 1), at(1, 1)];
  const det = a * d - b * b;
  return { diagonal: [a, d], covariance: [d / det, -b / det, a / det] };
}

concurrentCases('inference by gradients', (c) => {
  const parameter = (name: string, width: number) =>
    variable(name, [1, width], { role: 'parameter', init: constantInit(0) });
  const exact = new ExactModel(skewed);
  const logP = exact.logProb(X);

  c(
    'log p is the ELBO plus KL(q ‖ p(z | x)), and both derivations of the ELBO agree',
    async (t) => {
      const N = 20_000;
      const values = { m: [0.3, -0.2], s: [-0.4, -0.1] };
      const [m, s] = [input('m', [1, 2]), input('s', [1, 2])];
      const q = new NormalPosterior(new Normal(m, s));
      const model = ofPoint(q);
      const analytic = elbo(model, { x: model.x }, { samples: N });
      const sampled = elbo(model, { x: model.x }, { samples: N, kl: 'sampled' });
      // E log p(x, z) + H(q), the other way to write it.
      const { value } = q.draw(N);
      const joint = add(model.decode(value).logProb(model.x), model.prior().logProb(value));
      const got = await outputsOf(
        t,
        { analytic: analytic.bound, sampled: sampled.bound, joint, entropy: q.entropy() },
        new Map<Variable, ArrayLike<number>>([...model.values, [m, values.m], [s, values.s]]),
      );
      const std = values.s.map(Math.exp);
      const { bound } = exact.elbo(X, values.m, std);
      // KL of two normals, the second with all its covariances.
      const { diagonal, covariance } = precision();
      const posteriorMean = exact.posteriorMean(X);
      const off = values.m.map((v, i) => v - (posteriorMean[i] as number)) as [number, number];
      const [a, d] = diagonal as [number, number];
      const [c0, c1, c2] = covariance as [number, number, number];
      const det = c0 * c2 - c1 * c1;
      const quadratic = (c2 * off[0] ** 2 - 2 * c1 * off[0] * off[1] + c0 * off[1] ** 2) / det;
      const [s0, s1] = std as [number, number];
      const kl =
        0.5 * (a * s0 ** 2 + d * s1 ** 2 + quadratic - 2 + Math.log(det) - 2 * Math.log(s0 * s1));
      t.close(bound + kl, logP, { absolute: 1e-9 }, 'closed forms');
      const spread = momentsOf(got.joint);
      const absolute = 4 * spread.standardError;
      t.close(got.analytic, bound, { absolute }, 'analytic');
      t.close(got.sampled, bound, { absolute }, 'sampled');
      t.close(spread.mean + (got.entropy[0] as number), bound, { absolute }, 'joint and entropy');
      t.close((got.sampled[0] as number) + kl, logP, { absolute }, 'log p');
    },
  );

  c('full covariance reaches the exact posterior, and log p; a mean field has 1/Λ', async (t) => {
    const { diagonal, covariance } = precision();
    const posteriorMean = exact.posteriorMean(X);
    const run = async (
      posterior: Posterior,
      parameters: Variable[],
      outputs: Record<string, Tensor>,
    ) => {
      const model = ofPoint(posterior);
      const { surrogate } = stl(model, { x: model.x }, { samples: 64 });
      const optimizer = adam({ lr: (at) => mul(0.05, exp(mul(at, -1 / 80))) });
      const step = minimize(neg(mean(surrogate)), parameters, { optimizer });
      return await withRuntime(t, async (runtime) => {
        for (const [held, numbers] of model.values) runtime.write(held, numbers);
        const plan = await runtime.compile({ effects: step.effects });
        await plan.run(500);
        const after = await runtime.compile({
          outputs: {
            ...outputs,
            bound: elbo(model, { x: model.x }, { kl: 'sampled', samples: 4000 }).bound,
          },
        });
        await after.run();
        const found: Record<string, number[]> = {};
        for (const name of [...Object.keys(outputs), 'bound'])
          found[name] = [...(await after.read(name))];
        return found as Record<string, number[]>;
      });
    };
    const [m, s, l] = [parameter('m', 2), parameter('s', 2), parameter('l', 1)];
    const full = new FullPosterior(m, s, l);
    const got = await run(full, [m, s, l], { m: mul(1, m), s: exp(s), l: mul(1, l) });
    const [l00, l11] = got.s as [number, number];
    const [l10] = got.l as [number];
    // At the optimum sticking the landing leaves no noise: all digits that the steps leave are there.
    t.close(got.m as number[], posteriorMean, { absolute: 2e-4 }, 'mean');
    t.close(
      [l00 ** 2, l00 * l10, l10 ** 2 + l11 ** 2],
      covariance,
      { absolute: 2e-4 },
      'covariance',
    );
    t.close(got.bound as number[], logP, { absolute: 1e-4 }, 'log p');

    const [m2, s2] = [parameter('m', 2), parameter('s', 2)];
    const field = new NormalPosterior(new Normal(m2, s2));
    const loose = await run(field, [m2, s2], { m: mul(1, m2), s: exp(s2) });
    const { bound } = exact.elbo(
      X,
      posteriorMean,
      diagonal.map((v) => Math.sqrt(1 / v)),
    );
    t.close(
      (loose.s as number[]).map((v) => v ** 2),
      diagonal.map((v) => 1 / v),
      { relative: 0.03 },
      '1/Λ',
    );
    t.close(loose.m as number[], posteriorMean, { absolute: 0.02 }, 'mean of the field');
    t.ok(bound < logP - 0.05, 'its bound stays below');
    t.close(loose.bound as number[], bound, { absolute: 0.05 }, 'and is what it must be');
  });
});
