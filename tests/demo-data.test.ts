/** What the demo makes of files and of settings, without a page and without a GPU. */
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { builtIn, inUnitsOf } from '../demo/engine/data.ts';
import { whyNot } from '../demo/engine/faults.ts';
import { dataOfPngs, dataOfTable } from '../demo/engine/own-data.ts';
import { planOf, startOf } from '../demo/engine/plan.ts';
import { TableRows } from '../demo/engine/table-rows.ts';
import { pointsOfTable } from '../demo/mixtures/points.ts';
import { keysOf, RECIPES, type RecipeName, recipeOf, settingsOfSaved } from '../demo/recipes.ts';
import { logTicks, written } from '../demo/view/ticks.ts';
import {
  assignments,
  buildModel,
  digits,
  LatentGpuError,
  modelJson,
  optim,
  readModelJson,
  runConfig,
  settleRun,
  trainerOf,
} from '../src/index.ts';
import { describeRun } from '../src/training/index.ts';
import { traitsOf } from '../src/training/traits.ts';
import { refusal } from './support/refusal.ts';

const SETTINGS = {
  ...{ family: 'vae', data: 'digits', rate: 2e-3, beta: 1, latent: 3, hidden: '64', batch: 32 },
  ...{ samples: 5, target: 10, components: 10, seed: 0 },
};
const image = (side: number, value: number) =>
  encode({
    ...{ width: side, height: side, channels: 1, depth: 8 },
    data: new Uint8Array(side * side).fill(value),
  } as Parameters<typeof encode>[0]);

