/** Embeddings: rows added up by an index, dense and lazy steps, and what a step of a long table costs. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable, variable } from '../../src/graph/variable.ts';
import { Embedding, Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { batchRows } from '../../src/ops/index.ts';
import { adam, minimize, SparseEmbedding } from '../../src/optim/index.ts';
import { seedWords } from '../../src/random.ts';
import { schedule } from '../../src/scheduler/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';
import { withTrainer } from '../support/trainers.ts';

const [COUNT, WIDTH, BATCH] = [7, 3, 4];
/** Rows of the data, each the number of a row of the table. */
const NAMED = [0, 2, 5, 1, 6, 2, 0, 3, 5, 4, 5, 1];
const SEED = 1;
const [RATE, B1, B2, EPS] = [0.1, 0.9, 0.999, 1e-8];

class Points extends Module {
  readonly dense = new Embedding(COUNT, WIDTH, () => reals('table', COUNT * WIDTH));
  readonly lazy = new SparseEmbedding(COUNT, WIDTH, () => reals('table', COUNT * WIDTH));
  /** Trained beside it: a step has parameters. */
  readonly shift = variable('shift', [1], { role: 'parameter', init: () => [0] });
}

/** Draws the rows that a batch names, equal ones among them, to their numbers. */
function learned(isLazy: boolean): TrainerOptions & { model: Points } {
  const model = new Points();
  return {
    model,
    data: { name: 'rows', source: 'rows', count: 12, shape: [1], data: Float32Array.from(NAMED) },
    batch: BATCH,
    seed: SEED,
    loss: ({ x }) => {
      const index = o.toUint(o.reshape(x, [BATCH]));
      const own = isLazy ? model.lazy.lookup(index) : undefined;
      const rows = own?.rows ?? model.dense.call(index);
      const far = o.sum(o.square(o.sub(o.add(rows, model.shift), o.expand(x, [BATCH, WIDTH]))));
      return { loss: far, ...(own && { also: [own] }) };
    },
    optimizer: adam({ lr: RATE }),
  };
}

/** Adam in float64, whose step counts are those of all rows, or of each. */
class Oracle {
  readonly table = Float64Array.from(reals('table', COUNT * WIDTH));
  private shift = 0;
  private readonly of = {
    m: new Float64Array(22),
    v: new Float64Array(22),
    t: new Array(8).fill(0),
  };

  step(rows: readonly number[], isLazy: boolean): void {
    const g = new Float64Array(COUNT * WIDTH + 1);
    for (const row of rows) {
      for (let k = 0; k < WIDTH; k++) {
        const at = row * WIDTH + k;
        const slope = 2 * ((this.table[at] as number) + this.shift - row);
        g[at] = (g[at] as number) + slope;
        g[COUNT * WIDTH] = (g[COUNT * WIDTH] as number) + slope;
      }
    }
    const { m, v, t } = this.of;
    for (let row = 0; row <= COUNT; row++) {
      if (isLazy && row < COUNT && !rows.includes(row)) continue;
      t[row] += 1;
      for (let k = 0; k < (row < COUNT ? WIDTH : 1); k++) {
        const at = row * WIDTH + k;
        m[at] = B1 * (m[at] as number) + (1 - B1) * (g[at] as number);
        v[at] = B2 * (v[at] as number) + (1 - B2) * (g[at] as number) ** 2;
        const [mean, square] = [
          (m[at] as number) / (1 - B1 ** t[row]),
          (v[at] as number) / (1 - B2 ** t[row]),
        ];
        const by = (RATE * mean) / (Math.sqrt(square) + EPS);
        if (row < COUNT) this.table[at] = (this.table[at] as number) - by;
        else this.shift -= by;
      }
    }
  }
}

/** @param isLazy whether rows that wait stand still */
async function learns(t: CaseContext, isLazy: boolean): Promise<void> {
  const oracle = new Oracle();
  await withTrainer(t, learned(isLazy), async (trainer) => {
    for (let step = 0; step < 6; step++) {
      const rows = Array.from(
        batchRows(NAMED.length, BATCH, seedWords(SEED), step),
        (i) => NAMED[i] ?? 0,
      );
      await trainer.run(1);
      oracle.step(rows, isLazy);
      const { tensors } = await trainer.state();
      const held = tensors.get(isLazy ? 'buffer.lazy.values' : 'parameters') as Float32Array;
      const found = held.slice(0, COUNT * WIDTH);
      t.close(found, oracle.table, { absolute: 2e-5 }, `step ${step}, rows ${rows}`);
    }
  });
}

