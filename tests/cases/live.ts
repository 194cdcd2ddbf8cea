/** Numbers that change while a plan is replayed. */
import { live } from '../../src/graph/live.ts';
import { mul, sum } from '../../src/ops/index.ts';
import { sgd } from '../../src/optim/index.ts';
import { Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { Centre, centring, FEATURES, sameBits, withTrainer } from '../support/trainers.ts';

/** Each step takes rate · weight from every value of the centre. */
function sinking() {
  const model = new Centre();
  const rate = live('rate', 0.5);
  const weight = live('weight', 1);
  const options: TrainerOptions = centring({
    model,
    initial: new Map([[model.centre, new Float32Array(FEATURES)]]),
    optimizer: sgd({ lr: () => rate.tensor }),
    loss: () => ({ loss: mul(weight.tensor, sum(model.centre)) }),
  });
  return { options, rate, weight };
}

const depthOf = async (trainer: Trainer) =>
  ((await trainer.state()).tensors.get('parameters') as Float32Array)[0];

const seldom = { snapshotAfter: Number.POSITIVE_INFINITY };

cases('live numbers', (c) => {
  c('change between runs, and nothing is compiled', async (t) => {
    const { options, rate, weight } = sinking();
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(4);
      t.equal(await depthOf(trainer), -2);
      const { pipelinesCreated, buffersCreated } = t.device.counters;
      await trainer.set(rate, 0.25);
      await trainer.run(4);
      t.equal(await depthOf(trainer), -3);
      await trainer.set(weight, -4);
      const { metrics } = await trainer.run(2);
      t.equal([await depthOf(trainer), metrics.learningRate], [-1, 0.25]);
      const { counters } = t.device;
      t.equal(
        [counters.pipelinesCreated, counters.buffersCreated],
        [pipelinesCreated, buffersCreated],
      );
      t.equal([rate.value, weight.value], [0.25, -4]);
    });
  });

  c('a new device begins with the number that holds, and redoes with the old one', async (t) => {
    const { options, rate } = sinking();
    const trainer = await Trainer.create(options, () => t.open());
    await trainer.run(4, seldom);
    await trainer.set(rate, 0.25);
    t.equal(trainer.lastState?.step, 4, 'the state before the change');
    await trainer.run(2, seldom);
    trainer.runtime.device.lose();
    await trainer.run(2, seldom);
    t.equal([await depthOf(trainer), trainer.recoveries], [-3, 1]);
    trainer.destroy();
  });

  c('may be set while there is no device', async (t) => {
    const { options, rate } = sinking();
    const trainer = await Trainer.create(options, () => t.open());
    await trainer.run(4, seldom);
    trainer.runtime.device.lose();
    await trainer.set(rate, 0.125);
    await trainer.set(rate, 0.25);
    t.equal([rate.value, trainer.recoveries], [0.25, 0]);
    await trainer.run(4, seldom);
    t.equal([await depthOf(trainer), trainer.recoveries], [-3, 1], 'four steps of each');
    trainer.runtime.device.lose();
    await trainer.run(4);
    t.equal(await depthOf(trainer), -4, 'and nothing is mixed up later');
    trainer.destroy();
  });

  c('are no part of a state', async (t) => {
    const { options, rate } = sinking();
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(2);
      const before = await trainer.state();
      await trainer.set(rate, 2);
      trainer.restore(before);
      await trainer.run(1);
      t.equal(await depthOf(trainer), -3);
      trainer.restore(before);
      sameBits(t, await trainer.state(), before, 'restored');
    });
  });

  c('that are not finite are refused', async (t) => {
    const { options, rate } = sinking();
    await withTrainer(t, options, async (trainer) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        await t.throws('bad-input', () => trainer.set(rate, value), /^rate cannot be .* finite/);
      }
      t.equal(rate.value, 0.5);
    });
  });
});
