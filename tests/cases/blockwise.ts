/** Distributions side by side: of rows of numbers and words, as tables have them. */
import { Blockwise, Normal, OneHot } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { gradient, slice, sum } from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { agrees, Givens, logSumExp } from '../support/formulas.ts';
import { outputsOf } from '../support/run.ts';
import { column, momentsOf } from '../support/statistics.ts';

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);
const DRAWS = 2000;

concurrentCases('blocks', (c) => {
  c('blocks side by side: densities of what is seen, means, gradients, draws', async (t) => {
    const B = 5;
    const givens = new Givens();
    const numbers = givens.uniform('numbers', [B, 4], -1, 1);
    const logits = givens.uniform('logits', [B, 6], -2, 2);
    const level = (b: number, group: number) => (b + group) % 3;
    const isHot = (b: number, i: number) => Number(level(b, Math.floor(i / 3)) === i % 3);
    // Places: a word of three, a number, another word, a number.
    const x = givens.of('x', [B, 8], () =>
      Array.from({ length: B * 8 }, (_, k) => {
        const [b, i] = [Math.floor(k / 8), k % 8];
        if (i === 3 || i === 7) return 0.25 * b - 0.1 * i;
        return isHot(b, i < 3 ? i : i - 1);
      }),
    );
    const isSeen = (b: number, column: number) => Number((b * 2 + column) % 4 !== 0);
    const columnOf = (i: number) => (i < 3 ? 0 : i === 3 ? 1 : i < 7 ? 2 : 3);
    const mask = givens.of('mask', [B, 8], () =>
      Array.from({ length: B * 8 }, (_, k) => isSeen(Math.floor(k / 8), columnOf(k % 8))),
    );
    const p = new Blockwise([
      { of: new Normal(slice(numbers, -1, 0, 2), slice(numbers, -1, 2, 4)), places: [7, 3] },
      { of: new OneHot(logits, 3), places: [0, 1, 2, 4, 5, 6] },
    ]);
    const [gn, gl, gx] = givens.readers(numbers, logits, x);
    const logShare = (b: number, group: number, k: number) => {
      const at = (i: number) => gl(6 * b + 3 * group + i);
      return at(k) - logSumExp([at(0), at(1), at(2)]);
    };
    const normal = (b: number, i: number) => {
      const [mean, logStd] = [gn(4 * b + i), gn(4 * b + 2 + i)];
      const z = (gx(8 * b + (i === 0 ? 7 : 3)) - mean) / Math.exp(logStd);
      return -0.5 * z * z - logStd - HALF_LOG_2PI;
    };
    const rows = (of: (b: number) => number) => Float64Array.from({ length: B }, (_, b) => of(b));
    const sumOf = (b: number, seen: (column: number) => number) =>
      seen(3) * normal(b, 0) +
      seen(1) * normal(b, 1) +
      seen(0) * logShare(b, 0, level(b, 0)) +
      seen(2) * logShare(b, 1, level(b, 1));
    const outputs = {
      logProb: p.logProb(x),
      seen: p.logProb(x, mask),
      mean: p.mean,
      slope: gradient(sum(p.logProb(x, mask)), [logits])[0] as Tensor,
    };
    const each = (of: (b: number, i: number) => number, width: number) =>
      Float64Array.from({ length: B * width }, (_, k) => of(Math.floor(k / width), k % width));
    const share = (b: number, i: number) => Math.exp(logShare(b, Math.floor(i / 3), i % 3));
    await agrees(t, outputs, givens, {
      logProb: rows((b) => sumOf(b, () => 1)),
      seen: rows((b) => sumOf(b, (column) => isSeen(b, column))),
      mean: each((b, i) => {
        if (i === 3) return gn(4 * b + 1);
        return i === 7 ? gn(4 * b) : share(b, i < 3 ? i : i - 1);
      }, 8),
      slope: each((b, i) => isSeen(b, i < 3 ? 0 : 2) * (isHot(b, i) - share(b, i)), 6),
    });
    const { draws } = await outputsOf(t, { draws: p.sample([DRAWS]) }, givens);
    // Of the first row: one word of each three in every draw, as often as its share says.
    for (const i of [0, 1, 2]) {
      const drawn = column(draws, B * 8, i);
      t.close(momentsOf(drawn).mean, share(0, i), { absolute: 0.05 }, `share of word ${i}`);
    }
    const ones = Array.from({ length: DRAWS }, (_, k) =>
      [0, 1, 2].reduce((sum, i) => sum + (draws[k * B * 8 + i] as number), 0),
    );
    t.equal(
      ones,
      ones.map(() => 1),
    );
    await t.throws(
      'bad-input',
      () => new Blockwise([{ of: new OneHot(logits, 3), places: [0, 2] }]),
      /not 0 to 1, each once/,
    );
  });
});
