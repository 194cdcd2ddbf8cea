/** Sums and log-sums so far: lines within a run, a workgroup, a block and a part, and beyond each, along any axis. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, integers, reals, withRuntime } from '../support/engine.ts';
import { againstFloat64, referenceOf } from '../support/run.ts';

/** One, a run of lanes and an element more, a block and one more, a part and one more, and many parts. */
const LENGTHS = [1, 257, 1793, 7169, 70_000];

/** Lines of so many elements along the last axis; some along the first, or in the middle. */
const shapesOf = (n: number): [shape: number[], axis: number][] => [
  [[3, n], -1],
  ...(n === 7169 ? ([[[n, 2], 0]] as [number[], number][]) : []),
  ...(n === 257 ? ([[[2, n, 33], 1]] as [number[], number][]) : []),
];

concurrentCases('running folds', (c) => {
  for (const n of LENGTHS) {
    c(`sums of ${n} from either end, with each or without, exact`, async (t) => {
      for (const [shape, axis] of shapesOf(n)) {
        const x = variable('x', shape);
        // Of whole numbers sums are exact as long as they are small, whatever their order.
        const values = new Map([[x, integers(`x${n}`, x.size)]]);
        const outputs = {
          up: o.cumSum(x, axis),
          after: o.cumSum(x, axis, { reverse: true, exclusive: true }),
        };
        for (const name of adapterNames) {
          await check(t, { outputs }, values, { adapter: adapters[name] });
        }
      }
    });
  }

  c('log-sums of exponentials, which nothing overflows', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>();
    for (const [shape, axis] of [
      [[3, 300], 1],
      [[8000, 1], 0],
    ] as const) {
      const x = variable(`x ${shape}`, [...shape]);
      // Far from each other, and beyond what e to it could hold.
      values.set(
        x,
        reals(x.name, x.size, -200, 200).map((v, i) => (i % 5 ? v / 100 : v)),
      );
      outputs[`up ${shape}`] = o.logCumSumExp(x, axis);
      outputs[`down ${shape}`] = o.logCumSumExp(x, axis, { reverse: true });
    }
    for (const name of adapterNames) {
      await check(t, { outputs }, values, { adapter: adapters[name] });
    }
    const [x] = [...values.keys()] as [Variable];
    const given = values.get(x) as Float32Array;
    const wanted = Array.from({ length: 300 }, (_, i) => {
      const seen = [...given.slice(0, i + 1)];
      const most = Math.max(...seen);
      return most + Math.log(seen.reduce((total, v) => total + Math.exp(v - most), 0));
    });
    const { y } = referenceOf({ y: o.logCumSumExp(x) }, values);
    t.close(y.slice(0, 300), wanted, { absolute: 1e-10 }, 'the reference');
  });

  for (const n of LENGTHS.slice(0, 4)) {
    c(`products of ${n} from either end, with each or without`, async (t) => {
      for (const [shape, axis] of shapesOf(n)) {
        const x = variable('x', shape);
        // Of signs, halves and twos products are exact; by turns along a line they neither vanish nor grow.
        const inner = axis === -1 ? 1 : shape.slice(axis + 1).reduce((size, n) => size * n, 1);
        const signs = integers(`p${n}`, x.size, 0, 1);
        const factors = signs.map(
          (sign, i) => (2 * sign - 1) * 2 ** ((Math.floor(i / inner) % 3) - 1),
        );
        const values = new Map([[x, factors]]);
        const outputs = {
          up: o.cumProd(x, axis),
          after: o.cumProd(x, axis, { reverse: true, exclusive: true }),
        };
        for (const name of adapterNames) {
          await check(t, { outputs }, values, { adapter: adapters[name] });
        }
      }
    });
  }

  c('gradients of products, whichever factors are 0', async (t) => {
    const [N, LINES] = [7, 5];
    const x = variable('x', [N, LINES]);
    const w = variable('w', [N, LINES]);
    const factors = reals('factors', x.size);
    // None, one at the beginning, one within, two, and nothing else.
    const zeros: readonly number[][] = [[], [0], [3], [2, 5], [...Array(N).keys()]];
    zeros.forEach((rows, line) => {
      for (const row of rows) factors[row * LINES + line] = 0;
    });
    const given = reals('w', w.size);
    const values = new Map([
      [x, factors],
      [w, given],
    ]);
    for (const reverse of [false, true]) {
      for (const exclusive of [false, true]) {
        const y = o.cumProd(x, 0, { reverse, exclusive });
        const slope = o.gradient(o.sum(o.mul(w, y)), [x])[0] as Tensor;
        await againstFloat64(t, { y, slope }, values);
        // Each factor in turn left out of the products that it is part of.
        const wanted = Array.from({ length: N * LINES }, (_, at) => {
          const [k, line] = [Math.floor(at / LINES), at % LINES];
          let total = 0;
          for (let i = 0; i < N; i++) {
            const isPart = (j: number) => (reverse ? j >= i : j <= i) && !(exclusive && j === i);
            if (!isPart(k)) continue;
            let product = given[i * LINES + line] as number;
            for (let j = 0; j < N; j++) {
              if (j !== k && isPart(j)) product *= factors[j * LINES + line] as number;
            }
            total += product;
          }
          return total;
        });
        const { slope: exact } = referenceOf({ slope }, values);
        t.close(exact, wanted, { absolute: 1e-10 }, `reverse ${reverse}, exclusive ${exclusive}`);
      }
    }
  });

  c('gradients are sums from the other end', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>();
    for (const [shape, axis] of [
      [[2, 5, 3], 1],
      [[1, 8000], -1],
    ] as const) {
      const [x, w] = ['x', 'w'].map((name) => variable(`${name} ${shape}`, [...shape])) as [
        Variable,
        Variable,
      ];
      values.set(x, reals(x.name, x.size));
      // Of both signs, but of a long line, where they would cancel.
      values.set(w, reals(w.name, w.size, w.size > 1000 ? 0 : -2));
      for (const reverse of [false, true]) {
        const of = (y: Tensor) => o.gradient(o.sum(o.mul(w, y)), [x])[0] as Tensor;
        outputs[`sum ${shape} ${reverse}`] = of(
          o.cumSum(x, axis, { reverse, exclusive: shape.length === 3 }),
        );
        outputs[`log-sum ${shape} ${reverse}`] = of(o.logCumSumExp(x, axis, { reverse }));
      }
    }
    await againstFloat64(t, outputs, values);
  });

  c('are the same bits every time, and one pass of a line in one piece', async (t) => {
    const x = variable('x', [2, 70_000]);
    const given = reals('x', x.size);
    for (const adapter of Object.values(adapters)) {
      await withRuntime(
        t,
        async (runtime) => {
          const plan = await runtime.compile({ outputs: { y: o.cumSum(x) } });
          runtime.write(x, given);
          await plan.run();
          const first = await plan.read('y');
          await plan.run(3);
          t.equal(await plan.read('y'), first);
        },
        adapter,
      );
      const kernelsOf = (y: Tensor) =>
        schedule({ outputs: { y } }, { ...schedule({ outputs: { y } }).adapter, ...adapter })
          .kernels.length;
      t.equal(kernelsOf(o.cumSum(variable('short', [100, 7168]))), 1);
      t.equal(kernelsOf(o.cumSum(x)), 3, 'totals of parts, what they add up to, the scan');
    }
    await t.throws('shape-mismatch', () => o.cumSum(x, 2), /axis 2 is out of range/);
    await t.throws('shape-mismatch', () => o.logCumSumExp(o.iota(3)), /toFloat/);
  });
});
