/** Draws of Poisson variables of every size: their moments, and how often they fall where. */
import { Poisson } from '../../src/distributions/index.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import { logGamma } from '../../src/ops/reference/gamma.ts';
import { concurrentCases } from '../rig/cases.ts';
import { outputsOf } from '../support/run.ts';

const DRAWS = 20_000;
const RATES = [0.5, 9.9, 10.1, 30, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const BINS = 40;
/** Of chi-square with as many degrees of freedom as bins, but one, one value in 10⁵ is larger. */
const MOST = 88;

/** From a float32 number of this size to the next, or to the next whole number. */
const grainOf = (x: number): number => Math.max(1, 2 ** (Math.floor(Math.log2(x)) - 23));

/** Edges between bins of about one weight, midway between draws, and the weights by summed probabilities. */
function binsOf(rate: number): { edges: number[]; weights: number[] } {
  const spread = Math.sqrt(rate);
  const [first, last] = [
    Math.max(0, Math.floor(rate - 7 * spread - 20)),
    Math.ceil(rate + 7 * spread + 20),
  ];
  const [edges, weights] = [[] as number[], [] as number[]];
  let weight = 0;
  for (let k = first; k <= last; k++) {
    weight += Math.exp(k * Math.log(rate) - rate - logGamma(k + 1));
    const grain = grainOf(k);
    const isBetween = grain === 1 || (k + grain / 2) % grain === 0;
    if (weight >= 1 / BINS && isBetween) {
      edges.push(grain === 1 ? k + 0.5 : k);
      weights.push(weight);
      weight = 0;
    }
  }
  return { edges, weights: [...weights, 1 - weights.reduce((a, b) => a + b, 0)] };
}

concurrentCases('Poisson draws', (c) => {
  c('have the moments and the frequencies of their distribution', async (t) => {
    const logRate = variable('logRate', [RATES.length]);
    const given = Float32Array.from(RATES, Math.log);
    const { y } = await outputsOf(
      t,
      { y: new Poisson(logRate).sample([DRAWS]) },
      new Map<Variable, ArrayLike<number>>([[logRate, given]]),
    );
    for (const i of RATES.keys()) {
      const rate = Math.exp(given[i] as number);
      const draws = Float64Array.from(
        { length: DRAWS },
        (_, n) => y[n * RATES.length + i] as number,
      );
      const name = `rate ${RATES[i]}`;
      t.ok(
        draws.every((x) => x >= 0 && Number.isInteger(x)),
        `${name}: counts`,
      );
      const mean = draws.reduce((a, b) => a + (b - rate), 0) / DRAWS;
      const variance = draws.reduce((a, b) => a + (b - rate) ** 2, 0) / DRAWS;
      t.close(mean, 0, { absolute: 4.5 * Math.sqrt(rate / DRAWS) }, `${name}: mean`);
      // Of the squares the variance is 2 λ² + λ.
      const off = 4.5 * Math.sqrt((2 * rate ** 2 + rate) / DRAWS);
      t.close(variance, rate, { absolute: off }, `${name}: variance`);
      const { edges, weights } = binsOf(rate);
      const seen = new Float64Array(weights.length);
      for (const x of draws) {
        const bin = edges.findIndex((edge) => x < edge);
        const at = bin < 0 ? edges.length : bin;
        seen[at] = (seen[at] as number) + 1;
      }
      const chi = weights.reduce((total, weight, bin) => {
        const wanted = DRAWS * weight;
        return total + (wanted > 5 ? ((seen[bin] as number) - wanted) ** 2 / wanted : 0);
      }, 0);
      t.ok(chi < MOST, `${name}: chi-square ${chi} of ${weights.length} bins`);
    }
  });
});
