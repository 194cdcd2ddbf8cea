/** Indices that a table has no row for, parameters that are none: never a finite wrong number, and named. */
import * as laws from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable, variable } from '../../src/graph/variable.ts';
import { Embedding, Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam, SparseEmbedding } from '../../src/optim/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, reals, withRuntime } from '../support/engine.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { withTrainer } from '../support/trainers.ts';

const NAN = Number.NaN;
const NOWHERE = 2 ** 32 - 1;

/** Numbers of rows as floats, the last of which no table of seven has. */
const NAMED = [0, 2, 5, 1, 6, 2, 0, 3, 5, 4, 5, 7];

function looking(isLazy: boolean, rows: readonly number[], last = false): TrainerOptions {
  class Model extends Module {
    readonly words = isLazy ? new SparseEmbedding(7, 3) : new Embedding(7, 3);
    readonly shift = variable('shift', [1], { role: 'parameter', init: () => [0] });
  }
  const model = new Model();
  return {
    model,
    data: { name: 'rows', source: 'rows', count: 12, shape: [1], data: Float32Array.from(rows) },
    batch: 4,
    seed: 1,
    loss: ({ x }) => {
      const index = o.toIndex(o.reshape(x, [4]));
      const own = model.words instanceof SparseEmbedding ? model.words.lookup(index) : undefined;
      const found = own?.rows ?? (model.words as Embedding).call(index);
      const loss = o.mean(o.square(o.sub(o.add(found, model.shift), last ? x : 1)));
      return { loss, ...(own && { also: [own] }) };
    },
    optimizer: adam({ lr: 0.1 }),
  };
}