concurrentCases('embeddings', (c) => {
  c('rows are added up by an index, as often as they come', async (t) => {
    for (const [count, width, batch] of [
      [1, 1, 1],
      [5, 3, 9],
      [70, 8, 13],
      [300, 5, 64],
    ] as const) {
      const [x, index] = [variable('x', [batch, width]), variable('i', [batch], { dtype: 'u32' })];
      const values = new Map<Variable, ArrayLike<number>>([
        [x, reals('x', batch * width)],
        [index, Uint32Array.from({ length: batch }, (_, b) => (b * b + 1) % count)],
      ]);
      const y = o.addRows(x, index, count);
      for (const adapter of adapterNames) {
        await check(t, { outputs: { y } }, values, { adapter: adapters[adapter] });
      }
    }
  });

  c('looked up twice in a step, a lazy table learns as one lookup of both', async (t) => {
    // 2 × 3 rows of a table of 7, and 2 × 4, which are more than it has.
    for (const size of [3, 4]) {
      const states = [];
      for (const isTwice of [false, true]) {
        const options = learned(true);
        const { model } = options;
        const loss: TrainerOptions['loss'] = ({ x }) => {
          const index = o.toUint(o.reshape(o.slice(x, 0, 0, size), [size]));
          const both = o.concat([index, index]);
          const far = (rows: Tensor) => o.sum(o.square(o.sub(rows, model.shift)));
          if (isTwice) {
            const [one, other] = [model.lazy.lookup(index), model.lazy.lookup(index)];
            return { loss: o.add(far(one.rows), far(other.rows)), also: [one, other] };
          }
          const own = model.lazy.lookup(size === 3 ? both : index);
          const weight = size === 3 ? 1 : 2;
          return { loss: o.mul(weight, far(own.rows)), also: [own] };
        };
        states.push(
          await withTrainer(t, { ...options, loss }, async (trainer) => {
            await trainer.run(5);
            return (await trainer.state()).tensors.get('buffer.lazy.values') as Float32Array;
          }),
        );
      }
      const [once, twice] = states as [Float32Array, Float32Array];
      t.close(twice, once, { absolute: 1e-5 }, `${size} rows each`);
    }
  });

  c('an embedding and its gradient', async (t) => {
    const embedding = new Embedding(6, 4);
    const index = variable('i', [2, 3], { dtype: 'u32' });
    const weighing = variable('w', [2, 3, 4]);
    const y = embedding.call(index);
    t.equal([...y.shape], [2, 3, 4]);
    const [slope] = o.gradient(o.sum(o.mul(weighing, o.square(y))), [embedding.weight]);
    const values = new Map<Variable, ArrayLike<number>>([
      [embedding.weight, reals('weight', 24)],
      [index, Uint32Array.from([5, 0, 3, 0, 0, 2])],
      [weighing, reals('weighing', 24)],
    ]);
    await check(t, { outputs: { y, slope: slope as Tensor } }, values);
    await t.throws('shape-mismatch', () => embedding.call(weighing), /unsigned/);
  });

  c("a dense step is Adam's of every row", (t) => learns(t, false));

  c('a lazy step moves the rows that a batch names, once each', (t) => learns(t, true));

  c('a lazy step does not grow with the table', (t) => {
    for (const adapter of adapterNames) {
      const of = (count: number) => {
        const table = new SparseEmbedding(count, 8);
        const index = input('index', [16], 'u32');
        const shift = variable('shift', [1], { role: 'parameter', init: () => [0] });
        const own = table.lookup(index);
        const loss = o.sum(o.square(o.add(own.rows, shift)));
        const { effects } = minimize(loss, [shift], { optimizer: adam({ lr: 0.1 }), also: [own] });
        const { kernels } = schedule(
          { effects },
          { ...schedule({ effects }).adapter, ...adapters[adapter] },
        );
        return kernels.map(({ dispatch, flops, bytes }) => [dispatch, flops, bytes]);
      };
      t.equal(of(100_000), of(1000), adapter);
    }
  });

  c('refuses more rows than the table has', async (t) => {
    const table = new SparseEmbedding(3, 2);
    const index = input('index', [4], 'u32');
    await t.throws('shape-mismatch', () => table.lookup(index), /nn\.Embedding/);
  });
});
