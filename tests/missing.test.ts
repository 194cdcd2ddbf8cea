// Missing values from file to file: read, masked, standardised, learned from, filled in; anomalies' scores.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { filled, filledTable } from '../src/cli/data/filled.ts';
import { corrupt } from '../src/data/corrupt.ts';
import type { ImageDataset } from '../src/data/dataset.ts';
import { type DataSpec, loadData } from '../src/data/load.node.ts';
import { checkColumnsSeen, hide, missingCount, parseHiding } from '../src/data/missing.ts';
import { select, split, take } from '../src/data/parts.ts';
import { logScales, standardizationOf, standardize } from '../src/data/standardize.ts';
import { float32Text } from '../src/formats/csv-text.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { Random } from '../src/random.ts';
import { separation } from '../src/roc.ts';
import { perform } from './support/perform.ts';
import { refusal, refusalOf } from './support/refusal.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder = '';
const here = (name: string) => join(folder, name);
const store = async (name: string, content: Uint8Array | string) => {
  await writeFile(here(name), content);
  return here(name);
};
const load = (data: string, more: Partial<DataSpec> = {}) =>
  loadData({ ...{ data, split: 'train', range: 'any', takesMissing: true }, ...more });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-missing-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('holes', () => {
  test('in tables are empty cells, NA, NaN and ?, in arrays NaN', async () => {
    const table = await store('t.csv', 'a,b,c\n1,,3\nNA,5,nan\n7,?,9\n');
    const rows = await load(table, { float64: true } as Partial<DataSpec>);
    expect([...rows.data]).toEqual([1, 0, 3, 0, 5, 0, 7, 0, 9]);
    expect([...(rows.mask as Uint8Array)]).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1]);
    const values = Float32Array.of(0.5, Number.NaN, 0.25, 1);
    const array = await load(await store('x.npy', writeNpy(values, [2, 2])));
    expect([...array.data]).toEqual([0.5, 0, 0.25, 1]);
    expect([...(array.mask as Uint8Array)]).toEqual([1, 0, 1, 1]);
    const whole = await load(await store('whole.csv', 'a,b\n1,2\n3,4\n'));
    expect(whole.mask).toBeUndefined();
  });

  test('are refused where the family needs all values, with what else may be done', async () => {
    const table = await store('t2.csv', 'a,b\n1,\n2,3\n');
    const missingRemedy = ', or train a vae';
    expect(await refusal(load(table, { takesMissing: false, missingRemedy }))).toBe(
      'bad-format: ' +
        `${table}: line 2, column 2 ("b") is empty; fill it in, or remove the row, or leave the column out with --drop b, or train a vae`,
    );
    for (const cell of ['-', 'inf', '#VALUE!', 'x']) {
      const odd = await store('odd.csv', `a,b\n1,${cell}\n2,3\n`);
      expect(await refusal(load(odd)), cell).toMatch(/line 2, column 2 \("b"\) holds/);
    }
    const row = await store('row.csv', 'a,b\n1,2\nNA,NA\n');
    expect(await refusal(load(row))).toMatch(/all values of row 1 \(from 0\) are missing/);
    const column = await load(await store('column.csv', 'a,b\n1,NA\n2,?\n'));
    expect(await refusalOf(() => checkColumnsSeen(column))).toMatch(
      /all 2 values of feature 1 \("b"\) are missing.* --drop "b"/,
    );
  });

  test('do not enter means, deviations and scales, and stay 0', () => {
    const data = Float64Array.of(1, 10, 3, 0, 0, 14, 5, 12);
    const mask = Uint8Array.of(1, 1, 1, 0, 0, 1, 1, 1);
    const rows = { name: 't', source: 't', count: 4, shape: [2], data, mask };
    const s = standardizationOf(rows);
    expect([...s.mean]).toEqual([3, 12]);
    const std = [Math.sqrt(8 / 3), Math.sqrt(8 / 3)];
    expect([...s.std]).toEqual(std.map(Math.fround));
    const seen = standardize(rows, s);
    expect([seen.data[3], seen.data[4]]).toEqual([0, 0]);
    const scale = Math.log(Math.fround(std[0] as number));
    const scales = [...(logScales(s, rows) as Float64Array)];
    [2, 1, 1, 2].forEach((n, row) => {
      expect(scales[row]).toBeCloseTo(n * scale, 6);
    });
    // What is missing changes nothing, whatever stands there.
    const other = { ...rows, data: data.map((value, i) => (mask[i] ? value : 1e9)) };
    expect(standardizationOf(other)).toEqual(s);
    expect([...standardize(other, s).data]).toEqual([...seen.data]);
  });

  test('go where their rows go', () => {
    const count = 8;
    const data = Float32Array.from({ length: 2 * count }, (_, i) => i);
    const mask = Uint8Array.from(data, (value) => Number(value % 3 > 0));
    const rows: ImageDataset = { name: 't', source: 't', count, shape: [2], data, mask };
    const { train, test: held } = split(rows, 3, 1);
    for (const part of [train, held, take(rows, 3, 2), select(rows, [7, 0, 7])]) {
      expect([...(part.mask as Uint8Array)]).toEqual(
        Array.from(part.data, (value) => Number(value % 3 > 0)),
      );
    }
  });

  test('made on purpose: halves of images, and at random the same for the same row', async () => {
    const images: ImageDataset = {
      ...{ name: 'i', source: 'i', count: 2, shape: [3, 2] },
      data: Uint8Array.from({ length: 12 }, (_, i) => i + 1),
    };
    expect([...hide(images, { half: 'top' }, 0).data]).toEqual([
      0, 0, 3, 4, 5, 6, 0, 0, 9, 10, 11, 12,
    ]);
    const bottom = hide(images, { half: 'bottom' }, 0);
    expect([...(bottom.mask as Uint8Array)]).toEqual([1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
    expect(bottom.withheld?.data).toBe(images.data);
    const wide: ImageDataset = {
      ...{ name: 'w', source: 'w', count: 400, shape: [4] },
      data: new Float32Array(1600).fill(1),
    };
    const some = hide(wide, { random: 0.9 }, 3);
    // Of each row at least one value stays; five deviations of a binomial, and what stays for that.
    const left = 1600 - missingCount(some);
    expect(left).toBeGreaterThanOrEqual(400);
    expect(left).toBeLessThan(400 + 160 + 5 * Math.sqrt(1600 * 0.09));
    expect([...(hide(take(wide, 9), { random: 0.9 }, 3).mask as Uint8Array)]).toEqual([
      ...(some.mask as Uint8Array).subarray(0, 36),
    ]);
    expect(parseHiding('random:0.25')).toEqual({ random: 0.25 });
    for (const wrong of ['left', 'random', 'random:0', 'random:1.5', 'random:x'])
      expect(parseHiding(wrong), wrong).toBeUndefined();
    expect(await refusalOf(() => hide(wide, { half: 'top' }, 0))).toMatch(/w holds no images/);
  });
});

