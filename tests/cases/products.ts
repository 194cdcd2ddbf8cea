/** Matrix products: layouts, batches, epilogues and the sums and splits that go with them. */
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, check, integers, reals, tilingAdapters } from '../support/engine.ts';

/** How the matrix an operand stands for lies in memory. */
const layouts: Record<string, (name: string, shape: Shape) => [Variable, Tensor]> = {
  plain: (name, shape) => {
    const x = variable(name, shape);
    return [x, x];
  },
  transposed: (name, shape) => {
    const x = variable(name, [
      ...shape.slice(0, -2),
      shape.at(-1) as number,
      shape.at(-2) as number,
    ]);
    return [x, o.transpose(x)];
  },
  /** Some columns of a wider matrix. */
  columns: (name, shape) => {
    const n = shape.at(-1) as number;
    const x = variable(name, [...shape.slice(0, -1), n + 5]);
    return [x, o.slice(x, -1, 3, 3 + n)];
  },
  /** Some rows of a taller one. */
  rows: (name, shape) => {
    const m = shape.at(-2) as number;
    const x = variable(name, [...shape.slice(0, -2), m + 4, shape.at(-1) as number]);
    return [x, o.slice(x, -2, 2, 2 + m)];
  },
  /** Some rows of a matrix whose transpose is stored. */
  transposedColumns: (name, shape) => {
    const [m, n] = shape.slice(-2) as [number, number];
    const x = variable(name, [...shape.slice(0, -2), n, m + 8]);
    return [x, o.transpose(o.slice(x, -1, 4, 4 + m))];
  },
  /** Every row is the same one: no product kernel reads that, so it is copied. */
  broadcast: (name, shape) => {
    const x = variable(name, [...shape.slice(0, -2), 1, shape.at(-1) as number]);
    return [x, o.expand(x, shape)];
  },
  /** No strides describe it: a copy, too. */
  folded: (name, shape) => {
    const [m, n] = shape.slice(-2) as [number, number];
    const x = variable(name, [...shape.slice(0, -2), n, m]);
    return [x, o.reshape(o.transpose(x), shape)];
  },
};

type Product = readonly [m: number, k: number, n: number, a: string, b: string];
const products: readonly Product[] = [
  [1, 1, 1, 'plain', 'plain'],
  [1, 7, 5, 'plain', 'transposed'],
  [5, 1, 7, 'transposed', 'plain'],
  [7, 5, 1, 'plain', 'plain'],
  [17, 13, 19, 'transposed', 'transposed'],
  [17, 13, 19, 'plain', 'plain'],
  [16, 8, 12, 'plain', 'transposed'],
  [16, 8, 12, 'transposed', 'plain'],
  [33, 20, 67, 'columns', 'rows'],
  [6, 9, 10, 'rows', 'columns'],
  [4, 6, 5, 'broadcast', 'folded'],
  [12, 16, 8, 'transposedColumns', 'transposedColumns'],
  [130, 31, 66, 'plain', 'columns'],
  [3, 64, 2, 'columns', 'transposed'],
];

type Batched = readonly [a: Shape, b: Shape, aLayout: string, bLayout: string];
const batched: readonly Batched[] = [
  [[3, 5, 4], [3, 4, 7], 'plain', 'plain'],
  [[2, 3, 5, 4], [2, 3, 4, 6], 'transposed', 'columns'],
  [[3, 5, 4], [4, 7], 'plain', 'transposed'],
  [[5, 4], [3, 4, 8], 'plain', 'plain'],
  [[2, 1, 5, 4], [3, 4, 2], 'plain', 'plain'],
  [[2, 3, 5, 4], [3, 4, 2], 'rows', 'plain'],
  [[2, 1, 3, 4], [1, 3, 4, 5], 'columns', 'transposed'],
  [[1, 3, 2], [4, 2, 3], 'broadcast', 'folded'],
];

