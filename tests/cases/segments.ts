/** Folds over segments of lines: words of the columns of a table, of unequal numbers. */
import { OneHots } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import { gradient, mul, sum } from '../../src/ops/index.ts';
import { segmentLogSumExp, segmentMax, segmentSum } from '../../src/ops/segments.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';
import { agrees, Givens, logSumExp } from '../support/formulas.ts';
import { outputsOf } from '../support/run.ts';
import { column, momentsOf } from '../support/statistics.ts';

const SIZES = [2, 1, 5, 41, 3];
const WIDTH = SIZES.reduce((a, b) => a + b, 0);

concurrentCases('segments', (c) => {
  for (const [shape, sizes] of [
    [[1], [1]],
    [[3, WIDTH], SIZES],
    [
      [65, 2, 7],
      [3, 4],
    ],
    [
      [2, 1000],
      [1, 998, 1],
    ],
  ] as const) {
    c(`of [${shape}]: sums, log-sums, the largest, and their gradients`, async (t) => {
      const x = variable('x', [...shape]);
      const w = variable('w', [...shape]);
      const values = new Map([
        [x, reals(`x${shape}`, x.size, -30, 30)],
        [w, reals(`w${shape}`, x.size, -1, 1)],
      ]);
      const logs = segmentLogSumExp(x, sizes);
      const outputs = {
        sums: segmentSum(x, sizes),
        logs,
        most: segmentMax(x, sizes),
        slope: gradient(sum(mul(w, logs)), [x])[0] as Tensor,
        // The second derivative's product with a vector.
        curve: gradient(sum(mul(w, gradient(sum(mul(w, logs)), [x])[0] as Tensor)), [
          x,
        ])[0] as Tensor,
      };
      for (const name of adapterNames) {
        await check(t, { outputs }, values, { adapter: adapters[name] });
      }
    });
  }

  c('one-hot codes of unequal numbers of classes: densities, entropies, draws', async (t) => {
    const [B, DRAWS] = [3, 2000];
    const sizes = [2, 4];
    const givens = new Givens();
    const logits = givens.uniform('logits', [B, 6], -2, 2);
    const z = givens.of('z', [B, 6], () => [0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0]);
    const mask = givens.of('mask', [B, 6], () =>
      Array.from({ length: B * 6 }, (_, i) => Number(i % 6 < 2 || i >= 12)),
    );
    const [gl, gz] = givens.readers(logits, z);
    const logShare = (i: number) => {
      const [row, at] = [Math.floor(i / 6) * 6, i % 6];
      const [from, to] = at < 2 ? [0, 2] : [2, 6];
      const all = Array.from({ length: to - from }, (_, k) => gl(row + from + k));
      return gl(i) - logSumExp(all);
    };
    const rows = (of: (i: number) => number) =>
      Float64Array.from({ length: B }, (_, b) =>
        Array.from({ length: 6 }, (_, i) => of(6 * b + i)).reduce((s, v) => s + v, 0),
      );
    const p = new OneHots(logits, sizes);
    await agrees(
      t,
      { logProb: p.logProb(z), seen: p.logProb(z, mask), entropy: p.entropy(), mean: p.mean },
      givens,
      {
        logProb: rows((i) => gz(i) * logShare(i)),
        seen: rows((i) => (i % 6 < 2 || i >= 12 ? gz(i) * logShare(i) : 0)),
        entropy: rows((i) => -Math.exp(logShare(i)) * logShare(i)),
        mean: Float64Array.from({ length: B * 6 }, (_, i) => Math.exp(logShare(i))),
      },
    );
    const { draws } = await outputsOf(t, { draws: p.sample([DRAWS]) }, givens);
    for (let i = 0; i < 6; i++) {
      const { mean } = momentsOf(column(draws, B * 6, i));
      t.close(mean, Math.exp(logShare(i)), { absolute: 0.05 }, `share of class ${i}`);
    }
    const ones = Array.from({ length: DRAWS * B }, (_, k) =>
      [2, 3, 4, 5].reduce((s, i) => s + (draws[k * 6 + i] as number), 0),
    );
    t.equal(
      ones,
      ones.map(() => 1),
    );
  });

  c('words of a row cost as many kernels, however many columns they are of', (t) => {
    const logits = variable('logits', [100, WIDTH]);
    const x = variable('x', [100, WIDTH]);
    const loss = sum(new OneHots(logits, SIZES).logProb(x));
    const slope = gradient(loss, [logits])[0] as Tensor;
    t.equal(schedule({ outputs: { slope } }).kernels.length, 4);
  });

  c('sizes that do not add up are refused', async (t) => {
    const x = variable('x', [2, 5]);
    for (const sizes of [[2, 2], [5, 0], [2.5, 2.5], []]) {
      await t.throws('shape-mismatch', () => segmentSum(x, sizes), /are not the last axis/);
    }
  });
});
