/** Groups of parameters with optimizers of their own, and steps that are added up before one is taken. */
import { datasetOf } from '../../src/data/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import { add, mean, mul, square, sub, sum } from '../../src/ops/index.ts';
import {
  accumulated,
  adam,
  adamW,
  cosine,
  type Optimizer,
  RowTable,
  sgd,
} from '../../src/optim/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { reals } from '../support/engine.ts';
import { data, FEATURES, ROWS, sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

/** Parts that do not lie side by side by groups. */
class Parts extends Module {
  a = variable('a', [5], { role: 'parameter', init: () => [1, 2, 3, 4, 5] });
  b = variable('b', [70], { role: 'parameter', init: () => new Array(70).fill(2) });
  c = variable('c', [3], { role: 'parameter', init: () => [-1, -2, -3] });
}

function grouped(options: Partial<TrainerOptions> = {}): TrainerOptions & { model: Parts } {
  const model = new Parts();
  const { a, b, c } = model;
  return {
    data,
    batch: 4,
    optimizer: adamW({ lr: 0.05, weightDecay: 0.1 }),
    groups: [
      { parameters: [b], optimizer: sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.2 }) },
      { parameters: [c], optimizer: adam({ lr: cosine(0.1, 40) }) },
    ],
    loss: () => ({ loss: mul(0.5, add(add(sum(square(a)), sum(square(b))), sum(square(c)))) }),
    ...options,
    model,
  };
}

/** One number's way under each rule, in float64; its gradient is itself. */
const rules = {
  adam(x: number, steps: number, rate: (t: number) => number, decay = 0) {
    let [m, v] = [0, 0];
    for (let t = 1; t <= steps; t++) {
      const g = x;
      [m, v] = [0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g];
      const by = m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
      x = x * (1 - rate(t - 1) * decay) - rate(t - 1) * by;
    }
    return x;
  },
  sgd(x: number, steps: number) {
    let velocity = 0;
    for (let t = 0; t < steps; t++) {
      velocity = 0.9 * velocity + x + 0.2 * x;
      x -= 0.1 * velocity;
    }
    return x;
  },
};

const STEPS = 30;

concurrentCases('groups of parameters', (c) => {
  c('each is moved by its own optimizer, as in float64', async (t) => {
    const half = (s: number) => 0.05 * (1 + Math.cos((Math.PI * s) / 40));
    await withTrainer(t, grouped(), async (trainer) => {
      const { metrics } = await trainer.run(STEPS);
      t.close(metrics.learningRate as number, 0.05, { relative: 1e-6 }, 'the rate of the others');
      const flat = (await trainer.state()).tensors.get('parameters') as Float32Array;
      const own = [1, 2, 3, 4, 5].map((x) => rules.adam(x, STEPS, () => 0.05, 0.1));
      t.close(flat.slice(0, 5), own, { absolute: 1e-5 }, 'in no group');
      t.close(
        flat.slice(64, 134),
        new Array(70).fill(rules.sgd(2, STEPS)),
        { absolute: 1e-5 },
        'b',
      );
      const timed = [-1, -2, -3].map((x) => rules.adam(x, STEPS, half));
      t.close(flat.slice(192, 195), timed, { absolute: 1e-5 }, 'c');
      t.ok(
        [...flat.slice(5, 64), ...flat.slice(134, 192)].every((x) => x === 0),
        'between the parts there are zeros',
      );
    });
  });

  c('a state goes on bit for bit, with the moments of all', async (t) => {
    const whole = await undisturbed(t, 20, grouped());
    const middle = await undisturbed(t, 9, grouped());
    t.ok(
      ['m', 'v', 'velocity'].every((name) => middle.tensors.has(`optimizer.${name}`)),
      'all',
    );
    await withTrainer(
      t,
      grouped(),
      async (trainer) => {
        await trainer.run(11);
        sameBits(t, await trainer.state(), whole, 'continued');
      },
      middle,
    );
  });

  c('a table that learns by rows may be in one', async (t) => {
    class Points extends Module {
      shift = variable('shift', [FEATURES], { role: 'parameter', init: () => [0, 0, 0, 0, 0] });
      table = new RowTable({ rows: ROWS, width: FEATURES });
    }
    const model = new Points();
    const loss: TrainerOptions['loss'] = ({ x, rows }) => {
      const own = model.table.follow(rows as Tensor);
      return { loss: sum(square(sub(add(own.of, model.shift), x))), also: [own] };
    };
    const still = sgd({ lr: 0 });
    const groups = [{ parameters: [model.table.values], optimizer: still }];
    const options = { model, data, batch: 4, optimizer: sgd({ lr: 0.01 }), groups, loss };
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(5);
      const { tensors } = await trainer.state();
      t.ok(tensors.get('buffer.table.values')?.every((x) => x === 0) === true, 'stands still');
      t.ok(tensors.get('parameters')?.some((x) => x !== 0) === true, 'moves');
    });
  });

  c('four steps that are added up are one of four times the batch', async (t) => {
    const numbers = reals('32 rows', 32 * FEATURES);
    const all = datasetOf(numbers, [FEATURES]);
    const states = [];
    for (const [batch, steps, optimizer] of [
      [16, 10, adamW({ lr: 0.05, weightDecay: 0.1 })],
      [4, 40, accumulated(adamW({ lr: 0.05, weightDecay: 0.1 }), 4)],
    ] as const) {
      const model = new Parts();
      const loss: TrainerOptions['loss'] = ({ x }) => ({
        loss: mean(sum(square(sub(x, model.a)), -1)),
      });
      const options = { model, data: all, batch, optimizer, loss, seed: 2 };
      states.push(await undisturbed(t, steps, options));
    }
    const [large, small] = states.map(({ tensors }) => tensors);
    for (const name of ['parameters', 'optimizer.m', 'optimizer.v']) {
      const wanted = large?.get(name) as Float32Array;
      t.close(small?.get(name) as Float32Array, wanted, { absolute: 2e-6 }, name);
    }
    t.ok(small?.get('optimizer.sum')?.every((x) => x === 0) === true, 'nothing is left over');
    await t.throws('bad-config', () => accumulated(sgd(), 0), /every 0/);
  });

  c('what is none of the parameters, or in two groups, is refused', async (t) => {
    const stray = variable('stray', [2]);
    const { model } = grouped();
    const optimizer: Optimizer = sgd();
    const refused = (groups: TrainerOptions['groups'], message: RegExp) =>
      t.throws(
        'bad-config',
        () =>
          withTrainer(
            t,
            { ...grouped({ groups: groups ?? [] }), model, loss: () => ({ loss: mean(model.a) }) },
            async () => {},
          ),
        message,
      );
    await refused([{ parameters: [stray], optimizer }], /^groups: stray .* none of the model's/);
    const twice = { parameters: [model.a], optimizer };
    await refused([twice, twice], /^groups: a .* is in two groups/);
  });
});
