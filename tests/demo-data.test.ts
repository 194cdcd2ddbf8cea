/** What the demo makes of files and of settings, without a page and without a GPU. */
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { builtIn } from '../demo/engine/data.ts';
import { whyNot } from '../demo/engine/faults.ts';
import { dataOfPngs, dataOfTable } from '../demo/engine/own-data.ts';
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
      `${at} holds "left", which is no number; call a column of classes "class", and leave out others that are no numbers`,
    );
    expect(await refused('x,y\n1,2\n1,1e300\n')).toBe(
      `${at} holds "1e300", which does not fit float32; write the column in larger units`,
    );
    expect(await refused('x,y\n1,2\n1,NaN\n')).toBe(
      `${at} holds "NaN"; fill it in, or leave the row out`,
    );
    expect(await refused('x,y\n1,2\n1,\n')).toBe(
      `${at} is empty; fill it in, or leave the row out`,
    );
    expect(await refused('x,y\n1,2\n')).toBe('bad-input: t.csv holds 1 row; 20 are needed');
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
    /odd.csv: .* "left".*; call a column of classes/,
  );
  const refused = (name: string, content: string | Uint8Array<ArrayBuffer>) =>
    refusal(pointsOfTable(new File([content], name)));
  expect(await refused('one.csv', 'x\n1\n2\n')).toContain('one.csv has one column of numbers');
  expect(await refused('x.npy', Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0))).toContain(
    'x.npy is no table of text',
  );
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
