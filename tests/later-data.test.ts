/** Data that a trained model meets later: written otherwise, changed, further out, or lacking classes. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { inColour } from '../src/data/image-stack.ts';
import { type LabelColumn, readCsv, type TableOptions } from '../src/formats/csv.ts';
import { quote } from '../src/formats/message.ts';
import { readNpy } from '../src/formats/npy.ts';
import { encodePng } from '../src/pictures/png.ts';
import { CommandLine } from './support/command-line.ts';
import { refusalOf } from './support/refusal.ts';

vi.setConfig({ testTimeout: 120_000 });

const read = (text: string, options: TableOptions, labels?: LabelColumn) =>
  readCsv(new TextEncoder().encode(text), 't.csv', labels, options);

describe('a table beside a model', () => {
  const expected = ['größe x', 'b'];

  test.each([
    ['a blank that does not break', 'größe\u00a0x,b\n1,2\n'],
    ['letters taken apart', 'gro\u0308ße x,b\n1,2\n'],
    ['what nobody sees', '\u200bgröße  x,b\u200e\n1,2\n'],
    ['the same over numbers alone', 'b,größe\u202fx\n2,1\n'],
  ])('may write its headings with %s', (_, text) => {
    const { names, values } = read(text, { expected });
    expect([names, [...values]]).toEqual([expected, [1, 2]]);
  });

  test.each([
    ['Größe_X,b\n1,2\n', /if "Größe_X" is "größe x", rename it so/],
    ['größe x,b,größe x\n1,2,3\n', /has 2 columns "größe x", 1, 3, .* --drop 3/],
    ['größe x,b,Kind\n1,2,u\n', /--drop Kind; if "Kind" is "kind", rename it so/],
    ['größe x,b\n1,x\n', /holds "x", which is no number; correct it, or remove the row$/],
    ['größe x,b\n1,-\n', /holds "-"; fill it in, or remove the row$/],
    ['größe x,b\n1,5\u200e\n', /holds "5\\u200e"/],
  ])('%j is told what to do', (text, why) => {
    const labels = { name: 'kind', isOptional: true };
    expect(refusalOf(() => read(text, { expected }, labels))).toMatch(why);
  });

  test('classes may be left out, and are one however they are composed', () => {
    const labels = { name: 'kind', isOptional: true };
    const text = 'a,kind\n1,é\n2,\n';
    expect(refusalOf(() => read(text, {}, labels))).toMatch(/needs a label: .* --drop kind$/);
    expect(read(text, { drop: ['kind'] }, labels).labels).toBeUndefined();
    const { classes } = read('a,kind\n1,e\u0301\n2,é\n', { classes: ['é'] }, labels);
    expect(classes).toEqual(['é']);
  });

  test('no option is advised that other commands do not have', () => {
    const why = refusalOf(() => read('a,k\n1,x\n2,y\n', { isOther: true }));
    expect(why).toMatch(/leave the column out with --drop k$/);
  });

  test('a cell among numbers is to be corrected, UTF-32 told as such', () => {
    const rows = Array.from({ length: 9 }, (_, i) => `${i}.5,${i * i}`).join('\n');
    expect(refusalOf(() => read(`a,b\n${rows}\n0x1F,2\n`, {}))).toMatch(/correct it, or remove/);
    const wide = new Uint8Array(Uint32Array.from('a,b\n1,2\n', (c) => c.charCodeAt(0)).buffer);
    expect(refusalOf(() => readCsv(wide, 't.csv'))).toMatch(/UTF-32/);
  });
});

test('grey images are colours with three equal channels, and what is invisible is shown', () => {
  const grey = { name: 'g', count: 1, shape: [1, 2], data: Uint8Array.of(7, 9), source: '' };
  expect([...inColour(grey, [1, 2, 3]).data]).toEqual([7, 7, 7, 9, 9, 9]);
  expect(inColour(grey, [2, 1, 3])).toBe(grey);
  expect(quote('a b\u00a0c\u{e0001}')).toBe('"a b\\u00a0c\\udb40\\udc01"');
});

describe('on the command line', () => {
  let at: CommandLine;
  const row = (i: number) => [i % 7, (i * i) % 11, (i % 3) + i / 50].map((x) => x.toFixed(2));
  const kind = (i: number) => ['u', 'v', 'w'][i % 3] as string;
  const table = (count: number, classOf = kind) =>
    Array.from({ length: count }, (_, i) => [...row(i), classOf(i)].join(',')).join('\n');
  const write = (name: string, text: string) => writeFile(at.here(name), text);
  const scores = async (name: string) => [...readNpy(await readFile(at.here(name))).data];

  beforeAll(async () => {
    at = await CommandLine.open('later');
    await write('own.csv', `a,b,c,kind\n${table(60)}\n`);
    const how = '--data own.csv --label-column kind --standardize --hold-out 0.2 --quiet';
    await at.works(`train gmm ${how} --set components=2 --epochs 3 --out mix`);
    await at.works(`train classifier ${how} --batch 12 --epochs 1 --out sure`);
  }, 120_000);
  afterAll(() => at.close());

  test('columns of the own data are put in order, and a change of the rows is said', async () => {
    await copyFile(at.here('own.csv'), at.here('before.csv'));
    await at.works('score mix --out a.npy --quiet');
    const lines = (await readFile(at.here('own.csv'), 'utf8')).trimEnd().split('\n');
    const turned = lines.map((line) => line.split(',').reverse().join(','));
    await write('own.csv', `${turned.join('\n')}\n`);
    const { stderr } = await at.works('score mix --out b.npy --quiet');
    expect(stderr).not.toContain('changed');
    expect(await scores('b.npy')).toEqual(await scores('a.npy'));
    const [heading, ...others] = lines;
    await write('own.csv', `${[heading, ...others.reverse()].join('\n')}\n`);
    const changed = await at.works('score mix --out b.npy --quiet');
    expect(changed.stderr).toMatch(/own\.csv has changed since .* held out .* trained on/);
    await copyFile(at.here('before.csv'), at.here('own.csv'));
  });

  test('rows that need no class may lack it; a classifier is measured by classes that it knows', async () => {
    await write('lacking.csv', `a,b,c,kind\n${table(9, (i) => (i < 2 ? '' : kind(i)))}\n`);
    await at.works('score mix --data lacking.csv --out a.npy --quiet');
    await at.works('predict sure --data lacking.csv --out p.npy --quiet');
    const lacking = await at.run('eval sure --data lacking.csv');
    expect([lacking.code, lacking.stderr]).toEqual([
      2,
      expect.stringMatching(/the class of row 0 is missing, .* u, v, w; leave such rows out/),
    ]);
    await write('new.csv', `a,b,c,kind\n${table(9, (i) => (i < 2 ? 'x' : kind(i)))}\n`);
    const other = await at.run('eval sure --data new.csv');
    expect(other.stderr).toMatch(/row 0 is of class "x", and sure holds a model of u, v, w/);
    await at.works('predict sure --data new.csv --out p.npy --quiet');
  });

  test('a log-density beyond float32 is no number', async () => {
    await write('far.csv', `a,b,c\n1e25,2,1\n${row(1)}\n`);
    const { stderr } = await at.works('score mix --data far.csv --out a.npy --quiet');
    expect(stderr).toMatch(/log p\(x\) of 1 of 2 rows is no number, first of row 0/);
    expect((await scores('a.npy')).map(Number.isNaN)).toEqual([true, false]);
  });

  test('nothing is written over the data', async () => {
    await copyFile(at.here('own.csv'), at.here('data.npy'));
    await copyFile(at.here('own.csv'), at.here('draws.1.csv'));
    await at.works('encode mix --data own.csv --out trained.npy --quiet');
    for (const name of ['own.npy', 'codes.npy'])
      await copyFile(at.here('trained.npy'), at.here(name));
    await at.works(
      'train gmm --data trained.npy --set components=2 covariance=spherical --epochs 1 --out mix-npy --quiet',
    );
    for (const line of [
      'score mix --data data.npy --out data.npy',
      'impute mix --hide random:0.5 --out own.csv',
      // Nor over those that the model was trained on, whatever data it is shown.
      'score mix-npy --data own.npy --out trained.npy',
      'sample mix-npy --out trained.npy',
      'decode mix-npy --data codes.npy --out trained.npy',
      'impute mix --data draws.1.csv --hide random:0.5 --draws 2 --out draws.csv',
    ]) {
      const { code, stderr } = await at.run(line);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/this is the file of the data/)]);
    }
    expect(await readFile(at.here('own.csv'), 'utf8')).toContain('kind');
  });

  test('standard input has its name; grey images suit a model of colours', async () => {
    expect((await at.run('score mix --data - --out a.npy')).stderr).toContain('/dev/stdin');
    const picture = (data: Uint8Array, channels: 1 | 3) =>
      encodePng({ width: 2, height: 2, channels, data });
    for (const [folder, channels] of [
      ['colours', 3],
      ['greys', 1],
    ] as const) {
      await mkdir(at.here(folder));
      for (let i = 0; i < 4; i++) {
        const data = Uint8Array.from({ length: 4 * channels }, (_, k) => (50 * i + 31 * k) % 256);
        await writeFile(join(at.here(folder), `${i}.png`), picture(data, channels));
      }
    }
    const small = '--set latent=1 encoder.hidden=3 decoder.hidden=3';
    await at.works(`train ae --data colours ${small} --batch 2 --epochs 1 --out seen --quiet`);
    await at.works('encode seen --data greys --out z.npy --quiet');
    const back = await at.works(
      `train ae --data greys ${small} --batch 2 --epochs 1 --out grey --quiet`,
    );
    expect(back.code).toBe(0);
    const { stderr } = await at.run('encode grey --data colours --out z.npy');
    expect(stderr).toMatch(/make these grey/);
    // Among images, pictures would be data.
    const before = await readdir(at.here('colours'));
    for (const [line, why] of [
      ['reconstruct seen --split train --out colours/0.png', 'colours is the folder of the data'],
      ['reconstruct seen --data greys --out colours/new.png', 'colours is the folder of the data'],
      ['decode seen --data z.npy --out colours/new.png', 'colours is the folder of the data'],
      [`train ae --data colours ${small} --batch 2 --out colours`, 'its pictures would be among'],
      [
        `train ae --data colours ${small} --batch 2 --out colours/it`,
        'its pictures would be among',
      ],
    ] as const) {
      const { code, stderr } = await at.run(line);
      expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
    }
    expect(await readdir(at.here('colours'))).toEqual(before);
  });
});
