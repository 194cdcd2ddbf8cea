/** Rows of a table that a step puts back, and no others. */
import { input, packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { adapterNames, adapters, integers, withRuntime } from '../support/engine.ts';

/** Different rows in no order. */
function someRows(count: number, batch: number): Uint32Array {
  const stride = [7, 5, 3, 11].find((s) => count % s !== 0) ?? 1;
  return Uint32Array.from({ length: batch }, (_, i) => (i * stride + 2) % count);
}

/** The table with rows in place of its own. */
function scattered(
  table: ArrayLike<number>,
  width: number,
  rows: ArrayLike<number>,
  by: ArrayLike<number>,
) {
  const result = Float32Array.from(table);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < width; j++) {
      result[(rows[i] as number) * width + j] = by[i * width + j] as number;
    }
  }
  return result;
}

async function comesBack(
  t: CaseContext,
  [count, batch, width]: readonly [number, number, number],
  adapter: (typeof adapterNames)[number],
) {
  const table = variable('table', [count, width]);
  const moved = variable('moved', [count, width]);
  const times = variable('times', [count, 1], { dtype: 'u32' });
  const rows = input('rows', [batch], 'u32');
  const picked = o.gather(table, rows);
  const effects = [
    o.scatterRows(table, rows, o.sub(o.mul(2, picked), o.gather(moved, rows))),
    o.scatterRows(moved, rows, o.add(o.sum(picked, -1, { keepDims: true }), o.gather(moved, rows))),
    o.scatterRows(times, rows, o.addUint(o.gather(times, rows), 1)),
  ];
  await withRuntime(
    t,
    async (runtime) => {
      const plan = await runtime.compile({ effects, outputs: { picked } });
      let [a, b] = [integers('a', count * width), integers('b', count * width)];
      runtime.write(table, a);
      runtime.write(moved, b);
      runtime.write(times, new Uint32Array(count).fill(5));
      const index = someRows(count, batch);
      runtime.write(rows, index);
      const of = (values: Float32Array) =>
        Float32Array.from({ length: batch * width }, (_, i) => {
          const row = index[Math.floor(i / width)] as number;
          return values[row * width + (i % width)] as number;
        });
      for (let step = 0; step < 2; step++) {
        await plan.run();
        const [x, y] = [of(a), of(b)];
        t.equal(await plan.read('picked'), x, 'what was read');
        const sumOf = (i: number) => {
          const first = i - (i % width);
          return x.subarray(first, first + width).reduce((s, v) => s + v, 0);
        };
        const next = [
          scattered(
            a,
            width,
            index,
            x.map((v, i) => 2 * v - (y[i] as number)),
          ),
          scattered(
            b,
            width,
            index,
            y.map((v, i) => v + sumOf(i)),
          ),
        ] as const;
        [a, b] = next;
        const what = `[${count}, ${width}] at ${batch}, ${adapter}`;
        t.equal(await runtime.read(table), a, what);
        t.equal(await runtime.read(moved), b, what);
      }
      const visits = new Uint32Array(count).fill(5);
      for (const row of index) visits[row] = 7;
      t.equal(await runtime.read(times), visits, 'times');
    },
    adapters[adapter],
  );
}

