/** Numbers for each row of the data, of which a step touches those of its batch. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import {
  add,
  batchRows,
  equal,
  gather,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  step,
  sub,
  sum,
  toFloat,
} from '../../src/ops/index.ts';
import { adam, type Optimizer, RowTable, sgd } from '../../src/optim/index.ts';
import { seedWords } from '../../src/random.ts';
import { Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import {
  BATCH,
  data,
  FEATURES,
  ROWS,
  sameBits,
  undisturbed,
  withTrainer,
} from '../support/trainers.ts';

const SEED = 3;
const [BETA1, BETA2, EPS, RATE] = [0.9, 0.999, 1e-8, 0.05];

/** A point for each row, drawn to the row and to a common shift. */
class Points extends Module {
  shift = variable('shift', [FEATURES], {
    role: 'parameter',
    init: () => new Array(FEATURES).fill(0),
  });
  table = new RowTable({
    rows: ROWS,
    width: FEATURES,
    init: (_, random) => Array.from({ length: ROWS * FEATURES }, random),
  });
}

function pointing(options: Partial<TrainerOptions> = {}): TrainerOptions & { model: Points } {
  const model = new Points();
  return {
    data,
    batch: BATCH,
    seed: SEED,
    optimizer: adam({ lr: RATE }),
    loss: ({ x, rows }) => {
      const own = model.table.follow(rows as Tensor);
      const far = sum(square(sub(add(own.of, model.shift), x)), -1);
      return { loss: mul(0.5, mean(far)), also: [own] };
    },
    ...options,
    model,
  };
}

/** Lazy Adam in float64 for `steps` steps, with the loss's own gradient. */
function expected(start: ArrayLike<number>, steps: number) {
  const table = Float64Array.from(start);
  const [m, v] = [new Float64Array(table.length), new Float64Array(table.length)];
  const visits = new Uint32Array(ROWS);
  const shift = new Float64Array(FEATURES);
  const [sm, sv] = [new Float64Array(FEATURES), new Float64Array(FEATURES)];
  const move = (
    at: Float64Array,
    [a, b]: readonly [Float64Array, Float64Array],
    i: number,
    g: number,
    t: number,
  ) => {
    a[i] = BETA1 * (a[i] as number) + (1 - BETA1) * g;
    b[i] = BETA2 * (b[i] as number) + (1 - BETA2) * g * g;
    const [mean1, mean2] = [
      (a[i] as number) / (1 - BETA1 ** t),
      (b[i] as number) / (1 - BETA2 ** t),
    ];
    at[i] = (at[i] as number) - (RATE * mean1) / (Math.sqrt(mean2) + EPS);
  };
  for (let s = 0; s < steps; s++) {
    const rows = batchRows(ROWS, BATCH, seedWords(SEED), s);
    const before = shift.slice();
    const total = new Float64Array(FEATURES);
    for (const row of rows) {
      visits[row] = (visits[row] as number) + 1;
      for (let j = 0; j < FEATURES; j++) {
        const i = row * FEATURES + j;
        const g = ((table[i] as number) + (before[j] as number) - (data.data[i] as number)) / BATCH;
        total[j] = (total[j] as number) + g;
        move(table, [m, v], i, g, visits[row] as number);
      }
    }
    for (let j = 0; j < FEATURES; j++) move(shift, [sm, sv], j, total[j] as number, s + 1);
  }
  return { table, m, v, visits, shift };
}