concurrentCases('products', (c) => {
  for (const name of adapterNames) {
    const adapter = tilingAdapters[name];

    c(`of all sizes and layouts, ${name}`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, ArrayLike<number>>();
      const operand = (label: string, layout: string, shape: Shape): Tensor => {
        const made = layouts[layout]?.(label, shape) as [Variable, Tensor];
        values.set(made[0], integers(label, made[0].size));
        return made[1];
      };
      // A GPU's kernels compile slowly on a software adapter: every other one will do.
      const chosen = <T>(list: readonly T[], from: number) =>
        list.filter((_, i) => name === 'software' || i % 2 === from);
      chosen(products, 0).forEach(([m, k, n, a, b], i) => {
        outputs[`${m}×${k}×${n} ${a} ${b}`] = o.matmul(
          operand(`a${i}`, a, [m, k]),
          operand(`b${i}`, b, [k, n]),
        );
      });
      chosen(batched, 1).forEach(([a, b, aLayout, bLayout], i) => {
        outputs[`[${a}] by [${b}] ${aLayout} ${bLayout}`] = o.matmul(
          operand(`batched a${i}`, aLayout, a),
          operand(`batched b${i}`, bLayout, b),
        );
      });
      await check(t, { outputs }, values, { adapter });
    });

    c(`with what is done to their results, ${name}`, async (t) => {
      const [batch, inner, width] = [9, 14, 21];
      const x = variable('x', [batch, inner]);
      const w = variable('w', [width, inner]);
      const b = variable('b', [width]);
      const left = variable('left', [batch, 1]);
      const number = variable('number', []);
      const wide = variable('wide', [2, 3, inner, 8]);
      const square = variable('square', [batch, batch]);
      const linear = o.add(o.matmul(x, o.transpose(w)), b);
      const outputs = {
        relu: o.relu(linear),
        scaled: o.mul(o.tanh(o.add(o.matmul(x, o.transpose(w)), left)), number),
        batched: o.softplus(o.matmul(x, wide)),
        own: o.sub(o.matmul(square, square), o.transpose(square)),
        noisy: o.add(o.matmul(x, o.transpose(w)), o.randomNormal([batch, width])),
        thin: o.add(
          o.matmul(x, o.reshape(o.slice(x, 0, 0, 1), [inner, 1])),
          o.randomUniform([batch, 1]),
        ),
      };
      const values = new Map(
        [x, w, b, left, number, wide, square].map((v) => [v, reals(v.name, v.size)] as const),
      );
      await check(t, { outputs }, values, { adapter });
    });

    c(`with bias gradients beside weight gradients, ${name}`, async (t) => {
      for (const [batch, inner, width] of [
        [10, 7, 5],
        [12, 16, 20],
      ] as const) {
        const x = variable('x', [batch, inner]);
        const w = variable('w', [width, inner], { role: 'parameter' });
        const b = variable('b', [width], { role: 'parameter' });
        if (width === 20) packParameters([w, b]);
        const y = o.add(o.matmul(x, o.transpose(w)), b);
        const [dw, db] = o.gradient(o.sum(o.mul(y, y)), [w, b]) as [Tensor, Tensor];
        const values = new Map([x, w, b].map((v) => [v, integers(v.name, v.size, -2, 2)] as const));
        const flat = o.concat([o.reshape(dw, [dw.size]), db], 0);
        const outputs: Record<string, Tensor> = width === 20 ? { dw, db, flat } : { dw, db };
        const { kernels } = await check(t, { outputs }, values, { adapter });
        t.ok(
          kernels.some((k) => k.groups.some(({ columnSum }) => columnSum !== undefined)),
          'the bias gradient has a kernel of its own',
        );
      }
    });

    c(`of long inner extents, ${name}`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, ArrayLike<number>>();
      // The last has no divisor to cut it by.
      for (const k of [2048, 2100, 4096, 2053]) {
        const a = variable(`a${k}`, [k, 20]);
        const b = variable(`b${k}`, [k, 9]);
        for (const x of [a, b]) values.set(x, integers(x.name, x.size, -3, 3));
        outputs[`tn ${k}`] = o.matmul(o.transpose(a), b);
        outputs[`nt ${k}`] = o.matmul(o.reshape(a, [20, k]), o.transpose(o.reshape(b, [9, k])));
      }
      const stack = variable('stack', [2, 3, 2048]);
      const matrix = variable('matrix', [2048, 4]);
      for (const x of [stack, matrix]) values.set(x, integers(x.name, x.size, -3, 3));
      outputs.batched = o.relu(o.matmul(stack, matrix));
      const { kernels } = await check(t, { outputs }, values, { adapter });
      const groups = kernels.flatMap((kernel) => kernel.groups);
      const cut = groups.filter(({ shape }) => /^[2-9]\d*,20,9$/.test(shape.join()));
      t.ok(cut.length >= 3, `${cut.length} products were cut into parts`);
    });
  }
});
