/** What a batch is beside its data points: labels, row numbers and the epoch, resident and streamed. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  addUint,
  assign,
  batchRows,
  equalUint,
  mean,
  mul,
  seed,
  step,
} from '../../src/ops/index.ts';
import { sgd } from '../../src/optim/index.ts';
import { seedWords } from '../../src/random.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { batchesOf } from '../../src/training/batches.ts';
import { describeStep } from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';
import { BATCH, Centre, centring, data, ROWS, sameBits, undisturbed } from '../support/trainers.ts';

const SEED = 9;
const STEPS = 15;
/** All on the GPU; windows of three steps and of one. */
const BUDGETS = [2 ** 20, 250, 1];

const bytes: ImageDataset = { ...data, data: Uint8Array.from(data.data, (x) => 255 * x) };
const few = Uint8Array.from({ length: ROWS }, (_, i) => (i * 7) % 10);
const many = Uint32Array.from({ length: ROWS }, (_, i) => i * 0x0fffffff);

interface Seen {
  readonly labels: Uint32Array;
  readonly rows: Uint32Array;
  readonly epoch: number;
}

/** What the GPU has of some steps. */
async function seen(t: CaseContext, dataset: ImageDataset, residentBytes: number): Promise<Seen[]> {
  const options = { batch: BATCH, binarization: 'none', seed: SEED, residentBytes } as const;
  const { batch, load, feed } = batchesOf(dataset, options);
  return await withRuntime(t, async (runtime) => {
    const { labels, rows, epoch } = batch as Required<typeof batch>;
    const plan = await runtime.compile({
      outputs: { labels, rows, epoch },
      effects: [assign(step, addUint(step, 1))],
    });
    load(runtime);
    runtime.write(seed, seedWords(SEED));
    const result: Seen[] = [];
    for (let s = 0; s < STEPS; s++) {
      feed(runtime, s, 1);
      await plan.run();
      const read = async (name: string) => (await plan.read(name)) as Uint32Array;
      const [at] = await plan.read('epoch');
      result.push({ labels: await read('labels'), rows: await read('rows'), epoch: Number(at) });
    }
    return result;
  });
}

cases('parts of a batch', (c) => {
  c("labels and row numbers are those of the host's permutation", async (t) => {
    const runs = [few, many].flatMap((labels) =>
      [bytes, data].flatMap((rows) => BUDGETS.map((budget) => ({ labels, rows, budget }))),
    );
    await Promise.all(
      runs.map(async ({ labels, rows: table, budget }) => {
        for (const [s, got] of (await seen(t, { ...table, labels }, budget)).entries()) {
          const rows = batchRows(ROWS, BATCH, seedWords(SEED), s);
          const what = `step ${s}, ${budget} bytes`;
          t.equal(got.rows, rows, `rows of ${what}`);
          t.equal(
            got.labels,
            Uint32Array.from(rows, (row) => labels[row] as number),
            what,
          );
          t.close(got.epoch, s / 6, { relative: 2 ** -22 }, what);
        }
      }),
    );
  });

  c('an epoch is told apart from the next after more steps than float32 counts', async (t) => {
    const { batch } = batchesOf(data, { batch: BATCH, binarization: 'none', seed: SEED });
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs: { epoch: batch.epoch as Tensor } });
      for (const at of [2 ** 26 + 3, 6 * 400_000_000]) {
        runtime.write(step, [at]);
        await plan.run();
        t.close((await plan.read('epoch'))[0] as number, at / 6, { relative: 2 ** -23 }, `${at}`);
      }
    });
  });

  c('what the loss does not read is neither sent nor computed', (t) => {
    for (const residentBytes of BUDGETS) {
      const codes = (dataset: ImageDataset) => {
        const { effects } = describeStep(centring({ data: dataset, residentBytes }));
        const { kernels, variables } = schedule({ effects });
        t.ok(!variables.some(({ name }) => name === 'labels'), 'a table of labels');
        return kernels.map(({ code }) => code);
      };
      t.equal(codes({ ...data, labels: few }), codes(data), `${residentBytes} bytes`);
      const { batch } = batchesOf(data, { batch: BATCH, binarization: 'none', seed: 1 });
      t.equal(batch.labels, undefined, 'labels of data without');
    }
  });

  c('a batch made from another keeps its labels', (t) => {
    const { batch } = batchesOf(
      { ...data, labels: few },
      { batch: BATCH, binarization: 'none', seed: 1 },
    );
    const made = { ...batch, x: mul(batch.x, 2) };
    t.equal([made.labels?.shape, made.labels?.dtype], [[BATCH], 'u32']);
    t.ok(made.labels === batch.labels && made.rows === batch.rows, 'the same tensors');
  });

  c('a step that reads them gives the same bits resident and streamed', async (t) => {
    const options = (residentBytes: number) => {
      const model = new Centre();
      return centring({
        model,
        data: { ...bytes, labels: few },
        residentBytes,
        optimizer: sgd({ lr: 0.1 }),
        loss: ({ labels, rows, epoch }) => {
          const agree = mean(equalUint(labels as Tensor, addUint(rows as Tensor, 0)));
          const at = mul(epoch as Tensor, mean(model.centre));
          return { loss: mul(at, agree), metrics: { agree } };
        },
      });
    };
    const whole = await undisturbed(t, 20, options(2 ** 20));
    for (const residentBytes of [250, 1]) {
      sameBits(t, await undisturbed(t, 20, options(residentBytes)), whole, `${residentBytes}`);
    }
  });

  c('as many labels as rows, or a word about it', async (t) => {
    const short = { ...data, labels: few.slice(1) };
    for (const residentBytes of BUDGETS) {
      const options = { batch: BATCH, binarization: 'none', seed: 1, residentBytes } as const;
      const { batch, load, feed } = batchesOf(short, options);
      await withRuntime(t, (runtime) =>
        t.throws(
          'bad-data',
          () => {
            t.ok(batch.labels, 'labels');
            load(runtime);
            feed(runtime, 0, 1);
          },
          /^made up: 25 labels for 26 rows/,
        ),
      );
    }
  });
});
