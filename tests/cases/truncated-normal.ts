/** Normals of which a part is left: near their mean and far from it, wide and narrow, against quadrature in float64. */
import { TruncatedNormal } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import {
  evaluate,
  expand,
  full,
  gradient,
  logNdtr,
  ndtri,
  sum,
  zeros,
} from '../../src/ops/index.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check } from '../support/engine.ts';
import { Givens } from '../support/formulas.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { column, momentsOf } from '../support/statistics.ts';

/** Location, log σ, and the bounds: the mean within, beside, at a bound; tails of either side; hardly any width. */
const PARTS = [
  [0, 0, -1, 2],
  [0.5, -1, -3, 3],
  [-1, 0.5, 0.25, 0.75],
  [0, 0, 0, 1],
  [0, 0, 8, 9],
  [3, 0, -60, -37],
  [0, 0, 1000, 1000.5],
  [1, 0, 1.5, 1.501],
  [0, 1, -0.001, 0.001],
  [0, -2, 2, 40],
] as const;
const SIDES = ['both', 'low', 'high'] as const;
type Part = readonly [location: number, logStd: number, low: number, high: number];
type SideName = (typeof SIDES)[number];

/** Of a part that is left: its density's logarithm, mean, entropy and distribution function, by Simpson's rule. */
function exactly([location, logStd, low, high]: Part, sides: SideName) {
  const std = Math.exp(logStd);
  const from = sides === 'high' ? -Infinity : low;
  const to = sides === 'low' ? Infinity : high;
  const near = Math.min(Math.max(location, from), to);
  const off = (near - location) / std;
  const reach = 40 / (1 + Math.abs(off));
  const [below, above] = [(from - near) / std, (to - near) / std].map((s) =>
    Math.min(Math.max(s, -reach), reach),
  ) as [number, number];
  const height = (s: number) => Math.exp(-s * (off + s / 2));
  const integral = (f: (s: number) => number, a: number, b: number) => {
    const steps = 4000;
    let total = f(a) + f(b);
    for (let i = 1; i < steps; i++) total += f(a + ((b - a) * i) / steps) * (i % 2 ? 4 : 2);
    return (total * (b - a)) / (3 * steps);
  };
  const whole = integral(height, below, above);
  const logProb = (x: number) => {
    const s = (x - near) / std;
    return x < from || x > to ? -1e30 : -s * (off + s / 2) - logStd - Math.log(whole);
  };
  const mean = near + (std * integral((s) => s * height(s), below, above)) / whole;
  const inner = integral((s) => -s * (off + s / 2) * height(s), below, above) / whole;
  const shareBelow = (x: number) => integral(height, below, (x - near) / std) / whole;
  return { logProb, mean, entropy: logStd + Math.log(whole) - inner, shareBelow };
}

/** The parts as a row of parameters of a number each, [parts, 1]. */
function givenParts(parts: readonly Part[]) {
  const givens = new Givens();
  const held = (['location', 'logStd', 'low', 'high'] as const).map((name, i) =>
    givens.of(name, [parts.length, 1], () => parts.map((part) => part[i] as number)),
  );
  const [location, logStd, low, high] = held as [Variable, Variable, Variable, Variable];
  const of = (sides: SideName) =>
    new TruncatedNormal(location, logStd, {
      ...(sides !== 'high' && { low }),
      ...(sides !== 'low' && { high }),
    });
  // As float32 has them.
  const rounded = parts.map((part) => part.map(Math.fround) as unknown as Part);
  return { givens, held, of, rounded };
}

/** Within a part, at a third of what a density is wide there. */
const within = ([location, logStd, low, high]: Part, sides: SideName) => {
  if (sides === 'both') return low + (high - low) / 3;
  const std = Math.exp(logStd);
  const bound = sides === 'low' ? low : high;
  const off = Math.abs(bound - location) / std;
  return bound + ((sides === 'low' ? 1 : -1) * std) / (2 + off);
};

