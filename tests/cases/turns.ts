/** Groups of parameters that take turns: one stands still, moments and all, while another moves; or for good. */
import { variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import { add, mean, mul, square, sub, sum } from '../../src/ops/index.ts';
import { adam, adamW, minimize, type Turns } from '../../src/optim/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { data, sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

const [BETA1, BETA2, EPS, RATE, DECAY] = [0.9, 0.999, 1e-8, 0.05, 0.8];

/** Parts that do not lie side by side by groups. */
class Parts extends Module {
  a = variable('a', [5], { role: 'parameter', init: () => [1, 2, 3, 4, 5] });
  b = variable('b', [70], { role: 'parameter', init: () => new Array(70).fill(2) });
  c = variable('c', [3], { role: 'parameter', init: () => [-1, -2, -3] });
}

function taking(
  steps: readonly [number, number] | undefined,
  options: Partial<TrainerOptions> = {},
) {
  const model = new Parts();
  const { a, b, c } = model;
  const turns: Turns | undefined = steps && { groups: [[a, c], [b]], steps };
  const trained: TrainerOptions = {
    model,
    data,
    batch: 4,
    optimizer: adam({ lr: RATE }),
    ema: DECAY,
    seed: 3,
    ...(turns && { turns }),
    loss: () => ({
      loss: mul(0.5, add(add(sum(square(a)), sum(square(b))), sum(square(sub(c, mean(a)))))),
    }),
    ...options,
  };
  return trained;
}

/** The same in float64: values, moments and averages at the ends of the flat parameters' parts. */
function expected([first, second]: readonly [number, number], steps: number) {
  const sizes = { a: 5, b: 70, c: 3 };
  const at = {
    a: Float64Array.of(1, 2, 3, 4, 5),
    b: new Float64Array(70).fill(2),
    c: Float64Array.of(-1, -2, -3),
  };
  const like = () => ({ a: new Float64Array(5), b: new Float64Array(70), c: new Float64Array(3) });
  const [m, v, average] = [like(), like(), like()];
  const counts: [number, number] = [0, 0];
  for (let s = 0; s < steps; s++) {
    const isFirst = s % (first + second) < first;
    const middle = at.a.reduce((x, y) => x + y) / 5;
    const gap = at.c.map((x) => x - middle);
    const push = gap.reduce((x, y) => x + y) / 5;
    const g = { a: at.a.map((x) => x - push), b: at.b.slice(), c: gap };
    counts[isFirst ? 0 : 1] += 1;
    const count = counts[isFirst ? 0 : 1];
    for (const name of isFirst ? (['a', 'c'] as const) : (['b'] as const)) {
      for (let i = 0; i < sizes[name]; i++) {
        const slope = g[name][i] as number;
        m[name][i] = BETA1 * (m[name][i] as number) + (1 - BETA1) * slope;
        v[name][i] = BETA2 * (v[name][i] as number) + (1 - BETA2) * slope * slope;
        const rate = RATE / (1 - BETA1 ** count);
        const root = Math.sqrt((v[name][i] as number) / (1 - BETA2 ** count));
        at[name][i] = (at[name][i] as number) - (rate * (m[name][i] as number)) / (root + EPS);
        average[name][i] =
          DECAY * (average[name][i] as number) + (1 - DECAY) * (at[name][i] as number);
      }
    }
  }
  const flat = (of: typeof at) => {
    const all = new Float64Array(256);
    all.set(of.a, 0);
    all.set(of.b, 64);
    all.set(of.c, 192);
    return all;
  };
  const averages = {
    a: average.a.map((x) => x / (1 - DECAY ** counts[0])),
    b: average.b.map((x, i) => (counts[1] ? x / (1 - DECAY ** counts[1]) : (at.b[i] as number))),
    c: average.c.map((x) => x / (1 - DECAY ** counts[0])),
  };
  return { at: flat(at), m: flat(m), v: flat(v), average: flat(averages), counts };
}

cases('turns', (c) => {
  c('each group moves in its turn, with its own count, as in float64', async (t) => {
    for (const [steps, done] of [
      [[2, 3], 24],
      [[1, 1], 7],
      [[5, 1], 4],
    ] as const) {
      await withTrainer(t, taking(steps), async (trainer) => {
        await trainer.run(done);
        const { tensors } = await trainer.state();
        const wanted = expected(steps, done);
        const near = { absolute: 2e-6, relative: 1e-5 };
        const what = `${steps} at ${done}`;
        t.close(tensors.get('parameters') as Float32Array, wanted.at, near, what);
        t.close(tensors.get('optimizer.m') as Float32Array, wanted.m, near, `m, ${what}`);
        t.close(tensors.get('optimizer.v') as Float32Array, wanted.v, near, `v, ${what}`);
        const counts = [0, 1].map((g) => tensors.get(`optimizer.updates.${g}`)?.[0]);
        t.equal(counts, [...wanted.counts], what);
        const averages = (await trainer.averagedParameters()) as Float32Array;
        t.close(averages, wanted.average, near, `average, ${what}`);
      });
    }
  });

  c('a group that waits keeps its bits, and only the other counts for the norm', async (t) => {
    await withTrainer(t, taking([2, 3]), async (trainer) => {
      const read = async () => (await trainer.state()).tensors;
      const norms: number[] = [];
      for (let s = 0; s < 10; s++) {
        const before = await read();
        norms.push((await trainer.run(1)).metrics.gradientNorm as number);
        const after = await read();
        const moved = s % 5 < 2 ? [true, false, true] : [false, true, false];
        for (const name of ['parameters', 'optimizer.m', 'optimizer.v', 'average']) {
          for (const [k, [from, to]] of (
            [
              [0, 5],
              [64, 134],
              [192, 195],
            ] as const
          ).entries()) {
            const of = (all: typeof before) => String(all.get(name)?.slice(from, to));
            t.equal(of(after) !== of(before), moved[k], `${name}, part ${k}, step ${s}`);
          }
        }
      }
      t.close(norms[2] as number, Math.sqrt(70) * 2, { relative: 1e-6 }, 'of b alone');
    });
  });

  c('a state within a turn goes on bit for bit, and so does a lost device', async (t) => {
    const whole = await undisturbed(t, 17, taking([2, 3]));
    const middle = await undisturbed(t, 8, taking([2, 3]));
    await withTrainer(
      t,
      taking([2, 3]),
      async (trainer) => {
        await trainer.run(9);
        sameBits(t, await trainer.state(), whole, 'continued');
      },
      middle,
    );
    const trainer = await Trainer.create(taking([2, 3]), () => t.open());
    await trainer.run(6, { snapshotAfter: Number.POSITIVE_INFINITY });
    trainer.runtime.device.lose();
    await trainer.run(11);
    sameBits(t, await trainer.state(), whole, 'after a loss');
    trainer.destroy();
  });

  c('without them the step is what it was, and with them it has as many dispatches', (t) => {
    const kernels = (turns?: Turns, model = new Parts()) => {
      const loss = add(sum(square(model.a)), add(sum(square(model.b)), sum(square(model.c))));
      const options = { optimizer: adam({ lr: RATE }), ema: DECAY, ...(turns && { turns }) };
      return schedule({ effects: minimize(loss, model.parameters(), options).effects }).kernels;
    };
    const model = new Parts();
    const turns = { groups: [[model.a, model.c], [model.b]], steps: [1, 2] };
    const [plain, taken] = [kernels(), kernels(turns, model)];
    t.ok(taken.length <= plain.length + 1, `${plain.length} dispatches became ${taken.length}`);
    t.ok(!plain.some(({ code }) => code.includes('mod_u')), 'a turn where there is none');
  });

  c('refuses groups that do not fit', async (t) => {
    const model = new Parts();
    const { a, b, c: d } = model;
    const loss = add(sum(square(a)), add(sum(square(b)), sum(square(d))));
    const other = variable('other', [2], { role: 'parameter' });
    for (const [turns, why] of [
      [{ groups: [[a, b, d]], steps: [1] }, /1 groups and 1 numbers/],
      [{ groups: [[a, d], [b]], steps: [1] }, /2 groups and 1 numbers/],
      [{ groups: [[a, d], [b]], steps: [1, 0] }, /a turn of 0 steps/],
      [{ groups: [[a, d], [b]], steps: [1, 1.5] }, /a turn of 1\.5 steps/],
      [{ groups: [[], [a, b, d]], steps: [1, 1] }, /group 0 has no parameter/],
      [{ groups: [[a], [b]], steps: [1, 1] }, /c f32\[3\] is in no group/],
      [
        {
          groups: [
            [a, d],
            [b, a],
          ],
          steps: [1, 1],
        },
        /a f32\[5\] is in two groups/,
      ],
      [
        {
          groups: [
            [a, d],
            [b, other],
          ],
          steps: [1, 1],
        },
        /other .* is none of the parameters/,
      ],
    ] as [Turns, RegExp][]) {
      const options = { optimizer: adam(), turns };
      await t.throws('bad-config', () => minimize(loss, model.parameters(), options), why);
    }
  });

  c(
    'frozen parameters keep their bits, decay or not, and the others move as by themselves',
    async (t) => {
      /** @param isAlone whether what would be frozen has no gradient and no decay in the first place */
      const after = async (frozen: 'b' | 'none', isAlone: boolean) => {
        const model = new Parts();
        const { a, b, c: d } = model;
        const slope = add(sum(square(a)), sum(square(d)));
        const options: Partial<TrainerOptions> = {
          model,
          optimizer: (isAlone ? adam : adamW)({ lr: RATE, weightDecay: isAlone ? 0 : 0.1 }),
          ...(frozen === 'b' && { frozen: [b] }),
          loss: () => ({ loss: mul(0.5, isAlone ? slope : add(slope, sum(square(b)))) }),
        };
        let found = {} as { parameters: Float32Array; average: Float32Array; norm: number };
        await withTrainer(t, taking(undefined, options), async (trainer) => {
          const { metrics } = await trainer.run(6);
          found = {
            parameters: (await trainer.state()).tensors.get('parameters') as Float32Array,
            average: (await trainer.averagedParameters()) as Float32Array,
            norm: metrics.gradientNorm as number,
          };
        });
        return found;
      };
      const held = await after('b', false);
      t.equal([...held.parameters.subarray(64, 134)], new Array(70).fill(2), 'b');
      const kept = { relative: 1e-6 };
      t.close(held.average.subarray(64, 134), new Array(70).fill(2), kept, 'the average of b');
      const free = await after('none', false);
      for (const [from, to] of [
        [0, 5],
        [192, 195],
      ] as const) {
        const moved = held.parameters.subarray(from, to);
        t.equal([...moved], [...free.parameters.subarray(from, to)], 'a and c');
        t.ok(
          moved.every((x, i) => x !== [1, 2, 3, 4, 5, -1, -2, -3][from === 0 ? i : 5 + i]),
          'move',
        );
      }
      const alone = await after('none', true);
      const plain = await after('b', true);
      t.close(plain.norm, alone.norm, { relative: 1e-6 }, 'their norm counts no more');
      t.ok(held.norm < free.norm, 'nor does it where there is a gradient');
    },
  );

  c('refuses to freeze what is not there, and everything', async (t) => {
    const model = new Parts();
    const loss = sum(square(model.a));
    const other = variable('other', [2], { role: 'parameter' });
    for (const [frozen, why] of [
      [[other], /other .* is none of the model's parameters/],
      [model.parameters(), /nothing is left to train/],
    ] as const) {
      const options = { optimizer: adam(), frozen };
      await t.throws('bad-config', () => minimize(loss, model.parameters(), options), why);
    }
  });
});