describe('files of the visitor', () => {
  test('PNGs in several folders are of several classes, in the order of their names', async () => {
    const files = Array.from({ length: 40 }, (_, i) => ({
      name: `marks/kind ${i % 2 ? 10 : 9}/${i}.png`,
      value: image(6, i),
    }));
    const { train, heldOut } = await dataOfPngs(files);
    expect([train.count, heldOut.count, ...train.shape]).toEqual([30, 10, 6, 6]);
    expect(train.name).toBe('marks');
    expect(train.classNames).toEqual(['kind 9', 'kind 10']);
    for (const { data, labels, count } of [train, heldOut]) {
      for (let i = 0; i < count; i++) expect(labels?.[i]).toBe((data[36 * i] as number) % 2);
    }
    const odd = [...files, { name: 'marks/odd.png', value: image(7, 1) }];
    expect(await refusal(dataOfPngs(odd))).toMatch(/marks\/odd.png is 7 × 7 .* must have one size/);
  });

  test('a table is standardised, and its column of classes is none of its numbers', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `${i},${5 * i + 2},${i % 2 ? 'b' : 'a'}`);
    const value = new TextEncoder().encode(`x,y,Species\n${lines.join('\n')}\n`);
    const { train, heldOut, standardization } = await dataOfTable({ name: 't.csv', value });
    expect([train.count, heldOut.count]).toEqual([40, 10]);
    expect(train.columns).toEqual(['x', 'y']);
    expect(train.classNames).toEqual(['a', 'b']);
    const mean = (train.data as Float32Array).reduce((a, b) => a + b, 0) / train.data.length;
    expect(Math.abs(mean)).toBeLessThan(1e-5);
    expect(standardization?.std[1]).toBeCloseTo(5 * (standardization?.std[0] ?? 0), 3);
    const refused = (text: string) =>
      refusal(dataOfTable({ name: 't.csv', value: new TextEncoder().encode(text) }));
    const at = 'bad-format: t.csv: line 3, column 2 ("y")';
    expect(await refused('x,y\n1,2\n1,left\n2,right\n')).toBe(
      `${at} holds "left", which is no number; correct it, call a column of classes "class", or leave the column out`,
    );
    expect(await refused('x,y\n1,2\n1,1e300\n')).toBe(
      `${at} holds "1e300", which does not fit float32; write the column in larger units`,
    );
    expect(await refused('x,y\n1,2\n1,-\n2,4\n')).toBe(
      `${at} holds "-"; empty the cell if its value is missing, or leave the row out`,
    );
    expect(await refused('x,y\n1,2\n')).toBe('bad-input: t.csv holds 1 row; 20 are needed');
  });

  describe('a table with columns of words', () => {
    const jobs = ['cook', 'nurse', 'smith'];
    const job = (i: number) => jobs[i % 3] as string;
    const lines = Array.from({ length: 60 }, (_, i) => `${job(i)},${100 * i},${i % 2 ? 'f' : 'm'}`);
    const read = (head: string, rows: readonly string[]) =>
      dataOfTable({
        name: 'w.csv',
        value: new TextEncoder().encode(`${head}\n${rows.join('\n')}\n`),
      });
    const HEAD = 'job,pay,sex';
    const categories = [
      { column: 'job', at: 0, levels: jobs },
      { column: 'sex', at: 4, levels: ['f', 'm'] },
    ];

    test('has categories, a feature a word, of both splits', async () => {
      const { train, heldOut, standardization } = await read(HEAD, lines);
      for (const part of [train, heldOut]) {
        expect(part.categories).toEqual(categories);
        expect(part.shape).toEqual([6]);
        const { data, count } = part;
        for (let i = 0; i < count; i++) {
          const [a, b, c, , f, m] = data.subarray(6 * i, 6 * i + 6);
          expect([(a ?? 0) + (b ?? 0) + (c ?? 0), (f ?? 0) + (m ?? 0)]).toEqual([1, 1]);
        }
      }
      expect(train.columns).toEqual([
        ...['job=cook', 'job=nurse', 'job=smith', 'pay', 'sex=f', 'sex=m'],
      ]);
      expect([standardization?.mean[0], standardization?.std[5]]).toEqual([0, 1]);
    });

    test('has rows that are written as the table has them', async () => {
      const data = await read(HEAD, lines);
      const written = new TableRows(data);
      expect([written.headings, written.digits]).toEqual([HEAD.split(','), [1, 0, 1]]);
      const { train } = data;
      for (const [named, pay, sex] of written.of(train.data as Float32Array, train.count)) {
        const i = Math.round(Number(pay) / 100);
        expect([named, sex]).toEqual([job(i), i % 2 ? 'f' : 'm']);
        expect(pay).toBeCloseTo(100 * i, 2);
      }
      // Of a model that says how likely each word is.
      const [likely] = written.of(Float32Array.of(0.2, 0.5, 0.3, 0, 0.4, 0.6), 1);
      expect([likely?.[0], likely?.[2]]).toEqual(['nurse', 'm']);
      const many = Array.from({ length: 40 }, (_, i) => Array(20).fill(i).join());
      const wide = new TableRows(await read(many[0]?.replaceAll('0', 'n') as string, many));
      expect([wide.headings.length, wide.columns]).toEqual([12, 20]);
    });

    test('has a model whose description has the categories, and none of other words', async () => {
      const data = await read(HEAD, lines);
      const planned = planOf(SETTINGS, data, undefined);
      expect(planned.config.data.categories).toEqual(categories);
      expect(startOf(planned, data, 0)).toBeInstanceOf(Map);
      const loaded = { config: planned.config, weights: new Uint8Array() };
      expect(planOf(SETTINGS, data, loaded).config).toBe(planned.config);
      const others = await read(
        HEAD,
        lines.map((line) => line.replace('smith', 'tailor')),
      );
      expect(() => planOf(SETTINGS, others, loaded)).toThrow(
        'the saved model is for a table with job=smith and the data here are with job=tailor',
      );
    });

    test('is standardised as a model that is opened was', async () => {
      const data = await read(HEAD, lines);
      const to = {
        mean: Float32Array.of(0, 0, 0, 1000, 0, 0),
        std: Float32Array.of(1, 1, 1, 500, 1, 1),
      };
      const found = inUnitsOf(data, to);
      expect(found.standardization).toBe(to);
      const count = found.train.count;
      const [here, there] = [data, found].map((each) =>
        new TableRows(each).of(each.train.data as Float32Array, count),
      );
      there?.forEach((row, i) => {
        const [named, pay, sex] = here?.[i] ?? [];
        expect([row[0], row[2]]).toEqual([named, sex]);
        expect(row[1]).toBeCloseTo(Number(pay), 2);
      });
      expect(inUnitsOf(data, undefined)).toBe(data);
    });

    test('is told in a line where its words are none to learn from', async () => {
      const refused = (rows: readonly string[]) => refusal(read('name,pay', rows));
      expect(await refused(lines.map((_, i) => `Ann B${'c'.repeat(i)},${i}`))).toBe(
        'bad-format: w.csv: column 1 ("name") holds 60 different words in 60 rows, as names do; leave the column out',
      );
      const many = Array.from({ length: 600 }, (_, i) => `v${'w'.repeat(i % 300)},${i}`);
      expect(await refused(many)).toMatch(/too many for categories; leave the column out$/);
    });

    test('may have empty cells, which are masked for the families that take them', async () => {
      const holes = lines.map((line, i) => {
        const [job, pay, sex] = line.split(',');
        return [i % 3 === 1 ? '' : job, i % 4 === 1 ? 'NA' : pay, i % 5 === 1 ? '?' : sex].join();
      });
      const whole = holes.map((line, i) => (line === ',NA,?' ? (lines[i] as string) : line));
      const data = await read(HEAD, whole);
      const { train } = data;
      const { mask, count } = train;
      expect(train.categories).toEqual(categories);
      for (let i = 0; i < count; i++) {
        const [a, b, c, pay, f, m] = mask?.subarray(6 * i, 6 * i + 6) ?? [];
        expect([a === b && b === c, f === m]).toEqual([true, true]);
        if (!pay) expect(train.data[6 * i + 3]).toBe(0);
      }
      const to = { mean: Float32Array.of(0, 0, 0, 1000, 0, 0), std: new Float32Array(6).fill(2) };
      inUnitsOf(data, to).train.data.forEach((value, i) => {
        if (!mask?.[i]) expect(value).toBe(0);
      });
      for (const family of ['vae', 'iwae', 'constraint', 'vamp']) {
        expect(planOf({ ...SETTINGS, family }, data, undefined).binarization).toBe('none');
      }
      expect(() => planOf({ ...SETTINGS, family: 'vade' }, data, undefined)).toThrow(
        /w.csv has empty cells \(\d+ of \d+ values missing\), and vade takes rows without any/,
      );
      expect(await refusal(read(HEAD, [...whole, '?,NA,?']))).toMatch(
        /all values of row 60 .* missing/,
      );
      const none = lines.map((line) => line.replace(/,\d+,/, ',,'));
      expect(await refusal(read(HEAD, none))).toMatch(
        /all 50 values of column "pay" are missing.*; leave the column out$/,
      );
    });
  });
});

