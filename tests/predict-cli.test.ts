/** Predictions from file to file: of rows without the column that is predicted, and as ONNX files tell them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy } from '../src/formats/npy.ts';
import { ROOT } from './support/cli.ts';
import { CommandLine } from './support/command-line.ts';

// Threads of its own would outlive the tests.
ort.env.wasm.numThreads = 1;
vi.setConfig({ testTimeout: 180_000 });

const IRIS = join(ROOT, 'tests/fixtures/tables/iris.csv');
let at: CommandLine;

const table = async (name: string) =>
  (await readFile(at.here(name), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));

/** Of the first rows, whose numbers are their first four cells. */
async function byOnnx(file: string, rows: number[][]): Promise<Record<string, Float32Array>> {
  const bytes = new Uint8Array(await readFile(at.here(file)));
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const x = new ort.Tensor('float32', Float32Array.from(rows.flat()), [rows.length, 4]);
  const got = await session.run({ x });
  await session.release();
  return Object.fromEntries(
    Object.entries(got).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

function agree(found: ArrayLike<number>, wanted: readonly number[]) {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    // A few roundings of float32, of numbers below 10.
    expect(Math.abs((found[i] as number) - value)).toBeLessThan(2e-5);
  });
}

let rows: number[][] = [];
beforeAll(async () => {
  at = await CommandLine.open('predict');
  const lines = (await readFile(IRIS, 'utf8')).trimEnd().split('\n');
  const cells = lines.map((line) => line.replaceAll('"', '').split(','));
  rows = cells.slice(1).map((line) => line.slice(0, 4).map(Number));
  const write = (name: string, columns: number[], from = 0) =>
    writeFile(
      at.here(name),
      `${cells
        .slice(from)
        .map((line) => columns.map((j) => line[j]).join(','))
        .join('\n')}\n`,
    );
  await write('without.csv', [0, 2, 3]);
  await write('bare.csv', [0, 2, 3], 1);
  await write('other-order.csv', [3, 0, 2]);
  await write('plain.csv', [0, 1, 2, 3]);
  await write('two.csv', [0, 2]);
}, 180_000);
afterAll(() => at.close());

test('a column is predicted of rows that lack it, and an ONNX file tells the same', async () => {
  await at.works(
    `train bayes-linear --data ${IRIS} --drop Species --target Sepal.Width --standardize --out width --quiet`,
  );
  await at.works('predict width --data plain.csv --out all.csv --quiet');
  const all = await table('all.csv');
  for (const name of ['without', 'bare', 'other-order']) {
    await at.works(`predict width --data ${name}.csv --out some.csv --quiet`);
    expect(await table('some.csv'), name).toEqual(all);
  }
  await at.refuses({
    'predict width --data two.csv --out p.csv': 'has no column "Petal.Width"',
    'eval width --data without.csv': 'has no column "Sepal.Width"',
  });
  await at.works('export width --out width.onnx --quiet');
  const { mean, std } = await byOnnx('width.predictor.onnx', rows);
  const column = (j: number) => all.slice(1).map((line) => Number(line[j]));
  agree(mean as Float32Array, column(0));
  agree(std as Float32Array, column(1));
  await at.works('score width --data plain.csv --out s.npy --quiet');
  const { logProb } = await byOnnx('width.onnx', rows);
  const scores = readNpy(new Uint8Array(await readFile(at.here('s.npy')))).data as Float32Array;
  agree(logProb as Float32Array, Array.from(scores));
});

test('classes are told of rows that tell none, and an ONNX file tells the same', async () => {
  await at.works(
    `train classifier --data ${IRIS} --label-column Species --standardize --epochs 10 --out species --quiet`,
  );
  const reports = (await readFile(at.here('species/metrics.jsonl'), 'utf8')).trim().split('\n');
  const { crossEntropy } = await at.json('eval species --split train');
  // What training reports is no density, and not moved to the units of the columns: 0.74 nats.
  expect(Math.abs(JSON.parse(reports.at(-1) as string).loss - crossEntropy)).toBeLessThan(0.1);
  await at.works(`predict species --data ${IRIS} --out all.csv --quiet`);
  await at.works('predict species --data plain.csv --out some.csv --quiet');
  const all = await table('all.csv');
  expect(await table('some.csv')).toEqual(all);
  expect(all[0]).toEqual(['setosa', 'versicolor', 'virginica']);
  await at.works('export species --out species.onnx --quiet');
  const { logits, probabilities } = await byOnnx('species.onnx', rows);
  agree(probabilities as Float32Array, all.slice(1).flat().map(Number));
  const told = Array.from(logits as Float32Array).slice(0, 3);
  const total = told.reduce((sum, value) => sum + Math.exp(value), 0);
  agree(
    told.map((value) => Math.exp(value) / total),
    (all[1] as string[]).map(Number),
  );
});
