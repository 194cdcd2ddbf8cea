/** What the scheduler puts into one kernel, or must not: every result against the reference. */
import fc from 'fast-check';
import type { Tensor } from '../../src/graph/tensor.ts';
import { packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, integers, reals } from '../support/engine.ts';
import { randomProgram } from '../support/random-graph.ts';

/** Bytes and unsigned integers of all sizes, small whole float32 numbers. */
function numbers(v: Variable): ArrayLike<number> {
  if (v.dtype === 'f32') return integers(v.name, v.size);
  const range = v.dtype === 'u8' ? 256 : 2 ** 32;
  return Array.from({ length: v.size }, (_, i) => (i * 2654435761) % range);
}

const filled = (...variables: Variable[]) => new Map(variables.map((v) => [v, numbers(v)]));

concurrentCases('fusion', (c) => {
  for (const name of adapterNames) {
    const adapter = adapters[name];

    c(`concatenations along every axis, ${name}`, async (t) => {
      const [x, y] = [variable('x', [2, 3, 5]), variable('y', [2, 3, 5])];
      const made = o.add(x, y);
      const other = o.square(x);
      const rows = o.sum(x, 1, { keepDims: true });
      const column = o.max(x, 2, { keepDims: true });
      const outputs = {
        first: o.concat([made, x, other], 0),
        middle: o.concat([o.mul(x, y), rows, x], 1),
        last: o.concat([column, o.neg(y), o.zeros([2, 3, 2]), column], 2),
        nested: o.concat([o.concat([o.sub(x, y), y], 2), o.concat([y, o.relu(x)], 2)], 0),
        padded: o.concat([o.zeros([1, 3, 5]), o.abs(y), o.zeros([2, 3, 5])], 0),
        // The parts have other users, too: one of them reads a part across its rows.
        made: o.reshape(made, [30]),
        otherTurned: o.transpose(other),
        sum: o.sum(o.concat([o.tanh(x), o.mul(2, y)], 2), [0, 2]),
        sliced: o.slice(o.concat([o.mul(3, x), o.mul(4, y)], 1), 1, 2, 4),
      };
      await check(t, { outputs }, filled(x, y), { adapter });
    });

    c(`concatenations and products, ${name}`, async (t) => {
      const [h, w] = [variable('h', [6, 8]), variable('w', [8, 4])];
      const [g, v] = [variable('g', [4, 8]), variable('v', [1, 8])];
      const product = o.matmul(h, w);
      const square = o.add(o.matmul(h, o.transpose(h)), 1);
      const feature = o.relu(h);
      const outputs = {
        // A product that is part of what its operand is part of.
        both: o.concat([feature, o.matmul(feature, w)], 1),
        tall: o.concat([feature, o.matmul(feature, o.matmul(w, g))], 0),
        turned: o.concat([o.transpose(square), o.matmul(o.transpose(square), feature)], 1),
        stacked: o.concat([g, o.matmul(g, o.matmul(w, g)), v], 0),
        // A product of what has just been put side by side.
        joined: o.matmul(o.concat([product, o.add(product, 1)], 1), w),
      };
      await check(t, { outputs }, filled(h, w, g, v), { adapter });
      // The gradient of slices of one tensor is put together again.
      const parts = o.split(product, [1, 2, 1]) as [Tensor, Tensor, Tensor];
      const loss = o.add(
        o.sum(o.mul(parts[1], parts[1])),
        o.sum(o.mul(o.reshape(parts[0], [6]), o.reshape(parts[2], [6]))),
      );
      const [dw, dh] = o.gradient(loss, [w, h]) as [Tensor, Tensor];
      await check(t, { outputs: { dw, dh, loss } }, filled(h, w), { adapter });
    });

    c(`rows picked from tables of every type, ${name}`, async (t) => {
      const count = 11;
      const index = o.permutation(o.iota(5), count, [o.constant(3, 'u32'), o.constant(9, 'u32')]);
      const stored = variable('index', [5], { dtype: 'u32' });
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, ArrayLike<number>>([[stored, [10, 0, 3, 3, 7]]]);
      for (const dtype of ['u8', 'f32', 'u32'] as const) {
        for (const width of [1, 3, 5, 8]) {
          const table = variable(`${dtype}${width}`, [count, width], { dtype, role: 'data' });
          values.set(table, numbers(table));
          outputs[`${table.name} computed`] = o.gather(table, index);
          if (dtype === 'u32') continue;
          outputs[`${table.name} stored`] = o.mul(o.gather(table, stored), 2);
          outputs[`${table.name} sum`] = o.sum(o.gather(table, index), 1);
          outputs[`${table.name} total`] = o.sum(o.gather(table, stored));
          outputs[`${table.name} columns`] = o.max(o.gather(table, index), 0);
        }
      }
      const square = variable('square', [5, 5]);
      values.set(square, numbers(square));
      // As many rows as columns: a value a row is easily taken for one a column.
      const picked = o.gather(square, o.modUint(index, 5));
      outputs.square = o.sum(o.mul(picked, o.toFloat(index)), 0);
      outputs.view = o.gather(o.slice(square, 1, 1, 4), o.modUint(stored, 5));
      outputs.turned = o.gather(o.transpose(square), o.modUint(stored, 5));
      outputs.constant = o.gather(o.full([3, 4], 0.5), o.iota(2));
      // Numbers that nothing computes and nothing stores.
      for (const width of [1, 3, 5, 8]) {
        const table = variable(`counted${width}`, [count, width]);
        values.set(table, numbers(table));
        outputs[`${table.name}`] = o.gather(table, o.iota(7));
        outputs[`${table.name} sum`] = o.sum(o.square(o.gather(table, o.iota(7))), 1);
        outputs[`${table.name} columns`] = o.max(o.gather(table, o.iota(7)), 0);
        outputs[`${table.name} added`] = o.add(o.gather(table, o.iota(7)), 1);
      }
      outputs.own = o.gather(square, o.iota(5));
      outputs.ownSum = o.sum(o.mul(o.gather(square, o.iota(5)), o.toFloat(o.iota(5))), 0);
      outputs.ownProduct = o.matmul(o.gather(square, o.iota(5)), square);
      outputs.single = o.gather(o.slice(square, 0, 2, 3), o.modUint(stored, 1));
      outputs.number = o.gather(o.slice(o.slice(square, 0, 1, 2), 1, 2, 3), o.modUint(stored, 1));
      await check(t, { outputs }, values, { adapter });
    });

    c(`values that look alike but are not, ${name}`, async (t) => {
      // Extents that agree by accident: rows, columns, batches and single elements.
      const [s, r, lone] = [variable('s', [4, 4]), variable('r', [4]), variable('lone', [4, 4])];
      const [one, pair] = [variable('one', [1, 1]), variable('pair', [2, 1])];
      const number = o.mul(one, o.add(one, 1));
      const column = o.reshape(r, [4, 1]);
      const outputs = {
        columns: o.sum(o.mul(s, r), 0),
        rows: o.sum(o.mul(s, column), 1),
        both: o.add(o.sum(o.mul(s, column), 0), o.sum(o.mul(s, r), 1)),
        softmax: o.sub(o.softmax(s, 0), o.transpose(o.softmax(s, 1))),
        outer: o.mul(o.sum(s, 0), o.sum(s, 1, { keepDims: true })),
        crossed: o.sub(s, o.sum(s, 1)),
        crossedToo: o.mul(s, o.reshape(o.max(s, 0), [4, 1])),
        gram: o.matmul(o.transpose(lone), lone),
        rowSums: o.sum(o.transpose(lone), 0),
        single: o.matmul(number, o.transpose(number)),
        chosen: o.maximum(o.slice(o.transpose(pair), 1, 1, 2), pair),
        uint: o.addUint(o.toUint(o.abs(r)), o.toUint(o.square(r))),
        mixed: o.toFloat(o.toUint(o.mul(s, s))),
        trace: o.sum(o.mul(s, o.equalUint(o.iota(4), o.reshape(o.iota(4), [4, 1])))),
      };
      await check(t, { outputs }, filled(s, r, lone, one, pair), { adapter });
    });

    c(`more inputs than one kernel can bind, ${name}`, async (t) => {
      const xs = Array.from({ length: 20 }, (_, i) => variable(`x${i}`, [3, 7]));
      const total = xs.reduce<Tensor>((sum, x, i) => o.add(sum, o.mul(x, i + 1)), o.zeros([3, 7]));
      const small = Array.from({ length: 16 }, (_, i) => variable(`s${i}`, []));
      const scaled = small.reduce<Tensor>((y, s) => o.add(y, s), total);
      const outputs = {
        total,
        scaled,
        softmax: o.softmax(o.mul(scaled, 0.01)),
        product: o.matmul(total, o.transpose(scaled)),
      };
      await check(t, { outputs }, filled(...xs, ...small), { adapter });
    });

    c(`parts of packed parameters in all roles, ${name}`, async (t) => {
      const list = [
        variable('w', [5, 6]),
        variable('b', [5]),
        variable('scale', [1]),
        variable('shift', [3, 1]),
      ] as const;
      packParameters(list);
      const [w, b, scale, shift] = list;
      const x = variable('x', [3, 6]);
      const y = o.add(o.matmul(x, o.transpose(w)), b);
      const outputs = {
        y,
        normal: o.mul(o.add(o.softmax(y), shift), scale),
        rows: o.sum(w, 0),
        slice: o.matmul(o.slice(w, 0, 1, 4), o.transpose(x)),
      };
      await check(t, { outputs }, new Map([...list, x].map((v) => [v, reals(v.name, v.size)])), {
        adapter,
      });
    });
  }

  c(
    'random graphs give what the reference gives',
    async (t) => {
      let turn = 0;
      const property = fc.asyncProperty(fc.infiniteStream(fc.nat(2 ** 20)), async (choices) => {
        const choose = (n: number) => (choices.next().value as number) % n;
        const { program, values } = randomProgram(choose, 14);
        const adapter = adapters[turn++ % 2 === 0 ? 'software' : 'gpu'];
        await check(t, program, values, { adapter });
      });
      await fc.assert(property, { seed: 20, numRuns: 24, endOnFailure: true });
    },
    { timeout: 120_000 },
  );
});
