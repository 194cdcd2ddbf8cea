/** Data larger than the GPU may hold: the bits of a run do not tell where its rows lay. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { digits } from '../../src/data/digits.ts';
import type { Device } from '../../src/device/index.ts';
import type { Vae } from '../../src/models/index.ts';
import {
  addUint,
  assign,
  batchIndices,
  batchRows,
  reshape,
  seed,
  slice,
  step,
} from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { defaultAdapterClass } from '../../src/scheduler/lower/adapter.ts';
import { batchesOf } from '../../src/training/batches.ts';
import type { Binarization } from '../../src/training/binarize.ts';
import { describeStep, lossOf, Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { adapters, withRuntime } from '../support/engine.ts';
import { vaeOf } from '../support/toys.ts';
import { centring, data, sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

/** 26 rows in batches of four: windows of one step to six, fewer than the table's. */
const budgets = [200, 100, 1];
/** More than two epochs of six, and the middle of one. */
const STEPS = 17;

const bytes: ImageDataset = { ...data, data: Uint8Array.from(data.data, (x) => 255 * x) };

/** What the data of a VAE's step look like, from its first epochs. */
async function rowsOver(
  t: CaseContext,
  dataset: ImageDataset,
  binarization: Binarization,
  residentBytes: number,
): Promise<Float32Array[]> {
  const options = { batch: 4, binarization, seed: 9, residentBytes };
  const {
    batch: { x },
    load,
    feed,
    windowSteps,
  } = batchesOf(dataset, options);
  t.equal(windowSteps !== undefined, residentBytes < 600, 'streamed');
  return await withRuntime(t, async (runtime) => {
    const plan = await runtime.compile({
      outputs: { x },
      effects: [assign(step, addUint(step, 1))],
    });
    load(runtime);
    runtime.write(seed, [9, 0]);
    const result: Float32Array[] = [];
    for (let s = 0; s < STEPS; s++) {
      feed(runtime, s, 1);
      await plan.run();
      result.push((await plan.read('x')) as Float32Array);
    }
    return result;
  });
}

