/** The trainer: the same bits whatever happens on the way. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { digits } from '../../src/data/digits.ts';
import type { Device } from '../../src/device/index.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import { Module, uniform } from '../../src/nn/index.ts';
import {
  add,
  addUint,
  assign,
  div,
  equal,
  mean,
  mul,
  randomNormal,
  sqrt,
  square,
  step,
  sub,
  sum,
  toFloat,
} from '../../src/ops/index.ts';
import { adam, cosine, sgd } from '../../src/optim/index.ts';
import { type Binarization, batchesOf, binarizedRows } from '../../src/training/batches.ts';
import { Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';
import { column, momentsOf } from '../support/statistics.ts';
import { vaeOf } from '../support/toys.ts';

const FEATURES = 5;
const ROWS = 26;
const BATCH = 4;

const data: ImageDataset = {
  name: 'made up',
  source: 'made up',
  count: ROWS,
  shape: [FEATURES],
  data: reals('rows', ROWS * FEATURES, 0, 1),
};

/** A model without products, whose kernels compile fast: where noisy data lie. */
class Centre extends Module {
  centre = variable('centre', [FEATURES], { role: 'parameter', init: uniform(1) });
  gain = variable('gain', [1], { role: 'parameter', init: () => [1] });
}

function centring(options: Partial<TrainerOptions> = {}): TrainerOptions {
  const model = new Centre();
  return {
    model,
    data,
    batch: BATCH,
    loss: (x) => {
      const noisy = add(mul(model.gain, x), mul(0.1, randomNormal(x.shape)));
      const loss = mean(sum(square(sub(noisy, model.centre)), -1));
      return { loss, metrics: { at: toFloat(step) } };
    },
    optimizer: adam({ lr: cosine(0.05, 100) }),
    binarize: 'resampled',
    ema: 0.9,
    seed: 3,
    ...options,
  };
}

/** Trainers on the case's own device share it: its pipelines are compiled once. */
const sharing = (t: CaseContext) => () => Promise.resolve(t.device);

/** A trainer on the shared device, whose memory is freed afterwards; the device stays. */
async function withTrainer<T>(
  t: CaseContext,
  options: TrainerOptions,
  body: (trainer: Trainer) => Promise<T>,
  from?: TrainerState,
): Promise<T> {
  const trainer = await Trainer.create(options, sharing(t), from);
  try {
    return await body(trainer);
  } finally {
    trainer.runtime.destroy();
  }
}

/** The state after `steps` steps that nothing disturbs. */
function undisturbed(t: CaseContext, steps: number, options = centring()): Promise<TrainerState> {
  return withTrainer(t, options, async (trainer) => {
    await trainer.run(steps);
    return await trainer.state();
  });
}

