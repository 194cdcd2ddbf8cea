/** What a loss may say beside its value: a surrogate for its gradients, a state of its own. */
import { Normal } from '../../src/distributions/index.ts';
import { variable } from '../../src/graph/variable.ts';
import { MLP, Module } from '../../src/nn/index.ts';
import {
  add,
  assign,
  constant,
  less,
  mean,
  mul,
  square,
  step,
  stopGradient,
  sub,
  sum,
  toFloat,
} from '../../src/ops/index.ts';
import { adam, adamax, adamW, rmsprop, sgd } from '../../src/optim/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import {
  Centre,
  centring,
  FEATURES,
  sameBits,
  undisturbed,
  withTrainer,
} from '../support/trainers.ts';

/** A Lagrangian in small: a multiplier that climbs while the centre is below 1. */
function climbing(): TrainerOptions {
  const model = new Centre();
  const multiplier = variable('multiplier', []);
  return centring({
    model,
    optimizer: sgd({ lr: 0.05 }),
    loss: ({ x }) => {
      const short = sub(1, mean(model.centre));
      const far = mean(sum(square(sub(x, model.centre)), -1));
      return {
        loss: add(far, mul(multiplier, short)),
        metrics: { multiplier: mul(multiplier, 1) },
        effects: [assign(multiplier, add(multiplier, mul(0.1, stopGradient(short))))],
        state: { multiplier },
      };
    },
  });
}

/** The centre's values: it comes first among the parameters. */
const centreOf = (state: { tensors: ReadonlyMap<string, ArrayLike<number>> }) =>
  Array.from(state.tensors.get('parameters') as ArrayLike<number>).slice(0, FEATURES);