cases('streaming', (c) => {
  c('the host follows the permutation of the GPU', async (t) => {
    const words = [0x9abcdef0, 0x12345678] as const;
    for (const [count, batch] of [
      [26, 4],
      [7, 7],
      [1000, 33],
      [5, 1],
      [70_001, 2500],
    ] as const) {
      await withRuntime(t, async (runtime) => {
        const key = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), []));
        const rows = batchIndices(count, batch, key as never);
        const plan = await runtime.compile({ outputs: { rows: addUint(rows, 0) } });
        runtime.write(seed, words);
        for (const at of [0, 1, 2, 28, 29, 1e6, 2 ** 31]) {
          runtime.write(step, [at]);
          await plan.run();
          t.equal(batchRows(count, batch, words, at), await plan.read('rows'), `${count} at ${at}`);
        }
      });
    }
  });

  c('bytes and floats, binarised in any way, arrive as those of a resident table', async (t) => {
    for (const [name, dataset] of Object.entries({ bytes, floats: data })) {
      for (const binarization of ['none', 'resampled', 'once', 'static'] as const) {
        const whole = await rowsOver(t, dataset, binarization, 2 ** 20);
        const streamed = await rowsOver(t, dataset, binarization, 60);
        t.equal(streamed, whole, `${name}, ${binarization}`);
      }
    }
  });

  c('training gives the bits of a resident table, whatever the window', async (t) => {
    for (const [name, dataset] of Object.entries({ bytes, floats: data })) {
      for (const binarize of ['none', 'resampled', 'once', 'static'] as const) {
        const options = () => centring({ data: dataset, binarize });
        const whole = await undisturbed(t, STEPS, options());
        for (const residentBytes of budgets) {
          const what = `${name}, ${binarize}, ${residentBytes} bytes`;
          await withTrainer(t, { ...options(), residentBytes }, async (trainer) => {
            t.ok(trainer.isStreamed, `${what}: not streamed`);
            for (const steps of [1, 5, 11]) await trainer.run(steps);
            sameBits(t, await trainer.state(), whole, what);
          });
        }
      }
    }
  });

  c('a small table stays on the GPU, and a large one is streamed by itself', async (t) => {
    await withTrainer(t, centring(), async (trainer) => t.ok(!trainer.isStreamed, 'streamed'));
    // Described, not read: its rows are not there.
    const large = { ...data, count: 2_000_000, shape: [28, 28], data: new Uint8Array(0) };
    const model = vaeOf({ shape: [28, 28] });
    const options = { model, loss: lossOf(model), data: large, batch: 100, optimizer: adam() };
    const { batches, effects } = describeStep(options);
    t.equal(batches.windowSteps, Math.floor(2 ** 24 / (100 * 784)));
    t.equal(batches.perEpoch, 20_000);
    const { variables } = schedule({ effects });
    const held = variables.find(({ name }) => name === 'data');
    t.equal(
      held?.shape,
      [21_300, 784].map((x, i) => (i === 0 ? 213 * 100 : x)),
    );
  });

  c('the kernel that fetches the batch is the only one that differs', (t) => {
    for (const adapter of Object.values(adapters)) {
      for (const binarize of ['resampled', 'none'] as const) {
        const codes = [2 ** 27, 2 ** 20].map((residentBytes) => {
          const model = vaeOf({ shape: [28, 28], encoder: { hidden: [20], activation: 'relu' } });
          const large = { ...data, count: 60_000, shape: [28, 28], data: new Uint8Array(0) };
          const { effects } = describeStep({
            model,
            loss: lossOf(model),
            data: large,
            batch: 100,
            optimizer: adam(),
            binarize,
            residentBytes,
          });
          const { kernels } = schedule({ effects }, { ...defaultAdapterClass, ...adapter });
          return kernels.map(({ code }) => code);
        }) as [string[], string[]];
        const differ = codes[0].flatMap((code, i) => (code === codes[1][i] ? [] : [i]));
        t.equal([differ, codes[0].length], [[0], codes[1].length], binarize);
      }
    }
  });

  c('a state goes on bit for bit in the other mode', async (t) => {
    const whole = await undisturbed(t, STEPS);
    for (const [first, second] of [
      [60, 2 ** 20],
      [2 ** 20, 60],
      [1, 250],
    ] as const) {
      const taken = await withTrainer(t, centring({ residentBytes: first }), async (trainer) => {
        await trainer.run(8);
        return trainer.lastState;
      });
      await withTrainer(
        t,
        centring({ residentBytes: second }),
        async (trainer) => {
          await trainer.run(STEPS - 8);
          sameBits(t, await trainer.state(), whole, `${first}, then ${second}`);
        },
        taken,
      );
    }
  });

  c('a lost device does not show, and stopping neither', async (t) => {
    const steps = 600;
    const whole = await undisturbed(t, steps);
    const opened: Device[] = [];
    const open = async () => {
      const device = await t.open();
      opened.push(device);
      return device;
    };
    const trainer = await Trainer.create(centring({ residentBytes: 250 }), open);
    await trainer.run(7);
    trainer.runtime.device.lose();
    const controller = new AbortController();
    let looks = 0;
    const stopped = await trainer.run(steps - 7, {
      signal: controller.signal,
      onProgress: () => {
        looks += 1;
        if (looks === 2) trainer.runtime.device.gpu.destroy();
        if (looks === 5) controller.abort();
      },
    });
    t.ok(stopped.step > 7 && stopped.step < steps, `stopped at ${stopped.step}`);
    t.equal(opened.length, 3, 'devices');
    await trainer.run(steps - stopped.step);
    sameBits(t, await trainer.state(), whole, 'in the end');
    trainer.destroy();
  });

  c('a VAE on streamed digits has the weights of one on resident ones', async (t) => {
    const images = digits({ count: 50, seed: 1, size: 9 });
    const trained = async (binarize: Binarization, residentBytes: number) => {
      const model: Vae = vaeOf({
        shape: [9, 9],
        encoder: { hidden: [12], activation: 'relu' },
        decoder: { hidden: [12], activation: 'relu' },
      });
      const options: TrainerOptions = {
        model,
        data: images,
        batch: 16,
        loss: lossOf(model),
        optimizer: adam(),
        binarize,
        seed: 12,
        residentBytes,
      };
      return await withTrainer(t, options, async (trainer) => {
        await trainer.run(8);
        return await trainer.state();
      });
    };
    for (const binarize of ['resampled', 'none'] as const) {
      const whole = await trained(binarize, 2 ** 20);
      sameBits(t, await trained(binarize, 3000), whole, binarize);
    }
  });

  c('writes each row once, in a write or two a submission', async (t) => {
    await withTrainer(t, centring({ residentBytes: 250 }), async (trainer) => {
      await trainer.run(9);
      const { hostWrites, submissions, buffersCreated } = t.device.counters;
      await trainer.run(300);
      const { counters } = t.device;
      const writes = counters.hostWrites - hostWrites;
      // Windows of three steps that begin anywhere in the ring.
      t.ok(writes >= 100 && writes <= 2 * (counters.submissions - submissions), `${writes} writes`);
      t.equal(counters.buffersCreated, buffersCreated, 'buffers');
    });
  });
});