describe('filled data', () => {
  test('keep what was seen, bit for bit, in text too', () => {
    const data = Float64Array.of(0.1 + 0.2, 0, 1e-300, 123456789.123456, 0, 2);
    const mask = Uint8Array.of(1, 0, 1, 1, 0, 1);
    const original = {
      ...{ name: 't', source: 't', count: 3, shape: [2], data, mask, columns: ['a', 'b,"c"'] },
      ...{ labels: Uint32Array.of(0, 1, 0), classNames: ['x', 'y z'] },
    };
    const made = Float32Array.of(9, 1 / 3, 9, 9, 2.5, 9);
    const rows = filled(original, made, undefined);
    expect([...rows]).toEqual([data[0], Math.fround(1 / 3), data[2], data[3], 2.5, data[5]]);
    const [heading, ...lines] = filledTable(original, rows).trim().split('\n');
    expect(heading).toBe('a,"b,""c""",label');
    const cells = lines.map((line) => line.split(','));
    expect(cells.map(([, , label]) => label)).toEqual(['x', 'y z', 'x']);
    const again = cells.flatMap(([a, b]) => [Number(a), Number(b)]);
    again.forEach((value, i) => {
      expect(mask[i] ? value : Math.fround(value)).toBe(rows[i]);
    });
  });

  test('write a float32 in the fewest digits that read back', () => {
    const random = new Random(1, 2, 3);
    for (let i = 0; i < 2000; i++) {
      const value = Math.fround(random.normal() * 10 ** random.uniform(-20, 20));
      expect(Math.fround(Number(float32Text(value)))).toBe(value);
    }
    expect(float32Text(Math.fround(0.1))).toBe('0.1');
  });
});

