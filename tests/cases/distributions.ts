/** Distributions: densities against formulas in float64, divergences, draws. */
import {
  Bernoulli,
  Beta,
  Categorical,
  Dirichlet,
  DiscretizedLogistic,
  Gamma,
  klDivergence,
  Laplace,
  Mixture,
  MultivariateNormal,
  NegativeBinomial,
  Normal,
  OneHot,
  Poisson,
  StandardNormal,
  Uniform,
  UniformOneHot,
} from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import {
  exp,
  expand,
  gradient,
  mean,
  mul,
  reshape,
  slice,
  sub,
  sum,
  zeros,
} from '../../src/ops/index.ts';
import { digamma, logGamma, logGammaSlope } from '../../src/ops/reference/gamma.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals } from '../support/engine.ts';
import { agrees, Givens, logSumExp, rowSums, sigmoid, softplus } from '../support/formulas.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { column, momentsOf } from '../support/statistics.ts';

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

concurrentCases('distributions', (c) => {
  c('normal: density, entropy and divergences', async (t) => {
    const [B, D] = [5, 7];
    const givens = new Givens();
    const x = givens.uniform('x', [B, D], -3, 3);
    const location = givens.uniform('mean', [B, D], -3, 3);
    const logStd = givens.uniform('logStd', [D], -2, 1.5);
    const otherMean = givens.uniform('other mean', [D], -3, 3);
    const otherLogStd = givens.uniform('other logStd', [B, D], -1, 1);
    const q = new Normal(location, logStd);
    const p = new Normal(otherMean, otherLogStd);
    const prior = new StandardNormal([B, D]);
    const outputs = {
      logProb: q.logProb(x),
      broadcast: new Normal(otherMean, logStd).logProb(x),
      priorLogProb: prior.logProb(x),
      entropy: q.entropy(),
      priorEntropy: prior.entropy(),
      std: q.std,
      kl: klDivergence(q, p),
      klPrior: klDivergence(q, prior),
    };
    const [gx, gm, gs, gom, gos] = givens.readers(x, location, logStd, otherMean, otherLogStd);
    const logNormal = (value: number, m: number, s: number) =>
      -0.5 * ((value - m) / Math.exp(s)) ** 2 - s - HALF_LOG_2PI;
    const kl = (mq: number, sq: number, mp: number, sp: number) =>
      sp - sq + (Math.exp(2 * sq) + (mq - mp) ** 2) / (2 * Math.exp(2 * sp)) - 0.5;
    await agrees(t, outputs, givens, {
      logProb: rowSums(B, D, (i) => logNormal(gx(i), gm(i), gs(i))),
      broadcast: rowSums(B, D, (i) => logNormal(gx(i), gom(i), gs(i))),
      priorLogProb: rowSums(B, D, (i) => logNormal(gx(i), 0, 0)),
      entropy: rowSums(B, D, (i) => gs(i) + HALF_LOG_2PI + 0.5),
      priorEntropy: rowSums(B, D, () => HALF_LOG_2PI + 0.5),
      std: Float64Array.from({ length: D }, (_, i) => Math.exp(gs(i))),
      kl: rowSums(B, D, (i) => kl(gm(i), gs(i), gom(i), gos(i))),
      klPrior: rowSums(B, D, (i) => kl(gm(i), gs(i), 0, 0)),
    });
    t.equal(prior.mean.shape, [B, D]);
    const { priorMean } = referenceOf({ priorMean: prior.mean });
    t.ok(
      priorMean.every((value) => value === 0),
      'the mean of the standard normal is 0',
    );
  });

  c('Bernoulli and categorical: densities and means', async (t) => {
    const [B, D, L] = [3, 5, 7];
    const givens = new Givens();
    const grey = givens.uniform('grey', [B, D], 0, 1);
    const bits = givens.of('bits', [B, D], (n) => Array.from({ length: n }, (_, i) => (i * 3) % 2));
    const logits = givens.of('logits', [B, D], (n) => {
      const some = reals('logits', n, -8, 8);
      some.set([-80, 0, 80, -30, 30]);
      return some;
    });
    const scores = givens.uniform('scores', [B, D, L], -9, 9);
    const levels = givens.of('levels', [B, D], (n) =>
      Array.from({ length: n }, (_, i) => ((i * 5) % L) / (L - 1)),
    );
    const bernoulli = new Bernoulli(logits);
    const categorical = new Categorical(scores);
    const outputs = {
      bits: bernoulli.logProb(bits),
      grey: bernoulli.logProb(grey),
      bernoulliMean: bernoulli.mean,
      levels: categorical.logProb(levels),
      categoricalMean: categorical.mean,
    };
    const [gg, gb, gl, gs] = givens.readers(grey, bits, logits, scores);
    const row = (i: number) => Array.from({ length: L }, (_, l) => gs(i * L + l));
    const logBernoulli = (value: number, logit: number) =>
      -value * softplus(-logit) - (1 - value) * softplus(logit);
    await agrees(t, outputs, givens, {
      bits: rowSums(B, D, (i) => logBernoulli(gb(i), gl(i))),
      grey: rowSums(B, D, (i) => logBernoulli(gg(i), gl(i))),
      bernoulliMean: Float64Array.from({ length: B * D }, (_, i) => sigmoid(gl(i))),
      levels: rowSums(B, D, (i) => gs(i * L + ((i * 5) % L)) - logSumExp(row(i))),
      categoricalMean: Float64Array.from({ length: B * D }, (_, i) => {
        const normalizer = logSumExp(row(i));
        return row(i).reduce((total, s, l) => total + (l / (L - 1)) * Math.exp(s - normalizer), 0);
      }),
    });
  });

  c('probabilities of 256 levels sum to one', async (t) => {
    const givens = new Givens();
    const grid = givens.of('grid', [256, 1], () => Array.from({ length: 256 }, (_, i) => i / 255));
    const scores = givens.uniform('scores', [3, 1, 1, 256], -12, 12);
    // Narrower than a bin, within a few bins, wider than the grid; on it and beside it.
    const centres = givens.of('centres', [6, 1, 1], () => [0.4, 0, 1, -0.3, 0.77, 1.2]);
    const logScales = givens.of('scales', [6, 1, 1], () => [-9, -5, -3, -2, 0, 2]);
    const logProb = {
      categorical: new Categorical(scores).logProb(grid),
      logistic: new DiscretizedLogistic(centres, logScales).logProb(grid),
    };
    t.equal(logProb.categorical.shape, [3, 256]);
    t.equal(logProb.logistic.shape, [6, 256]);
    const outputs = {
      categorical: sum(exp(logProb.categorical), -1),
      logistic: sum(exp(logProb.logistic), -1),
    };
    const ones = {
      categorical: new Float64Array(3).fill(1),
      logistic: new Float64Array(6).fill(1),
    };
    // The levels are float32 numbers beside those meant, so their bins do not quite touch.
    await agrees(t, outputs, givens, ones, { absolute: 1e-6 });
  });

  c('discretized logistic: masses of bins are differences of the distribution', async (t) => {
    const [B, D, L] = [4, 5, 16];
    const givens = new Givens();
    const x = givens.of('x', [B, D], (n) =>
      Array.from({ length: n }, (_, i) => ((i * 7) % L) / (L - 1)),
    );
    const centre = givens.uniform('centre', [B, D], -0.2, 1.2);
    const logScale = givens.uniform('logScale', [D], -3, 0.5);
    const px = new DiscretizedLogistic(centre, logScale, L);
    const [gc, gs] = givens.readers(centre, logScale);
    const reference = referenceOf({ logProb: px.logProb(x) }, givens).logProb;
    const expected = rowSums(B, D, (i) => {
      const level = (i * 7) % L;
      const cdf = (edge: number) => sigmoid((edge - gc(i)) / Math.exp(gs(i)));
      const upper = level === L - 1 ? 1 : cdf((level + 0.5) / (L - 1));
      const lower = level === 0 ? 0 : cdf((level - 0.5) / (L - 1));
      return Math.log(upper - lower);
    });
    // The formula here cancels; levels are float32 numbers beside those meant.
    t.close(reference, expected, { absolute: 1e-5 }, 'log-masses');
    const [dc, ds] = gradient(sum(px.logProb(x)), [centre, logScale]) as [Tensor, Tensor];
    await check(t, { outputs: { logProb: px.logProb(x), dc, ds } }, givens);
  });

  c('closed-form divergences are the means of sampled ones', async (t) => {
    const [N, B, D] = [4000, 3, 4];
    const givens = new Givens();
    const q = new Normal(
      givens.uniform('mean', [B, D], -1, 1),
      givens.uniform('logStd', [B, D], -1, 0.5),
    );
    const p = new Normal(
      givens.uniform('other mean', [B, D], -1, 1),
      givens.uniform('other logStd', [B, D], -0.5, 0.5),
    );
    const prior = new StandardNormal([B, D]);
    const z = q.rsample([N]);
    const log = q.logProb(z);
    const values = await outputsOf(
      t,
      {
        kl: klDivergence(q, p),
        klPrior: klDivergence(q, prior),
        entropy: q.entropy(),
        sampledKl: sub(log, p.logProb(z)),
        sampledKlPrior: sub(log, prior.logProb(z)),
        sampledEntropy: mul(-1, log),
      },
      givens,
    );
    for (const [closed, sampled] of [
      ['kl', 'sampledKl'],
      ['klPrior', 'sampledKlPrior'],
      ['entropy', 'sampledEntropy'],
    ] as const) {
      for (let b = 0; b < B; b++) {
        const { mean: estimate, standardError } = momentsOf(column(values[sampled], B, b));
        const exact = values[closed][b] as number;
        t.close(estimate, exact, { absolute: 4 * standardError }, `${closed} of row ${b}`);
      }
    }
  });

  c('Laplace: density, entropy, what is missing', async (t) => {
    const [B, D] = [4, 3];
    const givens = new Givens();
    const x = givens.uniform('x', [B, D], -3, 3);
    const middle = givens.uniform('mean', [B, D], -3, 3);
    const logScale = givens.uniform('logScale', [D], -2, 2);
    const mask = givens.of('mask', [B, D], (n) => Array.from({ length: n }, (_, i) => i % 2));
    const p = new Laplace(middle, logScale);
    const [gx, gm, gs, gk] = givens.readers(x, middle, logScale, mask);
    const term = (i: number) =>
      -Math.abs(gx(i) - gm(i)) / Math.exp(gs(i)) - Math.log(2 * Math.exp(gs(i)));
    const outputs = {
      logProb: p.logProb(x),
      seen: p.logProb(x, mask),
      entropy: p.entropy(),
    };
    await agrees(t, outputs, givens, {
      logProb: rowSums(B, D, term),
      seen: rowSums(B, D, (i) => gk(i) * term(i)),
      entropy: rowSums(B, D, (i) => 1 + Math.log(2 * Math.exp(gs(i)))),
    });
  });

  c('mixtures: densities and means of components that rows have for themselves', async (t) => {
    const [B, K, D] = [3, 4, 2];
    const givens = new Givens();
    const x = givens.uniform('x', [B, D], -2, 2);
    const logits = givens.uniform('logits', [B, K], -2, 2);
    const middle = givens.uniform('means', [B, K, D], -2, 2);
    const logStd = givens.uniform('logStds', [B, K, D], -1, 1);
    const mask = givens.of('mask', [B, D], (n) => Array.from({ length: n }, (_, i) => (i + 1) % 2));
    const p = new Mixture(logits, new Normal(middle, logStd));
    const one = new Mixture(
      givens.uniform('one weight', [1], -1, 1),
      new Bernoulli(givens.uniform('log-odds', [1, D], -2, 2)),
    );
    const [gx, gl, gm, gs, gk] = givens.readers(x, logits, middle, logStd, mask);
    const row = (b: number) => Array.from({ length: K }, (_, k) => gl(b * K + k));
    const weight = (b: number, k: number) => gl(b * K + k) - logSumExp(row(b));
    const joint = (b: number, k: number, seen = (_: number) => 1) => {
      let total = weight(b, k);
      for (let d = 0; d < D; d++) {
        const at = (b * K + k) * D + d;
        const z = (gx(b * D + d) - gm(at)) / Math.exp(gs(at));
        total += seen(b * D + d) * (-0.5 * z * z - gs(at) - HALF_LOG_2PI);
      }
      return total;
    };
    const joints = (b: number, seen?: (i: number) => number) =>
      Array.from({ length: K }, (_, k) => joint(b, k, seen));
    const each = (of: (b: number) => number[]) =>
      Float64Array.from(Array.from({ length: B }, (_, b) => of(b)).flat());
    await agrees(
      t,
      {
        logProb: p.logProb(x),
        seen: p.logProb(x, mask),
        shares: p.logResponsibilities(x),
        mean: p.mean,
        // Of a single component it is that one.
        alone: sub(one.logProb(mask), one.components.logProb(mask)),
      },
      givens,
      {
        logProb: each((b) => [logSumExp(joints(b))]),
        seen: each((b) => [logSumExp(joints(b, gk))]),
        shares: each((b) => joints(b).map((own) => own - logSumExp(joints(b)))),
        mean: each((b) =>
          Array.from({ length: D }, (_, d) =>
            row(b).reduce((m, _, k) => m + Math.exp(weight(b, k)) * gm((b * K + k) * D + d), 0),
          ),
        ),
        alone: new Float64Array(B),
      },
    );
    await t.throws('shape-mismatch', () => new Mixture(logits, new Normal(x, x)), /go together/);
  });

  c('multivariate normal: density, entropy, divergence', async (t) => {
    const [B, D] = [3, 2];
    const givens = new Givens();
    const x = givens.uniform('x', [B, D], -2, 2);
    const middle = givens.uniform('mean', [B, D], -2, 2);
    // What lies above the diagonal does not count.
    const triangles = givens.of('L', [B, D, D], () => [1, 9, 0.5, 2, 0.3, 9, -1, 1, 2, 9, 0, 0.4]);
    const own = givens.of('M', [D, D], () => [1.5, 7, -0.7, 0.6]);
    const q = new MultivariateNormal(middle, triangles);
    const p = new MultivariateNormal(
      givens.of('centre', [D], () => [0.3, -0.2]),
      own,
    );
    const [gx, gm, gl, gp] = givens.readers(x, middle, triangles, own);
    type Pair = [number, number];
    const lower = (read: (i: number) => number, b: number): [number, number, number] => [
      read(b * 4),
      read(b * 4 + 2),
      read(b * 4 + 3),
    ];
    const solve = ([a, c, d]: [number, number, number], [u, v]: Pair): Pair => [
      u / a,
      (v - (c * u) / a) / d,
    ];
    const log = ([a, c, d]: [number, number, number], away: Pair) => {
      const [u, v] = solve([a, c, d], away);
      return -0.5 * (u * u + v * v) - Math.log(a * d) - 2 * HALF_LOG_2PI;
    };
    const rows = (of: (b: number) => number) => Float64Array.from({ length: B }, (_, b) => of(b));
    const away = (b: number, m: (i: number) => number): Pair => [
      gx(2 * b) - m(2 * b),
      gx(2 * b + 1) - m(2 * b + 1),
    ];
    await agrees(
      t,
      {
        logProb: q.logProb(x),
        shared: p.logProb(x),
        entropy: q.entropy(),
        kl: klDivergence(q, p),
        none: klDivergence(q, q),
        toStandard: klDivergence(q, new StandardNormal([D])),
      },
      givens,
      {
        logProb: rows((b) => log(lower(gl, b), away(b, gm))),
        shared: rows((b) =>
          log(
            lower(gp, 0),
            away(b, (i) => [Math.fround(0.3), Math.fround(-0.2)][i % 2] as number),
          ),
        ),
        entropy: rows((b) => {
          const [a, , d] = lower(gl, b);
          return Math.log(a * d) + 2 * HALF_LOG_2PI + 1;
        }),
        kl: rows((b) => {
          const [lq, lp] = [lower(gl, b), lower(gp, 0)];
          const columns = [solve(lp, [lq[0], lq[1]]), solve(lp, [0, lq[2]])];
          const far = solve(lp, [gm(2 * b) - Math.fround(0.3), gm(2 * b + 1) - Math.fround(-0.2)]);
          const squares = [...columns, far].flat().reduce((s, v) => s + v * v, 0);
          return 0.5 * (squares - 2) + Math.log(lp[0] * lp[2]) - Math.log(lq[0] * lq[2]);
        }),
        none: new Float64Array(B),
        toStandard: rows((b) => {
          const l = lower(gl, b);
          const squares = [...l, gm(2 * b), gm(2 * b + 1)].reduce((s, v) => s + v * v, 0);
          return 0.5 * (squares - 2) - Math.log(l[0] * l[2]);
        }),
      },
      { absolute: 1e-11, relative: 1e-11 },
    );
    await t.throws('bad-config', () => q.logProb(x, x), /whole rows/);
  });

  c('bits and one-hot codes: entropies, divergences', async (t) => {
    const givens = new Givens();
    const [a, b] = [givens.uniform('a', [2, 3], -2, 2), givens.uniform('b', [3], -2, 2)];
    const codes = givens.uniform('codes', [2, 6], -2, 2);
    const [ga, gb, gc] = givens.readers(a, b, codes);
    const q = new OneHot(codes, 3);
    const bit = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);
    const share = (i: number) => {
      const group = 3 * Math.floor(i / 3);
      return Math.exp(gc(i) - logSumExp([gc(group), gc(group + 1), gc(group + 2)]));
    };
    const outputs = {
      bits: new Bernoulli(a).entropy(),
      klBits: klDivergence(new Bernoulli(a), new Bernoulli(b)),
      classes: q.entropy(),
      klClasses: klDivergence(q, new UniformOneHot(2, 3)),
    };
    await agrees(t, outputs, givens, {
      bits: rowSums(2, 3, (i) => bit(sigmoid(ga(i)))),
      klBits: rowSums(2, 3, (i) => {
        const [p, r] = [sigmoid(ga(i)), sigmoid(gb(i))];
        return p * Math.log(p / r) + (1 - p) * Math.log((1 - p) / (1 - r));
      }),
      classes: rowSums(2, 6, (i) => -share(i) * Math.log(share(i))),
      klClasses: rowSums(2, 6, (i) => share(i) * Math.log(3 * share(i))),
    });
    await t.throws('bad-config', () => klDivergence(q, new StandardNormal([6])), /different kinds/);
  });

  c('gamma, beta, Dirichlet, uniform: densities, entropies, divergences', async (t) => {
    const [B, D] = [3, 4];
    const givens = new Givens();
    const x = givens.uniform('x', [B, D], 0.1, 0.9);
    const [a, b] = [givens.uniform('a', [B, D], 0.3, 6), givens.uniform('b', [D], 0.3, 6)];
    const [c1, c2] = [givens.uniform('c', [D], 0.3, 6), givens.uniform('d', [B, D], 0.3, 6)];
    const shares = givens.of('shares', [B, D], () =>
      Array.from(
        { length: B * D },
        (_, i) => [0.1, 0.2, 0.3, 0.4][(i + Math.floor(i / D)) % D] as number,
      ),
    );
    const [gx, ga, gb, gc, gd, gs] = givens.readers(x, a, b, c1, c2, shares);
    const [gamma, beta, dirichlet] = [new Gamma(a, b), new Beta(a, b), new Dirichlet(a)];
    const uniform = new Uniform(mul(-1, b), a);
    const logBeta = (p: number, q: number) => logGamma(p) + logGamma(q) - logGamma(p + q);
    const row = (of: (i: number) => number, r: number) =>
      Array.from({ length: D }, (_, j) => of(r * D + j));
    const total = (values: readonly number[]) => values.reduce((m, v) => m + v, 0);
    const logB = (values: readonly number[]) =>
      total(values.map(logGamma)) - logGamma(total(values));
    const rows = (of: (r: number) => number) => Float64Array.from({ length: B }, (_, r) => of(r));
    await agrees(
      t,
      {
        gamma: gamma.logProb(x),
        gammaEntropy: gamma.entropy(),
        gammaKl: klDivergence(gamma, new Gamma(c1, c2)),
        beta: beta.logProb(x),
        betaEntropy: beta.entropy(),
        betaKl: klDivergence(beta, new Beta(c1, c2)),
        dirichlet: dirichlet.logProb(shares),
        dirichletEntropy: dirichlet.entropy(),
        dirichletKl: klDivergence(dirichlet, new Dirichlet(c2)),
        inside: uniform.logProb(sub(x, 0.5)),
        width: uniform.entropy(),
      },
      givens,
      {
        gamma: rowSums(
          B,
          D,
          (i) =>
            ga(i) * Math.log(gb(i)) -
            logGamma(ga(i)) +
            (ga(i) - 1) * Math.log(gx(i)) -
            gb(i) * gx(i),
        ),
        gammaEntropy: rowSums(
          B,
          D,
          (i) => ga(i) - Math.log(gb(i)) + logGamma(ga(i)) + (1 - ga(i)) * digamma(ga(i)),
        ),
        gammaKl: rowSums(
          B,
          D,
          (i) =>
            (ga(i) - gc(i)) * digamma(ga(i)) -
            logGamma(ga(i)) +
            logGamma(gc(i)) +
            gc(i) * Math.log(gb(i) / gd(i)) +
            ga(i) * (gd(i) / gb(i) - 1),
        ),
        beta: rowSums(
          B,
          D,
          (i) =>
            (ga(i) - 1) * Math.log(gx(i)) +
            (gb(i) - 1) * Math.log(1 - gx(i)) -
            logBeta(ga(i), gb(i)),
        ),
        betaEntropy: rowSums(
          B,
          D,
          (i) =>
            logBeta(ga(i), gb(i)) -
            (ga(i) - 1) * digamma(ga(i)) -
            (gb(i) - 1) * digamma(gb(i)) +
            (ga(i) + gb(i) - 2) * digamma(ga(i) + gb(i)),
        ),
        betaKl: rowSums(
          B,
          D,
          (i) =>
            logBeta(gc(i), gd(i)) -
            logBeta(ga(i), gb(i)) +
            (ga(i) - gc(i)) * digamma(ga(i)) +
            (gb(i) - gd(i)) * digamma(gb(i)) +
            (gc(i) - ga(i) + gd(i) - gb(i)) * digamma(ga(i) + gb(i)),
        ),
        dirichlet: rows(
          (r) => total(row((i) => (ga(i) - 1) * Math.log(gs(i)), r)) - logB(row(ga, r)),
        ),
        dirichletEntropy: rows((r) => {
          const [own, all] = [row(ga, r), total(row(ga, r))];
          return logB(own) + (all - D) * digamma(all) - total(own.map((v) => (v - 1) * digamma(v)));
        }),
        dirichletKl: rows((r) => {
          const [q, p] = [row(ga, r), row(gd, r)];
          const pull = q.map((v, k) => (v - (p[k] as number)) * (digamma(v) - digamma(total(q))));
          return logB(p) - logB(q) + total(pull);
        }),
        inside: rowSums(B, D, (i) =>
          gx(i) - 0.5 < -gb(i) || gx(i) - 0.5 > ga(i) ? -1e30 : -Math.log(ga(i) + gb(i)),
        ),
        width: rowSums(B, D, (i) => Math.log(ga(i) + gb(i))),
      },
      { absolute: 1e-11, relative: 1e-11 },
    );
    await t.throws('bad-config', () => dirichlet.logProb(x, x), /whole rows/);
    await t.throws('shape-mismatch', () => new Dirichlet(sum(a, -1, { keepDims: true })), /two/);
  });

  c('counts: probabilities that add up to one, and their gradients', async (t) => {
    const givens = new Givens();
    const logRate = givens.of('logRate', [3, 1, 1], () => [-1, 0.7, 2.5]);
    const totals = givens.of('total', [3, 1, 1], () => [0.5, 3, 40]);
    const x = givens.of('counts', [80, 1], () => Array.from({ length: 80 }, (_, i) => i));
    const laws = { poisson: new Poisson(logRate), binomial: new NegativeBinomial(logRate, totals) };
    const outputs = Object.fromEntries(
      Object.entries(laws).flatMap(([name, law]) => {
        const p = exp(law.logProb(x));
        const [slope] = gradient(sum(law.logProb(x)), [logRate]) as [Tensor];
        return [
          [`${name} of all`, sum(p, -1)],
          [`${name} mean`, sum(mul(p, reshape(x, [80])), -1)],
          [`${name} slope`, slope],
        ];
      }),
    );
    const ones = Float64Array.of(1, 1, 1);
    const means = Float64Array.from([-1, 0.7, 2.5], (l) => Math.exp(Math.fround(l)));
    const counts = (80 * 79) / 2;
    const rates = [...means];
    await agrees(
      t,
      outputs,
      givens,
      {
        'poisson of all': ones,
        'poisson mean': means,
        'poisson slope': rates.map((rate) => counts - 80 * rate),
        'binomial slope': rates.map((rate, i) => {
          const r = [0.5, 3, 40][i] as number;
          return (counts - 80 * rate) / (1 + rate / r);
        }),
      },
      { absolute: 1e-5, relative: 1e-6 },
    );
    // A third of the mass of the first, whose tail is long, may lie beyond; the others' does not.
    const { 'binomial of all': all } = referenceOf(outputs, givens);
    t.close(all?.slice(0, 2) as Float64Array, [1, 1], { absolute: 1e-6 }, 'negative binomial');
  });

  c('draws of gamma, beta, Dirichlet and counts have their moments', async (t) => {
    const N = 20_000;
    const givens = new Givens();
    const a = givens.of('a', [3], () => [0.1, 1, 7.5]);
    const b = givens.of('b', [3], () => [0.5, 2, 3]);
    const logRate = givens.of('logRate', [4], () => [-2, 2, 2.6, 6]);
    const totals = givens.of('total', [4], () => [0.3, 2, 5, 10]);
    const laws = {
      gamma: new Gamma(a, b),
      beta: new Beta(a, b),
      uniform: new Uniform(a, sub(b, -9)),
      dirichlet: new Dirichlet(a),
      poisson: new Poisson(logRate),
      binomial: new NegativeBinomial(logRate, totals),
    };
    const draws = Object.entries(laws).map(([name, law]) => [name, law.sample([N])] as const);
    const values = await outputsOf(t, Object.fromEntries(draws), givens);
    const [as, bs, rates, rs] = [a, b, logRate, totals].map((v) => [...(givens.get(v) ?? [])]);
    const sumA = (as as number[]).reduce((m, v) => m + v, 0);
    const wanted: Record<string, (i: number) => [number, number]> = {
      gamma: (i) => {
        const [p, q] = [as?.[i] as number, bs?.[i] as number];
        return [p / q, p / q ** 2];
      },
      beta: (i) => {
        const [p, q] = [as?.[i] as number, bs?.[i] as number];
        return [p / (p + q), (p * q) / ((p + q) ** 2 * (p + q + 1))];
      },
      uniform: (i) => {
        const [p, q] = [as?.[i] as number, (bs?.[i] as number) + 9];
        return [(p + q) / 2, (q - p) ** 2 / 12];
      },
      dirichlet: (i) => {
        const p = (as?.[i] as number) / sumA;
        return [p, (p * (1 - p)) / (sumA + 1)];
      },
      poisson: (i) => [Math.exp(rates?.[i] as number), Math.exp(rates?.[i] as number)],
      binomial: (i) => {
        const m = Math.exp(rates?.[i] as number);
        return [m, m + m ** 2 / (rs?.[i] as number)];
      },
    };
    for (const [name, own] of Object.entries(wanted)) {
      const width = values[name]?.length ?? 0;
      for (let i = 0; i < width / N; i++) {
        const each = column(values[name] as Float32Array, width / N, i);
        const { mean: middle, variance, standardError } = momentsOf(each);
        const [m, v] = own(i);
        t.close(middle, m, { absolute: 4.5 * standardError }, `${name} ${i}: mean`);
        const squares = momentsOf(each.map((y) => (y - m) ** 2));
        t.close(variance, v, { absolute: 4.5 * squares.standardError }, `${name} ${i}: variance`);
      }
    }
  });

  c(
    'gradients of gamma draws: those of draws that keep their quantile, and of means',
    async (t) => {
      // log P(a, z), the distribution function, by its series (DLMF 8.7.1).
      const logP = (a: number, z: number) => {
        let [term, total] = [1, 1];
        for (let n = 1; n < 400; n++) {
          term *= z / (a + n);
          total += term;
        }
        return a * Math.log(z) - z - logGamma(a + 1) + Math.log(total);
      };
      const points = [0.1, 0.7, 1, 2.5, 9, 30, 70].flatMap((a) =>
        [-2, -1, 0, 1, 2, 3].map((by) => [a, Math.max(a / 50, a + by * Math.sqrt(a))] as const),
      );
      for (const [a, z] of points) {
        const h = 1e-4 * a;
        const slope = (Math.exp(logP(a + h, z)) - Math.exp(logP(a - h, z))) / (2 * h);
        const density = Math.exp(a * Math.log(z) - z - logGamma(a));
        t.close(logGammaSlope(a, Math.log(z)), -slope / density, { relative: 5e-3 }, `${a}, ${z}`);
      }
      const N = 20_000;
      const givens = new Givens();
      const a = givens.of('a', [4], () => [0.3, 1, 6, 55]);
      const b = givens.of('b', [4], () => [2, 0.5, 3, 4]);
      const each = expand(a, [N, 4]);
      const slopeOf = (law: (own: Tensor) => Tensor) =>
        gradient(sum(law(each)), [each])[0] as Tensor;
      const values = await outputsOf(
        t,
        {
          gamma: slopeOf((own) => new Gamma(own, b).rsample()),
          beta: slopeOf((own) => new Beta(own, b).rsample()),
          dirichlet: slopeOf((own) => slice(new Dirichlet(own).rsample(), 1, 2, 3)),
          blocked: slopeOf((own) => new Gamma(own, b).sample()),
        },
        givens,
      );
      const [as, bs] = [a, b].map((v) => [...(givens.get(v) ?? [])]) as [number[], number[]];
      const total = as.reduce((m, v) => m + v, 0);
      // Derivatives of the means by a.
      const wanted: Record<string, (i: number) => number> = {
        gamma: (i) => 1 / (bs[i] as number),
        beta: (i) => (bs[i] as number) / ((as[i] as number) + (bs[i] as number)) ** 2,
        dirichlet: (i) => ((i === 2 ? total : 0) - (as[2] as number)) / total ** 2,
      };
      for (const [name, own] of Object.entries(wanted)) {
        for (let i = 0; i < 4; i++) {
          const { mean: middle, standardError } = momentsOf(column(values[name as 'beta'], 4, i));
          const tolerance = { absolute: 4.5 * standardError, relative: 1e-3 };
          t.close(middle, own(i), tolerance, `${name} ${i}`);
        }
      }
      t.ok(
        values.blocked.every((x) => x === 0),
        'no gradient flows through a sample',
      );
    },
  );

  c('a standard normal is of its own width', async (t) => {
    const [q, p] = [new Normal(zeros([2, 4]), zeros([2, 4])), new StandardNormal([7])];
    const why = /vectors of 7 numbers, and .*\[2, 4\] has 4/;
    await t.throws('shape-mismatch', () => klDivergence(q, p), why);
    await t.throws('shape-mismatch', () => p.logProb(zeros([2, 4])), why);
    await t.throws('shape-mismatch', () => new StandardNormal(4 as never), /no shape/);
  });

  c('draws have the moments of their distribution', async (t) => {
    const N = 20_000;
    const givens = new Givens();
    const location = givens.of('mean', [3], () => [-2, 0, 5]);
    const logStd = givens.of('logStd', [3], () => [-1, 0, 1]);
    const logits = givens.of('logits', [4], () => [-3, -0.5, 0, 2]);
    const scores = givens.of('scores', [1, 5], () => [0, 1, -2, 2, 0.5]);
    const centre = givens.of('centre', [3], () => [0.5, 0.1, 0.98]);
    const logScale = givens.of('logScale', [3], () => [-4, -2, -3]);
    const image = givens.uniform('image', [2, 256], -1, 1);
    // Two normals: N(-1, e⁻²) with weight 3/4, N(1, e²) with 1/4; and two rows that have one or the other.
    const shares = givens.of('shares', [2], () => [Math.log(3), 0]);
    const pair = givens.of('pair', [2, 1], () => [-1, 1]);
    const ownWeights = givens.of('own weights', [2, 2], () => [30, 0, 0, 30]);
    const triangleOf = givens.of('triangle', [3, 3], () => [1, 0, 0, 2, 0.5, 0, -1, 1, 3]);
    const logisticDraws = new DiscretizedLogistic(centre, logScale);
    const values = await outputsOf(
      t,
      {
        normal: new Normal(location, logStd).sample([N]),
        standard: new StandardNormal([2]).sample([N]),
        bernoulli: new Bernoulli(logits).sample([N]),
        categorical: new Categorical(scores).sample([N]),
        logistic: logisticDraws.sample([N]),
        image: new Categorical(image).sample([50]),
        laplace: new Laplace(location, logStd).sample([N]),
        mixture: new Mixture(shares, new Normal(pair, pair)).sample([N]),
        rows: new Mixture(ownWeights, new Normal(pair, mul(pair, -2))).sample([N]),
        correlated: new MultivariateNormal(location, triangleOf).sample([N]),
      },
      givens,
    );
    const has = (what: string, draws: Float64Array, m: number, variance: number) => {
      const found = momentsOf(draws);
      const squares = momentsOf(draws.map((x) => (x - m) ** 2));
      t.close(found.mean, m, { absolute: 4 * found.standardError }, `mean of ${what}`);
      t.close(squares.mean, variance, { absolute: 4 * squares.standardError }, `spread of ${what}`);
    };
    for (const [j, m] of [-2, 0, 5].entries()) {
      has(`normal ${j}`, column(values.normal, 3, j), m, Math.exp(2 * (j - 1)));
    }
    for (const j of [0, 1]) has(`standard normal ${j}`, column(values.standard, 2, j), 0, 1);
    for (const [j, m] of [-2, 0, 5].entries()) {
      has(`Laplace ${j}`, column(values.laplace, 3, j), m, 2 * Math.exp(2 * (j - 1)));
      has(`correlated ${j}`, column(values.correlated, 3, j), m, [1, 4.25, 11][j] as number);
    }
    const product = (i: number, j: number) => {
      const [a, b] = [column(values.correlated, 3, i), column(values.correlated, 3, j)];
      const means = [-2, 0, 5];
      return a.map(
        (x, n) => (x - (means[i] as number)) * ((b[n] as number) - (means[j] as number)),
      );
    };
    for (const [i, j, covariance] of [
      [0, 1, 2],
      [0, 2, -1],
      [1, 2, -1.5],
    ] as const) {
      const found = momentsOf(product(i, j));
      t.close(found.mean, covariance, { absolute: 4 * found.standardError }, `of ${i} and ${j}`);
    }
    const spread = 0.75 * Math.exp(-2) + 0.25 * Math.exp(2) + 0.75;
    has('a mixture', Float64Array.from(values.mixture), -0.5, spread);
    has('the first row', column(values.rows, 2, 0), -1, Math.exp(4));
    has('the second row', column(values.rows, 2, 1), 1, Math.exp(-4));
    for (const [j, logit] of [-3, -0.5, 0, 2].entries()) {
      const p = sigmoid(logit);
      has(`Bernoulli ${j}`, column(values.bernoulli, 4, j), p, p * (1 - p));
    }
    const bits = new Set(values.bernoulli);
    t.equal([...bits].sort(), [0, 1]);

    const weights = [0, 1, -2, 2, 0.5].map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    const counts = new Float64Array(5);
    for (const x of values.categorical) {
      const level = Math.round(4 * x);
      t.close(4 * x, level, { absolute: 1e-6 }, 'a level');
      counts[level] = (counts[level] as number) + 1;
    }
    for (const [l, w] of weights.entries()) {
      const p = w / total;
      const error = Math.sqrt((p * (1 - p)) / N);
      t.close((counts[l] as number) / N, p, { absolute: 4 * error }, `level ${l}`);
    }
    t.ok(
      values.image.every((x) => x >= 0 && x <= 1 && Math.abs(255 * x - Math.round(255 * x)) < 1e-4),
      'a byte of an image is one of 256 levels',
    );
    // Moments of the binned logistic from its own probabilities.
    const grid = Float64Array.from({ length: 256 }, (_, i) => i / 255);
    for (const [j, [m, s]] of [
      [0.5, Math.exp(-4)],
      [0.1, Math.exp(-2)],
      [0.98, Math.exp(-3)],
    ].entries() as ArrayIterator<[number, [number, number]]>) {
      const cdf = (edge: number) => sigmoid((edge - m) / s);
      const mass = grid.map((_, i) => {
        const upper = i === 255 ? 1 : cdf((i + 0.5) / 255);
        return upper - (i === 0 ? 0 : cdf((i - 0.5) / 255));
      });
      const expected = mass.reduce((sofar, p, i) => sofar + p * (grid[i] as number), 0);
      const spread = mass.reduce((v, p, i) => v + p * ((grid[i] as number) - expected) ** 2, 0);
      has(`logistic ${j}`, column(values.logistic, 3, j), expected, spread);
    }
  });

  c('reparameterized draws carry gradients, others do not', (t) => {
    const location = variable('mean', [2, 3]);
    const logStd = variable('logStd', [2, 3]);
    const q = new Normal(location, logStd);
    const gradients = (z: Tensor) => {
      const [dm, ds] = gradient(mean(z), [location, logStd]) as [Tensor, Tensor];
      const values = new Map([
        [location, new Float32Array(6)],
        [logStd, new Float32Array(6)],
      ]);
      return referenceOf({ dm, ds, z: mul(1 / (4 * 6), z) }, values);
    };
    const moving = gradients(q.rsample([4]));
    t.close(moving.dm, new Float64Array(6).fill(1 / 6), { absolute: 1e-15 }, 'd mean');
    const still = gradients(q.sample([4]));
    t.ok(
      [...still.dm, ...still.ds].every((g) => g === 0),
      'sample() lets no gradient through',
    );
    // d z / d log σ = σ ε = z here, summed over the draws.
    const summed = Float64Array.from({ length: 6 }, (_, i) =>
      [0, 1, 2, 3].reduce((total, n) => total + (moving.z[6 * n + i] as number), 0),
    );
    t.close(moving.ds, summed, { absolute: 1e-12 }, 'd logStd');
  });
});
