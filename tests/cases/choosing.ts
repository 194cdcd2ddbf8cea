/** What is largest, what comes first, sums so far: against plain sorting and loops, and their gradients. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, integers, reals } from '../support/engine.ts';
import { outputsOf, referenceOf } from '../support/run.ts';

const [ROWS, COUNT, K] = [5, 13, 4];

/** The places of a line from its largest number down, of equal ones the first. */
const order = (line: readonly number[]) =>
  [...line.keys()].sort((i, j) => (line[j] as number) - (line[i] as number) || i - j);

concurrentCases('choosing', (c) => {
  c('the largest, the smallest, the first k, with ties', async (t) => {
    const x = variable('x', [ROWS, COUNT]);
    // Of whole numbers some are equal.
    const values = new Map([[x, integers('x', x.size, -3, 3)]]);
    const lines = Array.from({ length: ROWS }, (_, r) => [
      ...(values.get(x) as Float32Array).slice(r * COUNT, (r + 1) * COUNT),
    ]);
    const top = o.topK(x, K);
    const sorted = o.topK(x, COUNT);
    const found = await outputsOf(
      t,
      {
        ...{ most: o.argMax(x), least: o.argMin(x), smallest: o.min(x, 1) },
        ...{ down: o.argMax(x, 0), values: top.values, indices: top.indices },
        ...{ sorted: sorted.values, order: sorted.indices },
      },
      values,
    );
    const each = (of: (line: number[]) => readonly number[]) =>
      lines.flatMap((line) => [...of(line)]);
    const taken = (line: number[], k: number) =>
      order(line)
        .slice(0, k)
        .map((i) => line[i] as number);
    t.equal(
      [...found.most],
      each((line) => order(line).slice(0, 1)),
      'argMax',
    );
    t.equal(
      [...found.least],
      each((line) => order(line.map((v) => -v)).slice(0, 1)),
      'argMin',
    );
    t.equal(
      [...found.smallest],
      each((line) => [Math.min(...line)]),
      'min',
    );
    const columns = lines[0]?.map((_, j) => lines.map((line) => line[j] as number)) ?? [];
    t.equal(
      [...found.down],
      columns.map((column) => order(column)[0] as number),
      'argMax of axis 0',
    );
    t.equal(
      [...found.values],
      each((line) => taken(line, K)),
      'values',
    );
    t.equal(
      [...found.indices],
      each((line) => order(line).slice(0, K)),
      'indices',
    );
    t.equal(
      [...found.sorted],
      each((line) => taken(line, COUNT)),
      'sorted',
    );
    t.equal([...found.order], each(order), 'order');
    await t.throws('shape-mismatch', () => o.topK(x, COUNT + 1), /from 1 to 13/);
  });

  c('running sums of any axis, stacks, and gradients of all', async (t) => {
    const [x, w] = [variable('x', [3, 4, 5]), variable('w', [3, 4, 5])];
    const values = new Map([
      [x, reals('x', x.size)],
      [w, reals('w', w.size)],
    ]);
    const numbers = values.get(x) as Float32Array;
    for (const [axis, stride, extent] of [
      [0, 20, 3],
      [1, 5, 4],
      [-1, 1, 5],
    ] as const) {
      const sums = Float64Array.from(numbers);
      sums.forEach((v, i) => {
        if (Math.floor(i / stride) % extent > 0) sums[i] = v + (sums[i - stride] as number);
      });
      const y = o.cumSum(x, axis);
      t.close(referenceOf({ y }, values).y, sums, { absolute: 1e-12 }, `axis ${axis}`);
      const [slope] = o.gradient(o.sum(o.mul(w, y)), [x]) as [Tensor];
      for (const name of adapterNames) {
        await check(t, { outputs: { y, slope } }, values, { adapter: adapters[name] });
      }
    }
    const both = o.stack([x, w], 1);
    t.equal([...both.shape], [3, 2, 4, 5]);
    const rows = o.reshape(x, [12, 5]);
    const labels = o.toUint(o.mul(o.toFloat(o.iota(12)), 0.5));
    const nats = o.crossEntropy(rows, labels);
    const top = o.topK(x, 2).values;
    const loss = o.add(o.sum(o.square(both)), o.add(o.sum(o.square(top)), o.sum(nats)));
    const [gx, gw] = o.gradient(loss, [x, w]) as [Tensor, Tensor];
    const wanted = Array.from({ length: 12 }, (_, r) => {
      const line = [...numbers.slice(5 * r, 5 * r + 5)];
      const label = Math.floor(r / 2);
      const total = Math.log(line.reduce((m, v) => m + Math.exp(v), 0));
      return label < 5 ? total - (line[label] as number) : 0;
    });
    t.close(referenceOf({ nats }, values).nats, wanted, { absolute: 1e-12 }, 'cross-entropy');
    for (const name of adapterNames) {
      await check(t, { outputs: { both, nats, gx, gw } }, values, { adapter: adapters[name] });
    }
  });

  c('what cannot be, of a logit of -∞, is neither chosen nor learned', async (t) => {
    const x = variable('x', [3, 3]);
    const labels = variable('labels', [3], { dtype: 'u32' });
    const none = Number.NEGATIVE_INFINITY;
    const values = new Map<Variable, ArrayLike<number>>([
      [x, [0, none, 0, none, none, none, 1, 2, none]],
      [labels, [0, 9, 1]],
    ]);
    const nats = o.crossEntropy(x, labels);
    const outputs = { at: o.argMax(x), nats, slope: o.gradient(o.sum(nats), [x])[0] as Tensor };
    for (const name of adapterNames) {
      const { at, nats, slope } = await outputsOf(t, outputs, values, { adapter: adapters[name] });
      t.equal([...at], [0, 0, 1]);
      const p = 1 / (1 + Math.E);
      t.close(nats, [Math.LN2, 0, -Math.log(1 - p)], { absolute: 1e-6 });
      t.close(slope, [-0.5, 0, 0.5, 0, 0, 0, p, -p, 0], { absolute: 1e-6 });
    }
  });
});