function sameBits(t: CaseContext, got: TrainerState, expected: TrainerState, what: string): void {
  t.equal(got.step, expected.step, `${what}: step`);
  t.equal([...got.tensors.keys()], [...expected.tensors.keys()], what);
  for (const [name, values] of expected.tensors) {
    t.equal(got.tensors.get(name), values, `${what}: ${name}`);
  }
}

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
    const model = new Centre();
    const options = { ...centring({ seed: 4 }), model, initial };
    initial.set(model.centre, Float32Array.of(1, 2, 3, 4, 5));
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
      loss: (x) => {
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
      loss: (x) => {
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
        loss: (x) => ({ loss: mean(mul(-1, model.bound(x).bound)) }),
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

/** The batches of some steps, [steps, batch, features], and the table they come from. */
async function batchesOver(
  t: CaseContext,
  dataset: ImageDataset,
  batch: number,
  binarization: Binarization,
  steps: number,
): Promise<Float32Array[]> {
  const { x, table, values } = batchesOf(dataset, batch, binarization, 9);
  return await withRuntime(t, async (runtime) => {
    const plan = await runtime.compile({
      outputs: { x },
      effects: [assign(step, addUint(step, 1))],
    });
    runtime.write(table, values());
    const result: Float32Array[] = [];
    for (let i = 0; i < steps; i++) {
      await plan.run();
      result.push((await plan.read('x')) as Float32Array);
    }
    return result;
  });
}

cases('batches', (c) => {
  c('every epoch visits every row once, in another order', async (t) => {
    for (const [count, batch] of [
      [24, 4],
      [35, 7],
      [12, 12],
    ] as const) {
      const numbered: ImageDataset = {
        ...data,
        count,
        shape: [1],
        data: Float32Array.from({ length: count }, (_, i) => i / 64),
      };
      const perEpoch = count / batch;
      const seen = await batchesOver(t, numbered, batch, 'none', 3 * perEpoch);
      const epochs = [0, 1, 2].map((e) =>
        seen.slice(e * perEpoch, (e + 1) * perEpoch).flatMap((x) => Array.from(x, (v) => 64 * v)),
      );
      const all = Array.from({ length: count }, (_, i) => i);
      for (const epoch of epochs)
        t.equal(
          [...epoch].sort((a, b) => a - b),
          all,
          'each row once',
        );
      t.ok(String(epochs[0]) !== String(epochs[1]), 'a new order');
      t.ok(String(epochs[1]) !== String(epochs[2]), 'a new order again');
      t.ok(String(epochs[0]) !== String(all), 'not the order of the data');
    }
  });

  c('rows that do not fill a batch wait for another epoch', async (t) => {
    const numbered: ImageDataset = {
      ...data,
      count: 10,
      shape: [1],
      data: Float32Array.from({ length: 10 }, (_, i) => i / 64),
    };
    const seen = await batchesOver(t, numbered, 4, 'none', 60);
    const visits = new Map<number, number>();
    for (let epoch = 0; epoch < 30; epoch++) {
      const rows = seen
        .slice(2 * epoch, 2 * epoch + 2)
        .flatMap((x) => Array.from(x, (v) => 64 * v));
      t.equal(new Set(rows).size, 8, 'no row twice in an epoch');
      for (const row of rows) visits.set(row, (visits.get(row) ?? 0) + 1);
    }
    t.equal(visits.size, 10, 'every row has its turn');
    t.ok(
      [...visits.values()].every((n) => n > 12),
      `no row is favoured: ${[...visits.values()]}`,
    );
  });

  c('bytes and floats of odd sizes arrive as they are', async (t) => {
    const [count, width] = [9, 13];
    const bytes = Uint8Array.from({ length: count * width }, (_, i) => (i * 37) % 256);
    const floats = Float32Array.from(bytes, (b) => b / 255);
    const of = (values: Uint8Array | Float32Array) =>
      batchesOver(t, { ...data, count, shape: [width], data: values }, 9, 'none', 1);
    const [fromBytes] = await of(bytes);
    const [fromFloats] = await of(floats);
    const rows = (x: Float32Array | undefined) =>
      Array.from({ length: count }, (_, i) => x?.slice(i * width, (i + 1) * width) as Float32Array);
    const expected = rows(floats);
    for (const [i, row] of rows(fromBytes).entries()) {
      t.close(row, rows(fromFloats)[i] as Float32Array, { relative: 2 ** -23 }, 'bytes are b/255');
      t.ok(
        expected.some((e) => e.every((v, j) => Math.abs(v - (row[j] as number)) < 1e-7)),
        'a row is a row of the data',
      );
    }
  });

  c('binarisation: drawn anew, drawn once, thresholded, or not at all', async (t) => {
    const [count, width] = [400, 9];
    const bytes = Uint8Array.from({ length: count * width }, (_, i) => ((i % width) * 41) % 256);
    const floats = Float32Array.from(bytes, (b) => b / 255);
    // Exactly the threshold.
    for (let i = 0; i < floats.length; i += width) floats[i] = 0.5;
    // All rows are the same, so a batch of them shows the odds of every pixel.
    for (const values of [bytes, floats]) {
      const unit = values === bytes ? 255 : 1;
      const grey = Float64Array.from(values.slice(0, width), (v) => v / unit);
      const same = { ...data, count, shape: [width], data: values };
      const one = { ...same, count: 1, data: values.slice(0, width) };
      const frequencies = (x: Float32Array, what: string) => {
        for (const [j, g] of grey.entries()) {
          const pixel = column(x, width, j);
          t.ok(
            pixel.every((bit) => bit === 0 || bit === 1),
            `${what}: 0 or 1`,
          );
          const tolerance = { absolute: 4 * Math.sqrt((g * (1 - g)) / count) };
          t.close(momentsOf(pixel).mean, g, tolerance, `${what}: mean of pixel ${j}`);
        }
      };
      const again = (list: Float32Array[]) => list.every((x) => String(x) === String(list[0]));

      frequencies((await batchesOver(t, same, count, 'resampled', 1))[0] as Float32Array, 'anew');
      t.ok(!again(await batchesOver(t, one, 1, 'resampled', 20)), 'another draw every time');
      frequencies((await batchesOver(t, same, count, 'once', 1))[0] as Float32Array, 'once');
      t.ok(again(await batchesOver(t, one, 1, 'once', 20)), 'drawn once and for all');
      const [threshold] = await batchesOver(t, one, 1, 'static', 1);
      t.equal([...(threshold as Float32Array)], [...grey.map((g) => Number(g >= 0.5))]);
      const [plain] = await batchesOver(t, one, 1, 'none', 1);
      t.close(plain as Float32Array, grey, { relative: 2 ** -22 }, 'as they are');
    }
  });

  c('the host binarises rows as a function of seed and row', (t) => {
    const set = { ...data, count: 60, shape: [20], data: new Uint8Array(1200).fill(77) };
    const rows = (kind: Binarization, from: number, to: number, seed = 1) =>
      binarizedRows(set, from, to, kind, seed);
    for (const kind of ['resampled', 'once', 'static', 'none'] as const) {
      const whole = rows(kind, 0, 60);
      t.equal(rows(kind, 17, 23), whole.slice(17 * 20, 23 * 20), `${kind}: part of the whole`);
    }
    t.ok(String(rows('resampled', 0, 9)) !== String(rows('resampled', 0, 9, 2)), 'another seed');
    t.ok(String(rows('resampled', 0, 9)) !== String(rows('once', 0, 9)), 'other draws');
    const { mean: share, standardError } = momentsOf(rows('once', 0, 60));
    t.close(share, 77 / 255, { absolute: 4 * standardError });
    t.equal([...new Set(rows('static', 0, 60))], [0]);
    t.equal([...new Set(rows('none', 0, 60))], [Math.fround(77 / 255)]);
  });
});
