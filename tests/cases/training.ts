/** The trainer: the same bits whatever happens on the way. */
import { digits } from '../../src/data/digits.ts';
import type { Device } from '../../src/device/index.ts';
import { LatentGpuError } from '../../src/errors.ts';
import type { Variable } from '../../src/graph/variable.ts';
import {
  add,
  div,
  equal,
  mean,
  mul,
  sqrt,
  square,
  step,
  sub,
  toFloat,
} from '../../src/ops/index.ts';
import { adam, sgd } from '../../src/optim/index.ts';
import { Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import { aloneCases, cases } from '../rig/cases.ts';
import { vaeOf } from '../support/toys.ts';
import {
  Centre,
  centring,
  FEATURES,
  ROWS,
  sameBits,
  sharing,
  undisturbed,
  withTrainer,
} from '../support/trainers.ts';

cases('trainer', (c) => {
  c('the same seed gives the same bits, another seed others', async (t) => {
    const first = await undisturbed(t, 20);
    sameBits(t, await undisturbed(t, 20), first, 'the same seed');
    const other = await undisturbed(t, 20, centring({ seed: 4 }));
    const parameters = first.tensors.get('parameters') as Float32Array;
    const elsewhere = other.tensors.get('parameters') as Float32Array;
    t.ok(!parameters.slice(0, 5).some((x, i) => x === elsewhere[i]), 'another seed');
    // The same start, so what differs is noise and order.
    const initial = new Map<Variable, Float32Array>();
    const options = centring({ seed: 4, initial });
    initial.set((options.model as Centre).centre, Float32Array.of(1, 2, 3, 4, 5));
    await withTrainer(t, options, async (trainer) => {
      const start = (await trainer.state()).tensors.get('parameters') as Float32Array;
      t.equal([...start.slice(0, 5)], [1, 2, 3, 4, 5], 'initial values');
    });
  });

  c('a state taken in the middle of an epoch goes on bit for bit', async (t) => {
    const whole = await undisturbed(t, 31);
    const state = await withTrainer(t, centring(), async (trainer) => {
      t.equal(trainer.stepsPerEpoch, 6);
      await trainer.run(9);
      const taken = await trainer.state();
      await trainer.run(7);
      trainer.restore(taken);
      t.equal(trainer.step, 9);
      const report = await trainer.run(22);
      t.equal([report.step, report.epoch], [31, 31 / 6]);
      sameBits(t, await trainer.state(), whole, 'restored');
      return taken;
    });
    await withTrainer(
      t,
      centring(),
      async (trainer) => {
        t.equal(trainer.step, 9);
        await trainer.run(22);
        sameBits(t, await trainer.state(), whole, 'another trainer');
      },
      state,
    );
  });

  c('a state of another model or optimizer is refused, and nothing is touched', async (t) => {
    await withTrainer(t, centring(), async (trainer) => {
      await trainer.run(3);
      const good = await trainer.state();
      const lacking = new Map(good.tensors);
      lacking.delete('optimizer.v');
      const wrong = new Map([...good.tensors].map(([k, v]) => [k, v.map((x) => x + 1)] as const));
      wrong.set('step', new Uint32Array(2));
      for (const tensors of [lacking, wrong, new Map()]) {
        await t.throws('bad-format', () => trainer.restore({ step: 8, tensors }), /resume with/);
        sameBits(t, await trainer.state(), good, 'after a refusal');
      }
    });
  });

  c('a device lost at any moment does not show in the bits', async (t) => {
    const whole = await undisturbed(t, 40);
    const opened: Device[] = [];
    const open = async () => {
      const device = await t.open();
      opened.push(device);
      // One is lost while the run is moving to it.
      if (opened.length === 3) void device.sync().then(() => device.lose('on arrival'));
      return device;
    };
    const trainer = await Trainer.create(centring(), open);
    await trainer.run(5);
    let losses = 0;
    const seen: number[] = [];
    const report = await trainer.run(20, {
      onProgress: ({ step: done }) => {
        seen.push(done);
        if (losses < 2 && done >= 8) {
          losses += 1;
          // By way of the drill, and as it happens: the queue is gone before anyone is told.
          const { device } = trainer.runtime;
          if (losses === 1) device.lose();
          else device.gpu.destroy();
        }
      },
    });
    t.equal(report.step, 25);
    t.ok(trainer.recoveries >= 2, `${trainer.recoveries} recoveries`);
    t.ok(opened.length >= 3, `${opened.length} devices`);
    // At rest, and during other work.
    trainer.runtime.device.lose('at rest');
    await trainer.run(10);
    let attempts = 0;
    const parameters = await trainer.keptParameters();
    const read = await trainer.withParameters(parameters, async (runtime) => {
      attempts += 1;
      if (attempts === 1) runtime.device.lose('while evaluating');
      return await runtime.read((trainer.options.model as Centre).centre);
    });
    t.equal(attempts, 2);
    t.equal(read, parameters.slice(0, FEATURES));
    await trainer.run(5);
    sameBits(t, await trainer.state(), whole, 'after the losses');
    trainer.destroy();
  });

  c('gives up on a device that can never be opened again', async (t) => {
    let opened = 0;
    const open = async () => {
      opened += 1;
      if (opened > 1) throw new Error('no more devices');
      return await t.open();
    };
    const trainer = await Trainer.create(centring(), open);
    trainer.runtime.device.lose();
    let caught: unknown;
    await trainer.run(3).catch((error) => {
      caught = error;
    });
    t.equal(String(caught), 'Error: no more devices');
    t.equal(opened, 2);
  });

  c('two trainers on two devices do not disturb each other', async (t) => {
    const [a, b] = [await undisturbed(t, 30), await undisturbed(t, 30, centring({ seed: 8 }))];
    const make = (seed: number) => Trainer.create(centring({ seed }), () => t.open());
    const trainers = await Promise.all([make(3), make(8)]);
    const reports = await Promise.all(trainers.map((trainer) => trainer.run(30)));
    t.equal(
      reports.map(({ step: done }) => done),
      [30, 30],
    );
    sameBits(t, await trainers[0].state(), a, 'first');
    sameBits(t, await trainers[1].state(), b, 'second');
    for (const trainer of trainers) trainer.destroy();
  });

  c('one model may be trained on two devices', async (t) => {
    const options = centring();
    const first = await Trainer.create(options, () => t.open());
    const second = await Trainer.create(options, () => t.open());
    await Promise.all([first.run(10), second.run(10)]);
    sameBits(t, await second.state(), await first.state(), 'both');
    first.destroy();
    await second.run(1);
    second.destroy();
  });

  c(
    '5,000 steps: the history wraps, no buffer is made',
    async (t) => {
      await withTrainer(t, centring(), async (trainer) => {
        await trainer.run(10);
        const { counters } = t.device;
        const { liveBuffers, buffersCreated, bindGroupsCreated, pipelinesCreated } = counters;
        let reported = 0;
        let sum = 0;
        const report = await trainer.run(4990, {
          onProgress: ({ step: done, metrics }) => {
            const steps = done - Math.max(10, reported);
            // The metric is the step's number: this part of the history is in order and complete.
            t.close(metrics.at as number, done - (steps + 1) / 2, { absolute: 1e-9 }, 'mean step');
            reported = done;
            sum += (metrics.at as number) * steps;
          },
        });
        t.equal([report.step, reported], [5000, 5000]);
        t.close(sum, (10 + 4999) * (4990 / 2), { relative: 1e-12 }, 'every step once');
        t.close(report.metrics.at as number, (10 + 4999) / 2, { relative: 1e-12 });
        t.equal(
          [
            counters.liveBuffers,
            counters.buffersCreated,
            counters.bindGroupsCreated,
            counters.pipelinesCreated,
          ],
          [liveBuffers, buffersCreated, bindGroupsCreated, pipelinesCreated],
        );
      });
    },
    { timeout: 120_000 },
  );

  c('trainers opened and closed leave no buffer', async (t) => {
    const open = () => withTrainer(t, centring(), (trainer) => trainer.run(2));
    await open();
    const { liveBuffers, liveBytes } = t.device.counters;
    for (let i = 0; i < 20; i++) await open();
    t.equal([t.device.counters.liveBuffers, t.device.counters.liveBytes], [liveBuffers, liveBytes]);
  });

  c('snapshots as rarely as wished: a lost device costs time, not bits', async (t) => {
    const whole = await undisturbed(t, 30);
    const trainer = await Trainer.create(centring(), () => t.open());
    const rarely = { snapshotAfter: Number.POSITIVE_INFINITY };
    const { counters } = trainer.runtime.device;
    for (let i = 0; i < 4; i++) await trainer.run(1, rarely);
    const { submissions } = counters;
    await trainer.run(1, rarely);
    // The step, its metrics, the count of skipped updates.
    t.equal(counters.submissions, submissions + 3, 'submissions of a step');
    t.equal([trainer.lastState?.step, trainer.step], [0, 5]);
    trainer.runtime.device.lose();
    t.equal((await trainer.run(7, rarely)).step, 12);
    t.equal([trainer.lastState?.step, trainer.recoveries], [0, 1]);
    trainer.runtime.device.lose();
    const { centre } = trainer.options.model as Centre;
    const now = await trainer.protect((runtime) => runtime.read(centre));
    const state = await trainer.currentState();
    t.equal(state.step, 12);
    t.equal(now, state.tensors.get('parameters')?.slice(0, FEATURES), 'the step that was reached');
    t.ok(trainer.lastState === state, 'it is the last state');
    await trainer.run(8, { snapshotAfter: 3600 });
    t.equal(trainer.lastState?.step, 12);
    trainer.runtime.device.lose();
    await trainer.run(10);
    t.equal(trainer.lastState?.step, 30);
    sameBits(t, trainer.lastState as TrainerState, whole, 'in the end');
    trainer.destroy();
  });

  c('waits for a GPU that comes back', async (t) => {
    const whole = await undisturbed(t, 10);
    let opened = 0;
    const open = async () => {
      opened += 1;
      if (opened > 1 && opened < 4) throw new LatentGpuError('no-adapter', 'the driver restarts');
      return await t.open();
    };
    const trainer = await Trainer.create(centring(), open);
    await trainer.run(5);
    trainer.runtime.device.lose();
    await trainer.run(5);
    t.equal([opened, trainer.recoveries], [4, 1]);
    sameBits(t, await trainer.state(), whole, 'in the end');
    trainer.destroy();
    // At the beginning nobody waits: there may be no GPU at all.
    opened = 1;
    await t.throws('no-adapter', () => Trainer.create(centring(), open), /restarts/);
    t.equal(opened, 2);
  });

  c('stops when told to, and goes on from there', async (t) => {
    const whole = await undisturbed(t, 600);
    await withTrainer(t, centring(), async (trainer) => {
      const controller = new AbortController();
      const stopped = await trainer.run(600, {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      t.ok(stopped.step > 0 && stopped.step < 600, `stopped at ${stopped.step}`);
      t.equal(stopped.step, trainer.step);
      t.equal(trainer.lastState?.step, stopped.step);
      const idle = await trainer.run(5, { signal: controller.signal });
      t.equal([idle.step, idle.metrics], [stopped.step, {}]);
      await trainer.run(600 - stopped.step);
      sameBits(t, await trainer.state(), whole, 'continued');
    });
  });

  c('skips and counts an update without a usable gradient; the loss goes on', async (t) => {
    const model = new Centre();
    const options = centring({
      model,
      loss: ({ x }) => {
        // At step 4 the square root has no slope: 0 · ∞.
        const gate = sub(1, equal(toFloat(step), 4));
        const extra = mean(sqrt(mul(gate, square(model.centre))));
        return { loss: add(mean(square(sub(x, model.centre))), extra) };
      },
    });
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(4);
      const before = await trainer.state();
      const report = await trainer.run(1);
      t.equal(report.skipped, 1);
      const after = await trainer.state();
      for (const name of ['parameters', 'average', 'optimizer.m', 'optimizer.v']) {
        t.equal(after.tensors.get(name), before.tensors.get(name), name);
      }
      t.equal((await trainer.run(5)).skipped, 1);
      t.equal(trainer.step, 10);
    });
  });

  c('a loss that is not finite stops the run and leaves the last good state', async (t) => {
    const model = new Centre();
    const options = centring({
      model,
      loss: ({ x }) => {
        const gate = sub(1, equal(toFloat(step), 7));
        return { loss: div(mean(square(sub(x, model.centre))), gate) };
      },
    });
    await withTrainer(t, options, async (trainer) => {
      await trainer.run(5);
      const good = await trainer.state();
      await t.throws('not-finite', () => trainer.run(10), /at step 7/);
      sameBits(t, trainer.lastState as TrainerState, good, 'last state');
      const now = await trainer.state();
      t.equal([now.step, ...(now.tensors.get('step') ?? [])], [trainer.step, trainer.step]);
    });
  });

  c('the average of resting parameters is the parameters', async (t) => {
    await withTrainer(t, centring({ optimizer: sgd({ lr: 0 }) }), async (trainer) => {
      t.equal(await trainer.averagedParameters(), undefined, 'before any update');
      const start = (await trainer.state()).tensors.get('parameters') as Float32Array;
      t.equal(await trainer.keptParameters(), start);
      for (const steps of [1, 2, 20]) {
        await trainer.run(steps);
        const average = (await trainer.averagedParameters()) as Float32Array;
        t.close(average, start, { relative: 2e-6 }, `after ${trainer.step}`);
        t.equal(await trainer.keptParameters(), average);
      }
      const other = start.map((x) => x + 1);
      const { centre } = trainer.options.model as Centre;
      const inside = await trainer.withParameters(other, (runtime) => runtime.read(centre));
      t.equal(inside, other.slice(0, FEATURES), 'inside');
      t.equal(await trainer.runtime.read(centre), start.slice(0, FEATURES), 'put back');
    });
    const plain = centring();
    delete (plain as { ema?: number }).ema;
    await withTrainer(t, plain, async (trainer) => {
      await trainer.run(2);
      t.equal(await trainer.averagedParameters(), undefined, 'none was asked for');
    });
  });

  c('refuses a batch that the data cannot fill, and seeds that are none', async (t) => {
    for (const batch of [ROWS + 1, 0, 2.5, -1]) {
      await t.throws(
        'bad-config',
        () => Trainer.create(centring({ batch }), sharing(t)),
        /26 rows/,
      );
    }
    for (const seed of [-1, 0.5, 2 ** 53]) {
      await t.throws('bad-config', () => Trainer.create(centring({ seed }), sharing(t)), /seed/);
    }
  });

  c('a VAE, too, repeats bit for bit', async (t) => {
    const images = digits({ count: 40, seed: 1, size: 8 });
    const train = async (split: number[]) => {
      const model = vaeOf({
        shape: [8, 8],
        encoder: { hidden: [12], activation: 'relu' },
        decoder: { hidden: [12], activation: 'relu' },
        latent: 3,
      });
      const options: TrainerOptions = {
        model,
        data: images,
        batch: 16,
        loss: (batch) => ({ loss: mean(mul(-1, model.bound(batch).bound)) }),
        optimizer: adam(),
        binarize: 'resampled',
        seed: 12,
      };
      return await withTrainer(t, options, async (trainer) => {
        for (const steps of split) await trainer.run(steps);
        return await trainer.state();
      });
    };
    sameBits(t, await train([3, 1, 8]), await train([12]), 'in parts');
  });
});

aloneCases('trainer, hours later', (c) => {
  c('a long run keeps its state on the way, and its metrics whole', async (t) => {
    const whole = await undisturbed(t, 60);
    const trainer = await Trainer.create(centring(), () => t.open());
    await trainer.run(4);
    const { now } = performance;
    let hours = 0;
    const kept: number[] = [];
    let isLost = false;
    try {
      performance.now = () => now.call(performance) + hours * 3_600_000;
      const report = await trainer.run(56, {
        onProgress: ({ step: done }) => {
          kept.push(trainer.lastState?.step as number);
          hours += 1;
          if (done < 16 || isLost) return;
          isLost = true;
          trainer.runtime.device.lose();
        },
      });
      t.ok(
        kept.some((at) => at > 4 && at < 60),
        `states of ${kept}`,
      );
      t.equal([trainer.recoveries, report.step], [1, 60]);
      t.close(report.metrics.at as number, (4 + 59) / 2, { relative: 1e-12 }, 'every step once');
    } finally {
      performance.now = now;
    }
    sameBits(t, await trainer.state(), whole, 'in the end');
    trainer.destroy();
  });
});