concurrentCases('truncated normal', (c) => {
  for (const sides of SIDES) {
    c(`density, mean and entropy, cut off at ${sides}`, async (t) => {
      const { givens, of, rounded } = givenParts(PARTS);
      const x = givens.of('x', [PARTS.length, 1], () => rounded.map((part) => within(part, sides)));
      const outside = givens.of('outside', [PARTS.length, 1], () =>
        rounded.map(([, , low, high]) => (sides === 'high' ? high + 0.01 : low - 0.01)),
      );
      const p = of(sides);
      const outputs = {
        ...{ logProb: p.logProb(x), outside: p.logProb(outside) },
        ...{ mean: p.mean, entropy: p.entropy() },
      };
      const laws = rounded.map((part) => exactly(part, sides));
      const given = givens.get(x) as Float32Array;
      const reference = referenceOf(outputs, givens);
      const close = (name: keyof typeof outputs, wanted: readonly number[]) =>
        t.close(reference[name], wanted, { absolute: 1e-9, relative: 1e-9 }, name);
      close(
        'logProb',
        laws.map(({ logProb }, i) => logProb(given[i] as number)),
      );
      close(
        'outside',
        laws.map(() => -1e30),
      );
      close(
        'mean',
        laws.map(({ mean }) => mean),
      );
      close(
        'entropy',
        laws.map(({ entropy }) => entropy),
      );
      for (const name of adapterNames)
        await check(t, { outputs }, givens, { adapter: adapters[name] });
    });

    c(`gradients of density, mean and entropy, cut off at ${sides}`, async (t) => {
      // From c = 30 on the mean's own derivative loses digits.
      const parts = PARTS.filter(([m, s, low]) => Math.abs(low - m) < 30 * Math.exp(s));
      const { givens, held, of, rounded } = givenParts(parts);
      const x = givens.of('x', [parts.length, 1], () => rounded.map((part) => within(part, sides)));
      const p = of(sides);
      const used = [x, ...held].filter(
        ({ name }) => name !== (sides === 'both' ? '' : sides === 'low' ? 'high' : 'low'),
      );
      for (const [what, y] of [
        ['density', sum(p.logProb(x))],
        ['mean', sum(p.mean)],
        ['entropy', sum(p.entropy())],
      ] as const) {
        const wrt = what === 'density' ? used : used.slice(1);
        const slopes = evaluate(gradient(y, wrt), givens);
        for (const [k, of] of wrt.entries()) {
          const values = [...(givens.get(of) as Float32Array)];
          values.forEach((value, i) => {
            const h = 1e-6;
            const at = (by: number) => {
              const moved = values.with(i, value + by);
              return evaluate(
                [y],
                new Map<Variable, ArrayLike<number>>([...givens, [of, moved]]),
              )[0]?.data[0] as number;
            };
            const wanted = (at(h) - at(-h)) / (2 * h);
            t.close(
              [slopes[k]?.data[i] as number],
              [wanted],
              { absolute: 1e-4, relative: 1e-4 },
              `${what} by ${of.name} of ${rounded[i]}`,
            );
          });
        }
      }
    });

    c(
      `draws have the distribution, and gradients that keep their quantile, at ${sides}`,
      async (t) => {
        const { givens, held, of, rounded } = givenParts(PARTS);
        const N = 4000;
        const wide = held.map((v) => expand(v, [N, PARTS.length, 1]));
        const [location, logStd, low, high] = wide as [Tensor, Tensor, Tensor, Tensor];
        const each = new TruncatedNormal(location, logStd, {
          ...(sides !== 'high' && { low }),
          ...(sides !== 'low' && { high }),
        });
        const drawn = each.rsample();
        const names = ['location', 'logStd', 'low', 'high'] as const;
        const slopes = gradient(sum(drawn), wide as never);
        const outputs = {
          x: drawn,
          own: of(sides).sample([5]),
          ...Object.fromEntries(names.map((name, k) => [name, slopes[k] as Tensor])),
        } as Record<'x' | 'own' | (typeof names)[number], Tensor>;
        const got = await outputsOf(t, outputs, givens);
        t.equal(outputs.own.shape, [5, PARTS.length, 1]);
        for (const [i, part] of rounded.entries()) {
          const law = exactly(part, sides);
          const xs = column(got.x, PARTS.length, i);
          t.ok(
            xs.every((x) => law.logProb(x) > -1e29),
            `${part}: every draw lies within`,
          );
          // Shares below are uniform; of a draw in hundred, which take time.
          const [, , from, to] = part;
          const isFine = Math.fround(from) !== Math.fround(from + (to - from) / 1e4);
          const some = xs.filter((_, n) => n % 10 === 0);
          const shares = [...some].map(law.shareBelow);
          const { mean, variance } = momentsOf(shares);
          t.close(
            [mean],
            [0.5],
            { absolute: 4.5 * Math.sqrt(1 / 12 / some.length) },
            `${part}: mean`,
          );
          t.close(
            [variance],
            [1 / 12],
            { absolute: 0.35 * Math.sqrt(1 / some.length) },
            `${part}: spread`,
          );
          if (!isFine) continue;
          for (let n = 0; n < 20; n++) {
            const x = xs[n] as number;
            const scale = Math.exp(-law.logProb(x));
            for (const [k, name] of names.entries()) {
              const isNone = (sides === 'low' && k === 3) || (sides === 'high' && k === 2);
              const h = 1e-5 * Math.min(1, Math.exp(part[1]), to - from);
              const share = (by: number) =>
                exactly(
                  part.with(k, (part[k] as number) + by) as unknown as Part,
                  sides,
                ).shareBelow(x);
              const wanted = isNone ? 0 : (-(share(h) - share(-h)) / (2 * h)) * scale;
              t.close(
                [got[name][n * PARTS.length + i] as number],
                [wanted],
                { absolute: 5e-3, relative: 5e-3 },
                `${part} at ${x}: by ${name}`,
              );
            }
          }
        }
      },
    );
  }

  c('log Φ and its inverse are each other’s, far out as well', async (t) => {
    const x = variable('x', [6]);
    const values = new Map([[x, Float64Array.of(-37, -8, -1, 0, 0.5, 5)]]);
    const { there, p } = referenceOf({ there: logNdtr(x), p: ndtri(full([1], 0.975)) }, values);
    // Of scipy.special.log_ndtr.
    const known = [
      -689.0305855768908,
      -35.01343715991456,
      -1.841021645009264,
      -Math.LN2,
      -0.3689464152886563,
      -2.8665161296376305e-7,
    ];
    t.close(there, known, { relative: 1e-12 });
    t.close(p, [1.959963984540054], { relative: 1e-12 });
  });

  c('bounds that leave nothing are refused, or named', async (t) => {
    const one = full([1], 1);
    const nothing = () => new TruncatedNormal(zeros([1]), zeros([1]), { low: one, high: one });
    await t.throws('bad-input', nothing, /from 1 to 1 there is nothing/);
    await t.throws(
      'bad-input',
      () => new TruncatedNormal(0 as never, one, {}),
      /TruncatedNormal, .*constant/,
    );
    await wrongBounds(t);
  });
});

async function wrongBounds(t: CaseContext): Promise<void> {
  const [low, high] = [variable('low', [2]), variable('high', [2])];
  const p = new TruncatedNormal(zeros([1]), zeros([1]), { low, high });
  const values = new Map([
    [low, [0, 1]],
    [high, [1, 0]],
  ]);
  const { mean } = await outputsOf(t, { mean: p.mean }, values);
  t.close([mean[0] as number], [0.4598622], { relative: 1e-5 });
  t.ok(Number.isNaN(mean[1]), 'bounds the wrong way round');
}