cases('row tables', (c) => {
  c('lazy Adam: as in float64, row by row, resident and streamed', async (t) => {
    for (const residentBytes of [2 ** 20, 200]) {
      await withTrainer(t, pointing({ residentBytes }), async (trainer) => {
        const start = (await trainer.state()).tensors.get('buffer.table.values') as Float32Array;
        t.ok(new Set(start).size > 100, 'its own initial values');
        await trainer.run(40);
        const { tensors } = await trainer.state();
        const wanted = expected(start, 40);
        // Adam divides by the root of a small number: an error of a rounding in g is one of lr · 2⁻²⁰.
        const tolerance = { absolute: 2e-6, relative: 2e-5 };
        t.close(
          tensors.get('buffer.table.values') as Float32Array,
          wanted.table,
          tolerance,
          'rows',
        );
        t.close(tensors.get('also.0.m') as Float32Array, wanted.m, tolerance, 'm');
        t.close(tensors.get('also.0.v') as Float32Array, wanted.v, tolerance, 'v');
        t.equal([...(tensors.get('also.0.updates') as Float32Array)], [...wanted.visits], 'visits');
        const shift = (tensors.get('parameters') as Float32Array).slice(0, FEATURES);
        t.close(shift, wanted.shift, tolerance, 'the parameter beside it');
      });
    }
  });

  c('rows of other batches keep their bits', async (t) => {
    await withTrainer(t, pointing(), async (trainer) => {
      const values = async (name: string) =>
        (await trainer.state()).tensors.get(name) as Float32Array;
      await trainer.run(7);
      const names = ['buffer.table.values', 'also.0.m', 'also.0.v'];
      for (let s = 7; s < 12; s++) {
        const before = await Promise.all(names.map(values));
        await trainer.run(1);
        const touched = new Set(batchRows(ROWS, BATCH, seedWords(SEED), s));
        for (const [k, name] of names.entries()) {
          const after = await values(name);
          for (let row = 0; row < ROWS; row++) {
            const of = (all: Float32Array | undefined) =>
              String(all?.slice(row * FEATURES, (row + 1) * FEATURES));
            t.equal(
              of(after) === of(before[k]),
              !touched.has(row),
              `${name}, row ${row} of step ${s}`,
            );
          }
        }
      }
    });
  });

  c(
    'a state in the middle of an epoch goes on bit for bit, and so does a lost device',
    async (t) => {
      const whole = await undisturbed(t, 23, pointing());
      const middle = await undisturbed(t, 9, pointing());
      await withTrainer(
        t,
        pointing(),
        async (trainer) => {
          await trainer.run(14);
          sameBits(t, await trainer.state(), whole, 'continued');
        },
        middle,
      );
      const trainer = await Trainer.create(pointing({ residentBytes: 200 }), () => t.open());
      await trainer.run(10, { snapshotAfter: Number.POSITIVE_INFINITY });
      trainer.runtime.device.lose();
      await trainer.run(13);
      sameBits(t, await trainer.state(), whole, 'after a loss, streamed');
      trainer.destroy();
    },
  );

  c('an update that is skipped leaves the rows as they are', async (t) => {
    const options = pointing();
    const { model } = options;
    const blown: TrainerOptions = {
      ...options,
      loss: ({ x, rows }) => {
        const own = model.table.follow(rows as Tensor);
        // At step 5 the square root has no slope: 0 · ∞, in the gradient of the rows alone.
        const gate = sub(1, equal(toFloat(step), 5));
        const bent = mean(sqrt(mul(gate, add(square(own.of), 1))));
        const far = mean(square(sub(add(own.of, model.shift), x)));
        return { loss: add(far, bent), also: [own] };
      },
    };
    await withTrainer(t, blown, async (trainer) => {
      await trainer.run(5);
      const before = await trainer.state();
      t.equal((await trainer.run(1)).skipped, 1);
      const after = await trainer.state();
      for (const name of ['parameters', 'buffer.table.values', 'also.0.m', 'also.0.updates']) {
        t.equal(after.tensors.get(name), before.tensors.get(name), name);
      }
      t.equal((await trainer.run(3)).skipped, 1, 'and it goes on');
      t.ok(
        String((await trainer.state()).tensors.get('also.0.m')) !==
          String(after.tensors.get('also.0.m')),
        'moved',
      );
    });
  });

  c('a clip is of all gradients together', async (t) => {
    const optimizer: Optimizer = sgd({ lr: 1 });
    await withTrainer(t, pointing({ optimizer, clipNorm: 1e-3 }), async (trainer) => {
      const start = await trainer.state();
      await trainer.run(1);
      const end = await trainer.state();
      let squares = 0;
      for (const name of ['parameters', 'buffer.table.values']) {
        const from = start.tensors.get(name) as Float32Array;
        (end.tensors.get(name) as Float32Array).forEach((x, i) => {
          squares += (x - (from[i] as number)) ** 2;
        });
      }
      // Values of up to 1 keep a change of 1e-4 to 2⁻²⁴.
      t.close(Math.sqrt(squares), 1e-3, { relative: 1e-3 }, 'the length of the step');
    });
  });

  c('rows that are followed in two places learn once, by both gradients', async (t) => {
    // Half of the loss is of all rows of a batch, half of them in another order: as one loss of all.
    const options = pointing({ clipNorm: 0.05 });
    const { model } = options;
    const order = [...new Array(BATCH).keys()].reverse();
    const turned = variable('order', [BATCH], { dtype: 'u32', init: () => order });
    const twice: TrainerOptions['loss'] = ({ x, rows }) => {
      const [one, other] = [
        rows as Tensor,
        reshape(gather(reshape(rows as Tensor, [BATCH, 1]), turned), [BATCH]),
      ];
      const [own, again] = [model.table.follow(one), model.table.follow(other)];
      const far = (of: Tensor, from: Tensor) =>
        mul(0.25, mean(sum(square(sub(add(of, model.shift), from)), -1)));
      const loss = add(far(own.of, x), far(again.of, gather(add(x, 0), turned)));
      return { loss, also: [own, again] };
    };
    const once = await undisturbed(t, 12, pointing({ clipNorm: 0.05 }));
    await withTrainer(t, { ...options, loss: twice }, async (trainer) => {
      await trainer.run(12);
      const { tensors } = await trainer.state();
      for (const name of ['parameters', 'buffer.table.values', 'also.0.updates']) {
        const wanted = once.tensors.get(name) as Float32Array;
        t.close(tensors.get(name) as Float32Array, wanted, { absolute: 2e-5 }, name);
      }
    });
  });

  c('a table that is no part of the model is refused', async (t) => {
    const options = pointing();
    const stray = new RowTable({ rows: ROWS, width: FEATURES });
    const loss: TrainerOptions['loss'] = ({ x, rows }) => {
      const own = stray.follow(rows as Tensor);
      return { loss: mean(square(sub(own.of, x))), also: [own] };
    };
    await t.throws(
      'bad-config',
      () => Trainer.create({ ...options, loss }, () => Promise.resolve(t.device)),
      /learns by rows and is no buffer of the model/,
    );
  });

  c('a row that leaves float32 is found before a state is taken for good', async (t) => {
    const options = pointing({ optimizer: sgd({ lr: 3e38 }) });
    const { model } = options;
    const loss: TrainerOptions['loss'] = ({ rows }) => {
      const own = model.table.follow(rows as Tensor);
      return { loss: add(mul(1e-3, sum(model.shift)), mul(50, mean(own.of))), also: [own] };
    };
    await withTrainer(t, { ...options, loss }, async (trainer) => {
      const message = /^after step 0 table table\.values \[26, 5\] \(20 of 130 .* is not finite/;
      await t.throws('not-finite', () => trainer.run(1), message);
      t.equal(trainer.step, 0);
    });
  });
});