cases('loss terms', (c) => {
  c('gradients are those of the surrogate, and what is told is the loss', async (t) => {
    const model = new Centre();
    const initial = new Map([[model.centre, Float32Array.of(1, 2, 3, 4, 5)]]);
    const options = centring({
      model,
      initial,
      optimizer: sgd({ lr: 0.5 }),
      loss: () => ({ loss: sum(square(model.centre)), surrogate: mul(3, sum(model.centre)) }),
    });
    await withTrainer(t, options, async (trainer) => {
      const first = await trainer.run(1);
      t.equal(first.metrics.loss, 55, 'the loss');
      t.equal(Object.keys(first.metrics), ['loss', 'gradientNorm', 'learningRate']);
      t.close(first.metrics.gradientNorm as number, 3 * Math.sqrt(5), { relative: 1e-6 });
      t.equal(centreOf(await trainer.state()), [-0.5, 0.5, 1.5, 2.5, 3.5]);
      t.equal((await trainer.run(1)).metrics.loss, 21.25);
    });
  });

  c('runs that are asked for at once are done one after the other', async (t) => {
    const whole = await undisturbed(t, 20);
    await withTrainer(t, centring(), async (trainer) => {
      const [first, second] = await Promise.all([trainer.run(9), trainer.run(11)]);
      t.equal([first.step, second.step], [9, 20]);
      sameBits(t, await trainer.state(), whole, 'as one run');
    });
  });

  c('a device that is shared stays open, and a loss of it is said', async (t) => {
    const device = await t.open();
    const [one, other] = await Promise.all([0, 1].map(() => Trainer.create(centring(), device)));
    await one?.run(2);
    one?.destroy();
    const from = (await other?.state()) as TrainerState;
    const others = centring({ optimizer: sgd() });
    await t.throws('bad-format', () => Trainer.create(others, device, from), /optimizer\.m/);
    t.equal((await other?.run(3))?.step, 3, 'goes on');
    device.lose();
    await t.throws('bad-input', () => other?.run(1), /is lost; create the trainer again/);
  });

  c('parameters are found in lists and records of parts', (t) => {
    class Parts extends Module {
      list = [new MLP([2, 1])];
      record = { mean: new MLP([2, 3]), more: { std: variable('s', [1], { role: 'parameter' }) } };
      options = { again: this.list[0], width: 3, all: this.record };
    }
    const names = new Parts().namedParameters().map(([name]) => name);
    t.equal(names, [
      ...['list.0.0.weight', 'list.0.0.bias', 'record.mean.0.weight', 'record.mean.0.bias'],
      'record.more.std',
    ]);
  });

  c('what could not learn, or is none of what it is to be, is said in a line', async (t) => {
    const model = new Centre();
    const other = new Centre();
    const refused = (options: Partial<TrainerOptions>, message: RegExp) =>
      t.throws('bad-config', () => withTrainer(t, centring(options), async () => {}), message);
    const ofData: TrainerOptions['loss'] = ({ x }) => ({ loss: mean(x) });
    await refused({ model, loss: ofData }, /hangs on none of the parameters .*; nothing/);
    const foreign: TrainerOptions['loss'] = ({ x }) => ({ loss: mean(mul(x, other.centre)) });
    await refused({ model, loss: foreign }, /and on centre .*, which is no field of the model/);
    await refused({ model: { centre: model.centre } as never }, /no nn\.Module/);
    await refused({ optimizer: sgd as never }, /call what makes one/);
    await refused({ model, frozen: model as never }, /^frozen: give a list/);
    await t.throws('bad-config', () => sgd({ lr: '0.1' as never }), /lr is 0\.1/);
    await t.throws('bad-config', () => sgd({ momentum: 1 }), /from 0 to below 1/);
    await t.throws('bad-config', () => sgd({ weightDecay: -1 }), /weightDecay is -1/);
    await t.throws('bad-config', () => adam({ betas: [0.9, 1] }), /is 1; betas/);
    const renamed = { learningRate: 1 } as object;
    for (const [name, make] of Object.entries({ adam, adamW, adamax, rmsprop, sgd })) {
      const told = new RegExp(`^${name} has no option 'learningRate'; it has lr, `);
      await t.throws('bad-config', () => make(renamed), told);
    }
    await t.throws('bad-config', () => new MLP([2, 1], 'swish' as never), /no activation 'swish'/);
    const three = { outputs: { y: 3 as never } };
    await t.throws('bad-config', () => schedule(three), /output 'y' is 3, no tensor/);
    await t.throws('bad-input', () => constant([1, 2] as never), /of one number/);
    await t.throws('bad-input', () => new Normal(0 as never, 1 as never), /0 is no tensor/);
    const trainer = await Trainer.create(centring(), () => t.open());
    await trainer.run(1);
    const others = centring({ optimizer: sgd() });
    const from = await trainer.state();
    const resumed = () => Trainer.create(others, () => t.open(), from);
    await t.throws('bad-format', resumed, /'optimizer\.m', which this run's optimizer does not/);
    trainer.destroy();
    await t.throws('bad-input', () => trainer.run(1), /this trainer was destroyed/);
  });

  c('a surrogate that is the loss makes the step that there is without one', async (t) => {
    const plain = centring();
    const both = centring({ model: plain.model });
    const { loss } = plain;
    const same: TrainerOptions['loss'] = (batch) => {
      const terms = loss(batch);
      return { ...terms, surrogate: terms.loss };
    };
    sameBits(
      t,
      await undisturbed(t, 12, { ...both, loss: same }),
      await undisturbed(t, 12, { ...both, loss }),
      'states',
    );
  });

  c('a surrogate that is not finite is found, though the loss is', async (t) => {
    const model = new Centre();
    const options = centring({
      model,
      loss: ({ x }) => {
        const late = mul(3e38, less(6, toFloat(step)));
        const blown = mul(late, add(square(model.gain), 10));
        return { loss: mean(x), surrogate: sum(mul(blown, model.centre)) };
      },
    });
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(5);
      const good = await trainer.state();
      const message = /^the surrogate is not finite at step 7; .* is mul \[1\] of .*gain/;
      await t.throws('not-finite', () => trainer.run(20), message);
      sameBits(t, await trainer.state(), good, 'last good state');
    });
  });

  c('a state of its own goes on bit for bit', async (t) => {
    const whole = await undisturbed(t, 23, climbing());
    t.ok(((whole.tensors.get('state.multiplier') ?? [0])[0] as number) > 0, 'it has climbed');
    const middle = await undisturbed(t, 9, climbing());
    await withTrainer(
      t,
      climbing(),
      async (trainer) => {
        await trainer.run(14);
        sameBits(t, await trainer.state(), whole, 'continued');
      },
      middle,
    );
  });

  c('a state of its own survives the loss of the device', async (t) => {
    const whole = await undisturbed(t, 20, climbing());
    const trainer = await Trainer.create(climbing(), () => t.open());
    await trainer.run(8, { snapshotAfter: Number.POSITIVE_INFINITY });
    trainer.runtime.device.lose();
    await trainer.run(12);
    t.equal(trainer.recoveries, 1);
    sameBits(t, await trainer.state(), whole, 'in the end');
    trainer.destroy();
  });
});
