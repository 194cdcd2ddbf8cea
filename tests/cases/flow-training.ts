/** Flows in the trainer: starts from data and running statistics are part of a run's state. */
import { plane } from '../../src/data/plane.ts';
import {
  ActNorm,
  affine,
  BatchNorm,
  Chain,
  Coupling,
  Flow,
  Inverted,
  LuLinear,
} from '../../src/flows/index.ts';
import { variable } from '../../src/graph/variable.ts';
import { MLP } from '../../src/nn/index.ts';
import { matmul, mean, neg, randomNormal, transpose, zeros } from '../../src/ops/index.ts';
import { adam, cosine, minimize } from '../../src/optim/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';
import { coupled, heldOut, totalMass } from '../support/plane-flows.ts';
import { sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

function flowing(): TrainerOptions {
  const coupling = (flip: boolean) =>
    new Coupling({
      shape: [2],
      transformer: affine(),
      net: ([from = 0], [to = 0]) => new MLP([from, 16, to], 'tanh', { zeroOutput: true }),
      flip,
    });
  const parts = [coupling(false), new LuLinear([2], 1), coupling(true), new ActNorm([2])];
  const flow = new Flow(new Chain([...parts, new BatchNorm([2])]));
  return {
    model: flow,
    data: plane('moons', { count: 512 }),
    batch: 64,
    loss: ({ x }) => {
      const { logProb, effects } = flow.learn(x);
      return { loss: neg(mean(logProb)), effects };
    },
    start: ({ x }) => flow.start(x),
    optimizer: adam({ lr: 1e-2 }),
    seed: 2,
  };
}

concurrentCases('flow training', (c) => {
  c('starts from data, learns, and goes on bit for bit with its statistics', async (t) => {
    const whole = await undisturbed(t, 24, flowing());
    const names = [...whole.tensors.keys()].filter((name) => name.startsWith('buffer.'));
    t.ok(
      names.some((name) => name.endsWith('initialized')) &&
        names.some((name) => name.endsWith('variance')),
      `buffers are part of the state: ${names}`,
    );
    const state = await withTrainer(t, flowing(), async (trainer) => {
      const start = await trainer.state();
      t.equal([...(start.tensors.get('buffer.bijection.3.initialized') ?? [])], [1], 'started');
      t.equal(start.step, 0);
      await trainer.run(9);
      return await trainer.state();
    });
    const resumed = await withTrainer(
      t,
      flowing(),
      async (trainer) => {
        await trainer.run(15);
        return await trainer.state();
      },
      state,
    );
    sameBits(t, resumed, whole, 'resumed');
  });

  c('a part that is turned around starts from data, too, as the part itself does', async (t) => {
    const rows = variable('rows', [64, 2], {
      init: () => Array.from({ length: 128 }, (_, i) => 3 * Math.sin(i * i) + (i % 2 ? 5 : -1)),
    });
    const forms = { plain: new ActNorm([2]), turned: new Inverted(new ActNorm([2])) };
    const within = new Inverted(new Chain([new ActNorm([2]), new LuLinear([2], 1)]));
    for (const [name, part] of Object.entries({ ...forms, within })) {
      const { value, logDet, effects } = part.initialize(rows);
      await withRuntime(t, async (runtime) => {
        const again = new Flow(part).bijection.inverse(rows);
        const plan = await runtime.compile({ outputs: { value, logDet }, effects: [...effects] });
        await plan.run();
        const first = { value: await plan.read('value'), logDet: await plan.read('logDet') };
        const after = await runtime.compile({
          outputs: { value: again.value, logDet: again.logDet, centre: mean(again.value, 0) },
        });
        await after.run();
        t.close(await after.read('value'), first.value, { absolute: 1e-5 }, `${name}: value`);
        t.close(await after.read('logDet'), first.logDet, { absolute: 1e-5 }, `${name}: volume`);
        if (name === 'within') return;
        t.close(await after.read('centre'), [0, 0], { absolute: 1e-5 }, `${name}: centred`);
        const squares = Array.from(first.value).reduce((total, x) => total + x * x, 0) / 128;
        t.close(squares, 1, { absolute: 1e-4 }, `${name}: scaled`);
      });
    }
  });

  c('what is no data point of a flow is refused', async (t) => {
    const flow = new Flow(new ActNorm([4]));
    const why = /data points are \[4\], and .* does not end in one/;
    await t.throws('shape-mismatch', () => flow.logProb(zeros([4, 6])), why);
    t.equal([...flow.logProb(zeros([2, 3, 4])).shape], [2, 3]);
  });

  c('a linear flow reaches the entropy of a correlated normal', async (t) => {
    // x = A ε, so that the entropy is that of ε and log |det A|.
    const a = [2, 0, 0, -1.5, 0.5, 0, 0.7, 1.2, 0.3];
    const entropy = 1.5 * Math.log(2 * Math.PI * Math.E) + Math.log(2 * 0.5 * 0.3);
    const mixing = variable('mixing', [3, 3], { init: () => a });
    const draw = (count: number) => matmul(randomNormal([count, 3]), transpose(mixing));
    const flow = new Flow(new LuLinear([3], 4));
    const loss = neg(mean(flow.logProb(draw(256))));
    const { effects } = minimize(loss, flow.parameters(), {
      optimizer: adam({ lr: cosine(0.05, 600) }),
    });
    await withRuntime(t, async (runtime) => {
      const train = await runtime.compile({ effects });
      await train.run(600);
      const x = draw(16384);
      const plan = await runtime.compile({ outputs: { logProb: flow.logProb(x), x } });
      await plan.run();
      const logProb = (await plan.read('logProb')) as Float32Array;
      const points = (await plan.read('x')) as Float32Array;
      // Against the true density of the same draws, whose own mean strays by 0.01.
      let excess = 0;
      for (let i = 0; i < logProb.length; i++) {
        const [x0, x1, x2] = points.subarray(3 * i, 3 * i + 3) as unknown as [
          number,
          number,
          number,
        ];
        const e0 = x0 / 2;
        const e1 = (x1 + 1.5 * e0) / 0.5;
        const e2 = (x2 - 0.7 * e0 - 1.2 * e1) / 0.3;
        const truth = 1.5 - entropy - (e0 * e0 + e1 * e1 + e2 * e2) / 2;
        excess += (truth - (logProb[i] as number)) / logProb.length;
      }
      t.ok(excess > -1e-4 && excess < 0.01, `${excess} nats above the entropy ${entropy}`);
    });
  });

  // The first steps of what tests/plane-learning.test.ts takes to its end. The best normal gives 1.905 nats.
  c('moons: learns from draws, is weighed on others, and is a density still', async (t) => {
    const options = coupled('moons', 120);
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(120);
      const flow = options.model as Flow;
      const nll = await heldOut(trainer.runtime, flow, 'moons');
      t.ok(nll < 1.6, `${nll} nats on held-out points`);
      t.close(await totalMass(trainer.runtime, flow), 1, { absolute: 0.01 });
    });
  });
});