cases('scatterRows', (c) => {
  c('changes the rows named and no others', async (t) => {
    for (const adapter of adapterNames) {
      for (const shape of [
        [1, 1, 1],
        [1, 1, 5],
        [9, 4, 1],
        [17, 17, 3],
        [40, 7, 8],
        [300, 67, 5],
        [1000, 100, 40],
      ] as const) {
        await comesBack(t, shape, adapter);
      }
    }
  });

  c('takes rows from a product, a fold, a constant and the table itself', async (t) => {
    const [count, batch, width] = [11, 4, 6];
    const index = someRows(count, batch);
    const w = integers('w', 3 * width);
    const x = integers('x', batch * 3);
    const start = integers('t', count * width);
    const whole = variable('whole', [batch, width]);
    for (const adapter of adapterNames) {
      await withRuntime(
        t,
        async (runtime) => {
          const rows = input('rows', [batch], 'u32');
          const [vw, vx] = [variable('w', [3, width]), variable('x', [batch, 3])];
          const tables = ['a', 'b', 'c', 'd'].map((name) => variable(name, [count, width])) as [
            Variable,
            Variable,
            Variable,
            Variable,
          ];
          const [a, b, d, e] = tables;
          const product = o.matmul(vx, vw);
          const effects = [
            o.scatterRows(a, rows, product),
            o.scatterRows(b, rows, o.expand(o.sum(product, 1, { keepDims: true }), [batch, width])),
            o.scatterRows(d, rows, o.full([batch, width], 0.5)),
            // Rows of the table itself, whole and in another order.
            o.scatterRows(e, rows, o.slice(e, 0, 3, 3 + batch)),
            o.scatterRows(whole, o.addUint(o.iota(batch), 0), whole),
          ];
          const plan = await runtime.compile({ effects });
          for (const table of tables) runtime.write(table, start);
          runtime.write(whole, integers('whole', batch * width));
          runtime.write(rows, index);
          runtime.write(vw, w);
          runtime.write(vx, x);
          await plan.run();
          const y = Float32Array.from({ length: batch * width }, (_, i) => {
            let sum = 0;
            for (let k = 0; k < 3; k++) {
              sum +=
                (x[Math.floor(i / width) * 3 + k] as number) *
                (w[k * width + (i % width)] as number);
            }
            return sum;
          });
          const sums = y.map((_, i) => {
            const first = i - (i % width);
            return y.subarray(first, first + width).reduce((s, v) => s + v, 0);
          });
          const into = (by: Float32Array) => scattered(start, width, index, by);
          t.equal(await runtime.read(a), into(y), `product, ${adapter}`);
          t.equal(await runtime.read(b), into(sums), `fold, ${adapter}`);
          t.equal(
            await runtime.read(d),
            into(new Float32Array(batch * width).fill(0.5)),
            'constant',
          );
          const own = start.slice(3 * width, (3 + batch) * width);
          t.equal(await runtime.read(e), into(own), `itself, ${adapter}`);
          t.equal(await runtime.read(whole), integers('whole', batch * width), 'all of itself');
        },
        adapters[adapter],
      );
    }
  });

  c('a table of as many rows as the batch takes its own rows in another order', async (t) => {
    const n = 8;
    for (const adapter of adapterNames) {
      await withRuntime(
        t,
        async (runtime) => {
          const table = variable('table', [n, 4]);
          const [from, to] = [input('from', [n], 'u32'), input('to', [n], 'u32')];
          const effects = [o.scatterRows(table, to, o.add(o.gather(table, from), 1))];
          const plan = await runtime.compile({ effects });
          const start = integers('start', n * 4);
          runtime.write(table, start);
          runtime.write(
            from,
            Uint32Array.from({ length: n }, (_, i) => (i * 3) % n),
          );
          const rows = Uint32Array.from({ length: n }, (_, i) => (i * 5 + 1) % n);
          runtime.write(to, rows);
          await plan.run();
          const by = Float32Array.from({ length: 4 * n }, (_, i) => {
            return (start[((Math.floor(i / 4) * 3) % n) * 4 + (i % 4)] as number) + 1;
          });
          t.equal(await runtime.read(table), scattered(start, 4, rows, by), adapter);
        },
        adapters[adapter],
      );
    }
  });

  c('the kernels do not grow with the table', (t) => {
    for (const adapter of adapterNames) {
      const of = (count: number) => {
        const table = variable('table', [count, 12]);
        const rows = input('rows', [20], 'u32');
        const effects = [o.scatterRows(table, rows, o.mul(2, o.gather(table, rows)))];
        const { kernels } = schedule(
          { effects },
          { ...schedule({ effects }).adapter, ...adapters[adapter] },
        );
        return kernels.map(({ dispatch, flops, bytes }) => [dispatch, flops, bytes]);
      };
      t.equal(of(100_000), of(1000), adapter);
    }
  });

  c('refuses what does not fit', async (t) => {
    const table = variable('table', [9, 3]);
    const index = input('index', [4], 'u32');
    const rows = input('r', [4, 3]);
    const wrong: [Variable, Variable, Variable][] = [
      [variable('v', [9]), index, rows],
      [table, index, input('r', [4, 2])],
      [table, index, input('r', [5, 3])],
      [table, input('f', [4]), rows],
      [table, index, input('u', [4, 3], 'u32')],
      [table, input('many', [10], 'u32'), input('r', [10, 3])],
    ];
    for (const [target, at, by] of wrong) {
      await t.throws('shape-mismatch', () => o.scatterRows(target, at, by), /^scatterRows: /);
    }
    const twice = o.mul(2, rows);
    const effects = [o.scatterRows(table, index, rows), o.scatterRows(table, index, twice)];
    await t.throws('bad-config', () => schedule({ effects }), /assigned twice/);
  });

  c('a part of packed parameters takes rows', async (t) => {
    const parts = [variable('first', [5]), variable('table', [6, 3])] as const;
    packParameters(parts);
    await withRuntime(t, async (runtime) => {
      const rows = input('rows', [2], 'u32');
      const effects = [o.scatterRows(parts[1], rows, o.full([2, 3], 4))];
      const plan = await runtime.compile({ effects });
      runtime.write(parts[0], [1, 2, 3, 4, 5]);
      runtime.write(parts[1], new Float32Array(18));
      runtime.write(rows, [5, 0]);
      await plan.run();
      t.equal([...(await runtime.read(parts[0]))], [1, 2, 3, 4, 5]);
      const expected = new Float32Array(18).fill(4, 0, 3).fill(4, 15, 18);
      t.equal(await runtime.read(parts[1]), expected);
    });
  });
});
