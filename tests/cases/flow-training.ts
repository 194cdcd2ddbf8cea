/** Flows in the trainer: starts from data and running statistics are part of a run's state. */
import { plane } from '../../src/data/plane.ts';
import {
  ActNorm,
  affine,
  BatchNorm,
  Chain,
  Coupling,
  Flow,
  LuLinear,
} from '../../src/flows/index.ts';
import { MLP } from '../../src/nn/index.ts';
import { mean, neg } from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
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
    loss: (x) => {
      const { logProb, effects } = flow.learn(x);
      return { loss: neg(mean(logProb)), effects };
    },
    start: (x) => flow.start(x),
    optimizer: adam({ lr: 1e-2 }),
    seed: 2,
  };
}

cases('flow training', (c) => {
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

  c('beats the best normal on moons within a few epochs', async (t) => {
    await withTrainer(t, flowing(), async (trainer) => {
      await trainer.run(200);
      const { metrics } = await trainer.run(40);
      // A normal with the mean and covariance of moons gives 1.905 nats.
      t.ok((metrics.loss as number) < 1.75, `the loss is ${metrics.loss}`);
    });
  });
});