test('points of a table: two columns of numbers, whatever the class', async () => {
  const lines = Array.from({ length: 900 }, (_, i) => `k${i % 2},${i},${-i}`);
  const { points, about } = await pointsOfTable(
    new File([`species,x,y\n${lines.join('\n')}\n`], 'p.csv'),
  );
  expect(points.length).toBe(300);
  expect(about).toBe('p.csv: 300 of 900 rows');
  for (const [x, y] of points) expect(y).toBeCloseTo(-x, 5);
  const odd = new File(['x,y\n1,left\n2,3\n'], 'odd.csv');
  expect(await refusal(pointsOfTable(odd))).toMatch(
    /odd.csv: .* "left".*; correct it, call a column of classes/,
  );
  const refused = (name: string, content: string | Uint8Array<ArrayBuffer>) =>
    refusal(pointsOfTable(new File([content], name)));
  expect(await refused('one.csv', 'x\n1\n2\n')).toContain('one.csv has one column of numbers');
  expect(await refused('x.npy', Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0))).toContain(
    'x.npy is no table of text',
  );
  const words = new File(['job,x,sex,y\ncook,1,f,2\nnurse,4,m,8\n'], 'words.csv');
  const found = await pointsOfTable(words);
  expect(found.about).toBe('words.csv: 2 rows, columns x and y; words of job, sex are left out');
  expect(found.points.map(([x, y]) => [x.toFixed(1), y.toFixed(1)])).toEqual([
    ...[Array(2).fill('-1.3'), Array(2).fill('1.3')],
  ]);
  expect(await refused('w.csv', 'a,b\nx,y\nz,w\n')).toContain('w.csv has no column of numbers');
  const three = await pointsOfTable(new File(['a,b,c\n1,2,3\n4,5,7\n'], 'three.csv'));
  expect(three.about).toBe('three.csv: 2 rows, columns a and b');
});

test('what is too large for an adapter is told without the names of tensors', () => {
  const text = 'encoder.0.weight f32[128, 1890000] needs 967680000 bytes; use a smaller batch';
  expect(whyNot(new LatentGpuError('limit-exceeded', text))).toMatch(
    /fewer hidden units, or smaller images\.$/,
  );
  expect(whyNot(new Error('out of memory, say'))).toBe('out of memory, say.');
});

describe('axes', () => {
  test('have as many ticks as there is room for, however few decades there are', () => {
    for (const [low, high] of [
      [4e-7, 2e-6],
      [1.2e-6, 9e-6],
      [1.5e-6, 1.2e-4],
      [1e-8, 10],
    ] as const) {
      const found = logTicks(low, high, 2.8);
      expect(found.length, `${low} to ${high}`).toBeGreaterThan(0);
      expect(found.length, `${low} to ${high}`).toBeLessThan(5);
    }
  });

  test('are written with a minus, in thousands, and small numbers by their power', () => {
    expect([-1400, 0, 0.05, -2e-6, 1e5].map(written)).toEqual([
      ...['−1,400', '0', '0.05', '−2e−6', '1e5'],
    ]);
  });
});

describe('families of the page', () => {
  const train = digits({ count: 64, size: 12 });

  test.each(Object.keys(RECIPES) as RecipeName[])(
    '%s has a step, and its file brings it back',
    (name) => {
      const settings = { ...SETTINGS, family: name, hidden: '64' };
      const { family } = recipeOf(name);
      const given = assignments(family, keysOf(settings), 'the page');
      const values = settleRun(family, [given], { ...traitsOf(train), rows: train.count });
      const data = { shape: train.shape, classNames: [...'0123456789'] };
      const { model: config, training } = runConfig(family, data, values);
      const model = buildModel(config);
      for (const ability of ['code', 'decode', 'draw', 'logWeights', 'joint'] as const) {
        expect(model.can[ability], ability).toBeDefined();
      }
      const run = { ...trainerOf(model, training, () => optim.adam()), data: train };
      expect(describeRun(run).names).toEqual(expect.arrayContaining(['loss', 'kl']));
      const saved = readModelJson(modelJson(config)).config;
      const back = settingsOfSaved(saved, { ...settings, family: 'vae', latent: 9, components: 3 });
      expect(keysOf(back)).toEqual(keysOf(settings));
    },
  );

  test('points of the plane are described by a normal decoder', () => {
    const { train: points } = builtIn('moons');
    const given = assignments('vae', keysOf(SETTINGS), 'the page');
    const values = settleRun('vae', [given], { ...traitsOf(points), rows: points.count });
    expect(values.get('likelihood.kind')).toBe('normal');
  });
});
