/** The batches of a data set: each row once an epoch, binarised as asked. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { addUint, assign, step } from '../../src/ops/index.ts';
import { batchesOf } from '../../src/training/batches.ts';
import { type Binarization, binarizedRows } from '../../src/training/binarize.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';
import { column, momentsOf } from '../support/statistics.ts';
import { data } from '../support/trainers.ts';

/** The batches of some steps, [steps, batch, features], and the table they come from. */
async function batchesOver(
  t: CaseContext,
  dataset: ImageDataset,
  batch: number,
  binarization: Binarization,
  steps: number,
): Promise<Float32Array[]> {
  const {
    batch: { x },
    load,
  } = batchesOf(dataset, { batch, binarization, seed: 9 });
  return await withRuntime(t, async (runtime) => {
    const plan = await runtime.compile({
      outputs: { x },
      effects: [assign(step, addUint(step, 1))],
    });
    load(runtime);
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