concurrentCases('beyond range', (c) => {
  c('a row that a table has not is NaN, and of whole numbers beyond every table', async (t) => {
    const index = variable('index', [5], { dtype: 'u32' });
    const rows = [1, 3, 0, NOWHERE, 2];
    for (const width of [3, 4]) {
      const floats = variable('floats', [3, width]);
      const bytes = variable('bytes', [3, width], { dtype: 'u8' });
      const whole = variable('whole', [3, width], { dtype: 'u32' });
      const numbers = Float32Array.from({ length: 3 * width }, (_, i) => 1 + i);
      const values = new Map<Variable, ArrayLike<number>>([
        [index, Uint32Array.from(rows)],
        [floats, numbers],
        [bytes, Uint8Array.from(numbers)],
        [whole, Uint32Array.from(numbers)],
      ]);
      const outputs = {
        floats: o.gather(floats, index),
        bytes: o.mul(255, o.gather(bytes, index)),
        whole: o.gather(whole, index),
        again: o.gather(floats, o.reshape(o.slice(o.gather(whole, index), 1, 0, 1), [5])),
      };
      const of = (beyond: number) => (row: number) =>
        Array.from({ length: width }, (_, k) => (row < 3 ? 1 + row * width + k : beyond));
      for (const name of adapterNames) {
        const found = await outputsOf(t, outputs, values, { adapter: adapters[name] });
        t.equal([...found.floats], rows.flatMap(of(NAN)), `${name} floats`);
        t.equal(Array.from(found.bytes, Math.round), rows.flatMap(of(NAN)), `${name} bytes`);
        t.equal([...found.whole], rows.flatMap(of(NOWHERE)), `${name} whole`);
        t.equal(
          [...found.again].map((x) => Number.isNaN(x)),
          rows.flatMap((row) => Array.from({ length: width }, () => row !== 0)),
          `${name}: an index from beyond, of a table whose first row is 1`,
        );
      }
      const { floats: oracle } = referenceOf({ floats: outputs.floats }, values);
      t.equal([...oracle], rows.flatMap(of(NAN)), 'the reference');
    }
  });

  c('what is no index picks no row', async (t) => {
    const x = variable('x', [8]);
    const given = Float32Array.of(0, 2, -1, 1.5, NAN, Number.POSITIVE_INFINITY, -0, 1e20);
    const values = new Map([[x, given]]);
    const wanted = [0, 2, NOWHERE, NOWHERE, NOWHERE, NOWHERE, 0, NOWHERE];
    for (const name of adapterNames) {
      const { i } = await outputsOf(t, { i: o.toIndex(x) }, values, { adapter: adapters[name] });
      t.equal([...i], wanted, name);
    }
  });

  c('rows written beyond a table leave its others as they are', async (t) => {
    for (const width of [3, 4]) {
      const table = variable('table', [5, width], { role: 'buffer' });
      const rows = variable('rows', [3, width]);
      const index = variable('index', [3], { dtype: 'u32' });
      for (const name of adapterNames) {
        await withRuntime(
          t,
          async (runtime) => {
            const plan = await runtime.compile({ effects: [o.scatterRows(table, index, rows)] });
            runtime.write(table, new Float32Array(5 * width));
            runtime.write(rows, new Float32Array(3 * width).fill(1));
            runtime.write(index, Uint32Array.of(1, 5, NOWHERE));
            await plan.run();
            const found = await runtime.read(table);
            const wanted = Array.from({ length: 5 * width }, (_, i) =>
              Number(Math.floor(i / width) === 1),
            );
            t.equal([...found], wanted, name);
          },
          adapters[name],
        );
      }
    }
  });

  c('a trainer names the table', async (t) => {
    for (const isLazy of [false, true]) {
      await withTrainer(t, looking(isLazy, NAMED), async (trainer) => {
        const error = await t.throws('not-finite', () => trainer.run(6), /at step [0-2];/);
        t.ok(
          /is gather \[4, 3\] of words\.\w+, x \(3 of 12 values\), picked by an index beyond the 7 rows of the table; number the rows from 0 to 6,/.test(
            error.message,
          ),
          error.message,
        );
        t.ok(!error.message.includes('\n'), 'more than a line');
      });
      await withTrainer(t, looking(isLazy, NAMED.with(11, 6)), (trainer) => trainer.run(6));
    }
  });

  c('what the host knows is refused before it is sent', async (t) => {
    const table = variable('table', [7, 3]);
    const why = /index 7 is beyond the 7 rows of table/;
    await t.throws('bad-input', () => o.gather(table, o.full([2], 7, 'u32')), why);
    await t.throws('bad-input', () => o.gather(table, o.iota(8)), why);
    await t.throws('bad-input', () => o.gather(table, o.toIndex(o.full([2], -1))), /4294967295/);
    const index = input('index', [3], 'u32');
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs: { y: o.gather(table, index) } });
      await plan.compute({ index: [6, 0, 1] });
      await t.throws(
        'bad-input',
        () => plan.compute({ index: [0, 1, 7] }),
        /^index u32\[3\]: element 2 is 7, and table f32\[7, 3\], of which it picks rows, has 7/,
      );
      for (const wrong of [-1, 1.5, NAN, 2 ** 32]) {
        await t.throws('bad-input', () => runtime.write(index, [0, wrong, 0]), /element 1 is/);
      }
    });
  });

  c(
    'parameters that have to be above 0 are NaN where they are not, as is all made of them',
    async (t) => {
      const bad = variable('bad', [4, 1]);
      const values = new Map([[bad, Float32Array.of(0, -0.5, -2, NAN)]]);
      const one = o.full([4, 1], 1);
      const half = o.full([4, 1], 0.5);
      const pair = o.concat([bad, one], 1);
      const made: Record<string, laws.Distribution> = {
        'Gamma concentration': new laws.Gamma(bad, one),
        'Gamma rate': new laws.Gamma(one, bad),
        'Beta a': new laws.Beta(bad, one),
        'Beta b': new laws.Beta(one, bad),
        Dirichlet: new laws.Dirichlet(pair),
        NegativeBinomial: new laws.NegativeBinomial(one, bad),
        // Its rate cannot be negative, but no number.
        Poisson: new laws.Poisson(o.log(o.sub(bad, 1e-3))),
      };
      const outputs: Record<string, Tensor> = {
        'log Γ': o.logGamma(bad),
        digamma: o.digamma(bad),
        'slope of digamma': o.gradient(o.sum(o.digamma(bad)), [bad])[0] as Tensor,
      };
      for (const [name, law] of Object.entries(made)) {
        const x = name === 'Dirichlet' ? o.full([4, 2], 0.5) : /Neg|Poi/.test(name) ? one : half;
        outputs[`${name}: density`] = law.logProb(x);
        outputs[`${name}: draws`] = law.sample();
        if ('entropy' in law) outputs[`${name}: entropy`] = (law as laws.Reparameterized).entropy();
      }
      const [q, p] = [new laws.Gamma(bad, one), new laws.Gamma(one, one)];
      outputs['divergence to'] = laws.klDivergence(p, q);
      outputs['divergence from'] = laws.klDivergence(q, p);
      const names = Object.keys(outputs);
      const isNone = (x: number) => Number.isNaN(x);
      for (let at = 0; at < names.length; at += 4) {
        const some = Object.fromEntries(
          names.slice(at, at + 4).map((name) => [name, outputs[name] as Tensor]),
        );
        for (const adapter of adapterNames) {
          const found = await outputsOf(t, some, values, { adapter: adapters[adapter] });
          for (const [name, numbers] of Object.entries(found)) {
            t.ok(numbers.every(isNone), `${adapter}, ${name}: ${numbers}`);
          }
        }
        for (const [name, numbers] of Object.entries(referenceOf(some, values))) {
          t.ok(numbers.every(isNone), `reference, ${name}: ${numbers}`);
        }
      }
      const zero = o.zeros([2, 2]);
      const why = /Gamma: the rate is 0; it has to be above 0/;
      await t.throws('bad-input', () => new laws.Gamma(o.full([2, 2], 1), zero), why);
      await t.throws('bad-input', () => new laws.Dirichlet(zero), /the concentration is 0/);
    },
  );

  c('a trainer names the parameter', async (t) => {
    class Model extends Module {
      readonly scale = variable('scale', [1], { role: 'parameter', init: () => [0.25] });
    }
    const model = new Model();
    const options: TrainerOptions = {
      model,
      data: { name: 'x', source: 'x', count: 8, shape: [2], data: reals('data', 16, 1, 2) },
      batch: 4,
      binarize: 'none',
      // Its rate falls by a tenth a step.
      loss: ({ x }) => {
        const p = new laws.Gamma(o.full([2], 2), o.expand(model.scale, [2]));
        const told = o.mul(1e-3, o.mean(p.logProb(x)));
        return { loss: o.add(o.sum(model.scale), o.stopGradient(told)) };
      },
      optimizer: adam({ lr: 0.1 }),
    };
    await withTrainer(t, options, async (trainer) => {
      const of = /at step [2-4]; .* is rate of Gamma \[2\] \(2 of 2 values\)/;
      await t.throws('not-finite', () => trainer.run(9), of);
    });
  });
});
