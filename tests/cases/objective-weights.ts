/** Weights of the divergence, their schedules and constraints, and objectives as they are configured. */
import { LatentGpuError } from '../../src/errors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import type { Batch } from '../../src/nn/index.ts';
import * as objectives from '../../src/objectives/index.ts';
import { constant, gradient, mean } from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { Trainer, type TrainerState } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { B, built, configOf, D, type Kind, Model, traits } from '../support/objective-model.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { BATCH, data, sharing } from '../support/trainers.ts';

concurrentCases('objectives', (c) => {
  c(
    'free bits: max(λ, KL) of the batch mean, each or all, whose gradient stops below λ',
    async (t) => {
      const model = new Model('normal');
      const x = input('x', [B, D]);
      const values = new Map<Variable, ArrayLike<number>>([[x, reals('x', B * D, 0, 1)]]);
      for (const [name, p] of model.namedParameters())
        values.set(p, reals(name, p.size, -0.8, 0.8));
      const q = objectives.posteriorOf(model, { x });
      const each = mean(q.klTo?.(model.prior()) as Tensor, 0);
      const { kl } = referenceOf({ kl: each }, values);
      const [one, two] = kl as unknown as [number, number];
      const between = (one + two) / 2;
      const penaltyOf = (freeBits: objectives.FreeBits) => {
        const { reconstruction, bound, surrogate } = objectives.elbo(
          model,
          { x },
          { freeBits, beta: 2 },
        );
        const got = referenceOf(
          {
            reconstruction,
            bound,
            g: gradient(mean(surrogate), [model.encoder.layers[0]?.bias as Variable])[0] as Tensor,
          },
          values,
        );
        return { penalty: (got.reconstruction[0] as number) - (got.bound[0] as number), got };
      };
      const close = (actual: number, wanted: number, what: string) =>
        t.close(actual, wanted, { absolute: 1e-9 }, what);
      close(
        penaltyOf({ least: between, by: 'dimension' }).penalty,
        2 * (Math.max(one, between) + Math.max(two, between)),
        'each',
      );
      close(penaltyOf({ least: between, by: 'all' }).penalty, 2 * (one + two), 'all, below');
      close(penaltyOf({ least: 9, by: 'all' }).penalty, 18, 'all, above');
      close(penaltyOf({ least: 0, by: 'group' }).penalty, 2 * (one + two), 'none');
      await check(
        t,
        {
          outputs: {
            bound: objectives.elbo(model, { x }, { freeBits: { least: between, by: 'dimension' } })
              .bound,
          },
        },
        values,
      );
      await t.throws(
        'bad-config',
        () =>
          objectives.elbo(model, { x }, { kl: 'sampled', freeBits: { least: 1, by: 'dimension' } }),
        /by all/,
      );
    },
  );

  c('schedules: linear, cyclical and cooling, at every moment', async (t) => {
    const epoch = input('epoch', [9]);
    const epochs = [0, 0.5, 1, 2, 3, 4, 5, 9.5, 100];
    const got = await outputsOf(
      t,
      {
        linear: objectives.linearAnnealing(epoch, 4),
        cyclical: objectives.cyclicalAnnealing(epoch, 4),
        cooled: objectives.cooled(constant(2), epoch, 4, 0.25),
      },
      new Map([[epoch, epochs]]),
    );
    t.close(
      got.linear,
      epochs.map((e) => Math.min(1, e / 4)),
      { absolute: 1e-7 },
    );
    t.close(
      got.cyclical,
      epochs.map((e) => Math.min(1, ((e % 4) / 4) * 2)),
      { absolute: 1e-6 },
    );
    t.close(
      got.cooled,
      epochs.map((e) => Math.max(0.5, 2 * 0.25 ** (e / 4))),
      { relative: 1e-5 },
    );
  });

  c('numbers that are live change a plan that runs', async (t) => {
    const { objective, terms, values } = built('normal', { beta: 2, freeBits: 0.1 });
    await withRuntime(t, async (runtime) => {
      const { bound, reconstruction } = terms;
      const plan = await runtime.compile({ outputs: { bound, reconstruction } });
      for (const [held, numbers] of values) runtime.write(held, numbers);
      const penaltyAt = async () => {
        await plan.run();
        return (
          ((await plan.read('reconstruction'))[0] as number) -
          ((await plan.read('bound'))[0] as number)
        );
      };
      const before = await penaltyAt();
      runtime.write(objective.live['objective.beta']?.tensor as Variable, [4]);
      t.close(await penaltyAt(), 2 * before, { relative: 1e-5 }, 'β');
      runtime.write(objective.live['objective.freeBits']?.tensor as Variable, [50]);
      t.close(await penaltyAt(), 400, { relative: 1e-5 }, 'free bits of two dimensions');
    });
  });

  c(
    'a multiplier climbs while its target is missed, falls when it is met, and stays in bounds',
    async (t) => {
      const constraint = new objectives.Constraint({ on: 'kl', target: 4, rate: 0.5 });
      const kl = input('kl', [2]);
      const estimate = { bound: kl, surrogate: kl, reconstruction: kl, kl };
      const { effects = [], metrics = {} } = constraint.applied(estimate);
      await withRuntime(t, async (runtime) => {
        const plan = await runtime.compile({
          effects,
          outputs: { multiplier: metrics.multiplier as Tensor },
        });
        const after = async (steps: number, value: number) => {
          runtime.write(kl, [value, value]);
          await plan.run(steps);
          return (await runtime.read(constraint.logMultiplier))[0] as number;
        };
        // Of twice the target the miss is 1; its average nears that by a tenth of the rest at each step.
        t.close(await after(1, 8), 0.5 * 0.1, { relative: 1e-5 });
        t.close(await after(1, 8), 0.5 * (0.1 + 0.19), { relative: 1e-5 });
        t.close(await after(200, 1e6), 12, { absolute: 1e-6 }, 'no higher than that');
        t.close(await after(400, 0), -12, { absolute: 1e-6 }, 'nor lower');
        t.close((await plan.read('multiplier'))[0] as number, Math.exp(-12), { relative: 1e-5 });
      });
      for (const target of [0, -1, Number.NaN]) {
        await t.throws(
          'bad-config',
          () => new objectives.Constraint({ on: 'kl', target }),
          /above 0/,
        );
      }
    },
  );

  c('a multiplier, an average and a schedule go on bit for bit', async (t) => {
    const trainer = async (kind: Kind, given: Record<string, unknown>, from?: TrainerState) => {
      const objective = new objectives.Objective(configOf(kind, given), traits[kind]);
      const model = new Model(kind, objective);
      const loss = (batch: Batch) => objective.lossOf(model, batch);
      const options = { model, loss, data, batch: BATCH, optimizer: adam({ lr: 0.01 }), seed: 3 };
      return await Trainer.create(options, sharing(t), from);
    };
    for (const [kind, given] of [
      ['normal', { constraint: 'kl', target: 0.5, constraintRate: 0.2 }],
      ['bits', { estimator: 'score', baseline: 'mean', anneal: 'cyclical', annealEpochs: 2 }],
    ] as const) {
      const first = await trainer(kind, given);
      await first.run(9);
      const middle = await first.state();
      await first.run(8);
      const whole = await first.state();
      const second = await trainer(kind, given, middle);
      await second.run(8);
      const again = await second.state();
      t.equal([...again.tensors.keys()], [...whole.tensors.keys()]);
      for (const [name, values] of whole.tensors) t.equal(again.tensors.get(name), values, name);
      const held = [...whole.tensors].filter(([name]) => name.startsWith('buffer.objective'));
      t.equal(held.length, 2, 'what the objective keeps');
      for (const [name, values] of held) {
        t.ok(values[0] !== middle.tensors.get(name)?.[0], `${name} moves`);
      }
      first.runtime.destroy();
      second.runtime.destroy();
    }
  });

  c('plain settings have no tensors of their own, and cost no dispatch', (t) => {
    const { model } = built('normal', {});
    t.equal([model.namedBuffers(), model.namedParameters().length], [[], 4]);
    const plain = new Model('normal');
    const x = input('x', [B, D]);
    const count = (surrogate: Tensor, of: Model) =>
      schedule({
        outputs: Object.fromEntries(
          gradient(mean(surrogate), of.parameters()).map((g, i) => [`${i}`, g]),
        ),
      }).kernels.length;
    const objective = new objectives.Objective(configOf('normal', {}), traits.normal);
    t.equal(Object.keys(objective.live), []);
    const free = { ...traits.normal, isLive: true };
    const live = new objectives.Objective(configOf('normal', {}), free);
    t.equal(Object.keys(live.live), ['objective.beta']);
    t.equal(
      count(objective.of(plain, { x }).surrogate, plain),
      count(objectives.elbo(plain, { x }).surrogate, plain),
    );
    const held = built('normal', { constraint: 'kl' })
      .model.namedBuffers()
      .map(([name]) => name);
    t.equal(held, ['objective.constraint.logMultiplier', 'objective.constraint.miss']);
  });

  c('what means nothing is refused in one line that says why', async (t) => {
    const refused: [Kind, Record<string, unknown>, RegExp][] = [
      ['bits', { estimator: 'reparameterized' }, /code\.kind=bernoulli cannot be; take gumbel/],
      ['classes', { estimator: 'stl' }, /code\.kind=categorical cannot be/],
      ['classes', { estimator: 'dreg', bound: 'iwae' }, /cannot be/],
      ['normal', { estimator: 'gumbel' }, /for discrete codes, and code\.kind is normal/],
      ['normal', { estimator: 'straight-through' }, /for discrete codes/],
      ['normal', { estimator: 'enumerated' }, /for discrete codes/],
      ['classes', { estimator: 'gumbel', bound: 'iwae' }, /objective\.bound=elbo/],
      ['normal', { estimator: 'dreg' }, /weighs the draws of objective\.bound=iwae/],
      ['classes', { estimator: 'score', baseline: 'leave-one-out', samples: 1 }, /2 or more/],
      ['classes', { estimator: 'enumerated', samples: 2 }, /draws none/],
      ['normal', { baseline: 'mean' }, /goes with objective\.estimator score/],
      ['normal', { temperature: 0.5 }, /goes with objective\.estimator gumbel or straight-through/],
      ['classes', { temperature: 0 }, /a number above 0/],
      ['classes', { temperature: -1 }, /a number above 0/],
      [
        'classes',
        { temperature: 0.4, temperatureFloor: 0.5, temperatureEpochs: 3 },
        /temperatureFloor is 0\.5, above/,
      ],
      ['normal', { freeBits: -1 }, /of at least 0/],
      ['normal', { freeBits: 1, freeBitsBy: 'group' }, /for discrete codes/],
      ['classes', { freeBits: 1, freeBitsBy: 'dimension' }, /take group or all/],
      [
        'full',
        { freeBits: 1, freeBitsBy: 'dimension' },
        /only as a whole; take objective\.freeBitsBy=all/,
      ],
      ['normal', { freeBits: 1, estimator: 'stl' }, /stl knows it only as a whole/],
      [
        'classes',
        { freeBits: 1, freeBitsBy: 'all', estimator: 'score', kl: 'sampled' },
        /closed form/,
      ],
      ['normal', { bound: 'iwae', constraint: 'kl' }, /goes with objective\.bound elbo/],
      ['normal', { bound: 'iwae', beta: 2 }, /goes with objective\.bound elbo/],
      ['normal', { constraint: 'kl', beta: 2 }, /goes with objective\.constraint none/],
      ['normal', { constraint: 'kl', target: -3 }, /above 0/],
      ['normal', { target: 3 }, /goes with objective\.constraint kl or reconstruction/],
      ['normal', { annealEpochs: 3 }, /goes with objective\.anneal linear or cyclical/],
      ['normal', { samples: 0 }, /from 1 to 4096/],
    ];
    for (const [kind, given, why] of refused) {
      const error = await t.throws(
        'bad-config',
        () => new objectives.Objective(configOf(kind, given), traits[kind]),
        why,
      );
      t.ok(error instanceof LatentGpuError && !error.message.includes('\n'), 'one line');
    }
    const many = { ...traits.classes, groups: 20, classes: 10 };
    const enumerated = configOf('classes', { estimator: 'enumerated' });
    await t.throws(
      'bad-config',
      () => new objectives.Objective(enumerated, many),
      /there are 100,000,000,000,000,000,000 \(at most 1,024\)/,
    );
    const x = input('x', [B, D]);
    const annealed = new objectives.Objective(
      configOf('normal', { anneal: 'linear' }),
      traits.normal,
    );
    await t.throws(
      'bad-config',
      () => annealed.of(new Model('normal'), { x }),
      /follows the epoch/,
    );
    const [normal, classes] = [new Model('normal'), new Model('classes')];
    await t.throws('bad-config', () => objectives.stl(classes, { x }), /differentiates draws/);
    await t.throws(
      'bad-config',
      () => objectives.dreg(classes, { x }, { samples: 3 }),
      /differentiates draws/,
    );
    await t.throws('bad-config', () => objectives.gumbel(normal, { x }), /for discrete codes/);
    await t.throws(
      'bad-config',
      () => objectives.gumbel(classes, { x }, { temperature: 0 }),
      /above 0/,
    );
    await t.throws('bad-config', () => objectives.enumerated(normal, { x }), /for discrete codes/);
    await t.throws(
      'bad-config',
      () => objectives.score(classes, { x }, { baseline: 'leave-one-out' }),
      /2 or more/,
    );
    await t.throws(
      'bad-config',
      () => objectives.score(classes, { x }, { samples: 0 }),
      /at least one/,
    );
  });
});