describe('separation', () => {
  test('areas by hand: ties count half, precision is stepwise', () => {
    // Sorted: + 3 | + - 2 | - 1. Pairs: 3>2, 3>1, 2=2 (half), 2>1.
    const { auroc, auprc, curve } = separation([2, 1], [3, 2]);
    expect(auroc).toBe(3.5 / 4);
    expect(auprc).toBeCloseTo(0.5 * 1 + 0.5 * (2 / 3), 12);
    expect(curve).toEqual([
      [0, 0],
      [0, 0.5],
      [0.5, 1],
      [1, 1],
    ]);
    expect(separation([0, 0], [1]).auroc).toBe(1);
    expect(separation([1], [0, 0, 0]).auroc).toBe(0);
    expect(() => separation([1, Number.NaN], [0])).toThrow(
      /1 of 3 scores are no numbers: such rows lie further out than float32 reaches/,
    );
  });

  test('equals the rank sum of many scores', () => {
    const random = new Random(5, 6, 7);
    const draw = (n: number, shift: number) =>
      Float64Array.from({ length: n }, () => Math.round(4 * (random.normal() + shift)));
    const [a, b] = [draw(150, 0), draw(70, 0.7)];
    let wins = 0;
    for (const x of a) for (const y of b) wins += y > x ? 1 : y === x ? 0.5 : 0;
    expect(separation(a, b).auroc).toBeCloseTo(wins / (150 * 70), 12);
  });

  test('strange data: turned four times they are themselves, noised ones keep their features', () => {
    const images: ImageDataset = {
      ...{ name: 'i', source: 'i', count: 2, shape: [3, 3] },
      data: Uint8Array.from({ length: 18 }, (_, i) => i),
    };
    const once = corrupt(images, 'rotated', 0);
    expect([...once.data.subarray(0, 9)]).toEqual([6, 3, 0, 7, 4, 1, 8, 5, 2]);
    const four = [1, 2, 3].reduce((rows) => corrupt(rows, 'rotated', 0), once);
    expect([...four.data]).toEqual([...images.data]);
    const noised = corrupt(images, 'noised', 0);
    noised.data.forEach((value, i) => {
      expect(value % 9).toBe(i % 9);
    });
  });
});

test('a model learns from a table with holes and fills it better than its means', async () => {
  const random = new Random(9, 9, 9);
  const lines = Array.from({ length: 200 }, () => {
    const z = random.normal();
    return [1, -2, 3].map((w, j) => (100 * j + w * z + 0.2 * random.normal()).toFixed(4)).join(',');
  });
  const table = await store('line.csv', ['a,b,c', ...lines].join('\n'));
  const run = (line: string) => perform(line.split(' '), folder);
  const trained = await run(
    `train iwae --data ${table} --standardize --hide random:0.3 --batch 40 --epochs 60 --out m --seed 1 --quiet --json --set latent=1 encoder.hidden=[16] decoder.hidden=[16] likelihood=student-t posterior=student-t optimizer.lr=1e-2 evaluate.every=0`,
  );
  expect(trained.stderr).toBe('');
  expect(trained.code).toBe(0);
  const done = await run('impute m --split train --out f.csv --samples 200 --json');
  expect(done.stderr).toBe('');
  const found = JSON.parse(done.stdout);
  expect(found.hidden).toBe(found.missing);
  // The other two tell of z within 0.1, so that a few percent of the variance are left; half is far off.
  expect(found.mse).toBeLessThan(0.5 * found.meanMse);
  expect((await readFile(here('f.csv'), 'utf8')).split('\n')[0]).toBe('a,b,c');
  const refused = await run(`train ae --data ${table} --standardize --hide random:0.3 --out n`);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /^latentgpu: --hide random:0.3: ae takes no missing values; .*\n$/,
  );
});
