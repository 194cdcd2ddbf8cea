/** A loss that is not finite: which step, which tensor, and what is left. */
import { variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import {
  add,
  exp,
  less,
  log,
  mean,
  mul,
  neg,
  randomNormal,
  square,
  step,
  stopGradient,
  sub,
  sum,
  toFloat,
  where,
} from '../../src/ops/index.ts';
import { adam, sgd } from '../../src/optim/index.ts';
import { Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { vaeOf } from '../support/toys.ts';
import {
  BATCH,
  Centre,
  centring,
  data,
  FEATURES,
  sameBits,
  undisturbed,
  withTrainer,
} from '../support/trainers.ts';

/** Its parameter grows by a tenth a step, whatever the data. */
class Growing extends Module {
  rate = variable('rate', [2], { role: 'parameter', init: () => [86, 80] });
}

/** 4·exp(rate) leaves the range of float32 when the rate, 86 at first, is above 87.34. */
function growing(options: Partial<TrainerOptions> = {}): TrainerOptions {
  const model = new Growing();
  return centring({
    model,
    loss: ({ x }) => {
      const seen = mul(1e-30, sum(stopGradient(mul(4, exp(model.rate)))));
      const drawn = mul(1e-6, mean(mul(x, randomNormal(x.shape))));
      return { loss: add(sub(seen, sum(model.rate)), drawn) };
    },
    optimizer: sgd({ lr: 0.1 }),
    ...options,
  });
}

cases('diagnosis', (c) => {
  c('names the step and the tensor at which a loss overflows', async (t) => {
    for (const residentBytes of [2 ** 20, 100]) {
      await withTrainer(t, growing({ residentBytes }), async (trainer) => {
        await trainer.run(10);
        const good = await trainer.state();
        const error = await t.throws('not-finite', () => trainer.run(100), /at step 14;/);
        t.ok(error.message.includes('is mul [2] of rate (1 of 2 values);'), error.message);
        t.ok(error.message.includes('go on from step 10, the last good state'), error.message);
        t.ok(!error.message.includes('\n'), 'more than a line');
        t.equal(trainer.step, 10);
        sameBits(t, trainer.lastState as TrainerState, good, 'last good state');
        sameBits(t, await trainer.state(), good, 'on the device');
        // From there it runs into the same step again, and not before.
        await trainer.run(4);
        await t.throws('not-finite', () => trainer.run(1), /at step 14; .* from step 14,/);
      });
    }
  });

  c('tells a parameter that its update left infinite', async (t) => {
    const model = new Centre();
    const optimizer = sgd({ lr: 3e38 });
    const far = { model, optimizer, loss: () => ({ loss: mean(mul(50, model.centre)) }) };
    const start = await undisturbed(t, 0, centring(far));
    await withTrainer(t, centring(far), async (trainer) => {
      const message =
        /^after step 0 parameter centre \[5\] \(5 of 5 values\) is not finite; .* step 0,/;
      await t.throws('not-finite', () => trainer.run(1), message);
      sameBits(t, trainer.lastState as TrainerState, start, 'last good state');
      // In a longer run the loss of the next step tells.
      const inLoss =
        /loss is not finite at step 1; the first .* is parameter centre \[5\] \(5 of 5/;
      await t.throws('not-finite', () => trainer.run(5), inLoss);
      sameBits(t, await trainer.state(), start, 'on the device');
    });
    const initial = new Map([[model.centre, Float32Array.of(1, 2, NaN, 4, 5)]]);
    await t.throws(
      'not-finite',
      () => Trainer.create(centring({ ...far, initial }), () => t.open()),
      /^before the first step parameter centre \[5\] \(1 of 5 values\) is not finite/,
    );
  });

  c('passes by what is masked, and names the layer', async (t) => {
    const model = vaeOf({ shape: [FEATURES], encoder: { hidden: [4], activation: 'relu' } });
    const options = centring({
      model,
      optimizer: adam(),
      loss: ({ x }) => {
        // Masked: log of a negative number where nobody looks.
        const safe = where(less(x, 2), x, log(sub(x, 3)));
        const { bound } = model.bound({ x: safe });
        const late = less(4, toFloat(step));
        const shown = model.decode(randomNormal([BATCH, 2])).mean;
        const blown = mul(mul(3e38, late), add(square(shown), 10));
        return { loss: add(neg(mean(bound)), mean(blown)) };
      },
    });
    await withTrainer(t, options, async (trainer) => {
      const error = await t.throws('not-finite', () => trainer.run(20), /at step 5;/);
      t.ok(/is mul \[4, 5\] of .*decoder\.0\.(weight|bias)/.test(error.message), error.message);
    });
  });

  c('names the data if they are at fault', async (t) => {
    const rows = Float32Array.from(data.data);
    rows[7] = NaN;
    const broken = { ...data, data: rows };
    for (const residentBytes of [2 ** 20, 100]) {
      const options = centring({ data: broken, binarize: 'none', residentBytes });
      await withTrainer(t, options, async (trainer) => {
        await t.throws('not-finite', () => trainer.run(12), /is x \[4, 5\] \(1 of 20 values\)/);
      });
    }
  });

  c('a device lost during the search does not stop it', async (t) => {
    let opened = 0;
    const open = async () => {
      const device = await t.open();
      opened += 1;
      if (opened > 2) return device;
      const create = device.createPipeline.bind(device);
      device.createPipeline = async (label, ...rest) => {
        // Compiled for the search: it has no update.
        if (/^(exp|mul)/.test(label)) device.lose();
        return await create(label, ...rest);
      };
      return device;
    };
    const trainer = await Trainer.create(growing(), open);
    await t.throws('not-finite', () => trainer.run(100), /at step 14; .* is mul \[2\] of rate/);
    t.equal([opened, trainer.step], [3, 0]);
    trainer.destroy();
  });
});
