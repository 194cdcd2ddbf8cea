// Data of any kind, from files made here to what a training run leaves.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decode, encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { type DataSpec, loadData } from '../src/data/load.node.ts';
import { logScale, standardizationOf, standardize, toOriginal } from '../src/data/standardize.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import {
  buildModel,
  modelJson,
  readModelJson,
  readWeights,
  writeWeights,
} from '../src/models/index.ts';
import { cloudPicture } from '../src/pictures/clouds.ts';
import { Random } from '../src/random.ts';
import { assignments, runConfig, settleData, settleRun } from '../src/training/index.ts';
import type { Run } from './support/cli.ts';
import { edits, mutate } from './support/mutate.ts';
import { perform } from './support/perform.ts';
import { refusal, refusalOf } from './support/refusal.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder = '';
const here = (...path: string[]) => join(folder, ...path);
const store = async (name: string, content: Uint8Array | string) => {
  await writeFile(here(name), content);
  return here(name);
};
const load = (data: string, more: Partial<DataSpec> = {}) =>
  loadData({ data, split: 'train', ...more });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-any-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Images [count, height, width, channels] of which no two are alike, as PNG files. */
async function images(
  name: string,
  names: readonly string[],
  [height, width, channels]: readonly [number, number, 1 | 3],
): Promise<string> {
  await mkdir(here(name), { recursive: true });
  for (const [i, file] of names.entries()) {
    const random = new Random(1, 7, i);
    const length = height * width * channels;
    const data = Uint8Array.from({ length }, (_, k) => (k === 0 ? i : random.integer(256)));
    await writeFile(here(name, file), encode({ width, height, channels, depth: 8, data }));
  }
  return here(name);
}

describe('tables', () => {
  test('load from .csv, gzipped or not, and .tsv', async () => {
    const text = 'a,b,c\n0,0.5,1\n1,0.25,0\n';
    const wanted = { count: 2, shape: [3], data: Float32Array.of(0, 0.5, 1, 1, 0.25, 0) };
    expect(await load(await store('t.csv', text))).toMatchObject({ name: 't.csv', ...wanted });
    const packed = gzipSync(new TextEncoder().encode(text));
    expect(await load(await store('t.csv.gz', packed))).toMatchObject(wanted);
    const tabs = await store('t.tsv', text.replaceAll(',', '\t'));
    expect(await load(tabs, { count: 1 })).toMatchObject({ count: 1 });
    const held = await load(tabs, { holdOut: 1, split: 'test' });
    expect(held).toMatchObject({ count: 1, shape: [3] });
  });

  test('of any range load only where they are to be standardised', async () => {
    const path = await store('wide.csv', '-1.5,3\n2,900\n');
    expect(await refusal(load(path))).toBe(
      'bad-data: wide.csv: values range from -1.5 to 900, not within [0, 1]; train with ' +
        '--standardize, or bring them into [0, 1]',
    );
    const { data } = await load(path, { range: 'any' });
    expect(data).toEqual(Float32Array.of(-1.5, 3, 2, 900));
    const grey = await store('grey.csv', '0,255\n128,3\n');
    expect(await refusal(load(grey))).toMatch(
      /from 0 to 255, .*, x \/ 255 if they are grey levels$/,
    );
  });

  test('with what is not finite are refused by row and place, standardised or not', async () => {
    const values = Float32Array.of(0, 1, 0, Number.NaN, 0, 1);
    const matrix = await store('nan.npy', writeNpy(values, [2, 3]));
    const stack = await store('inf.npy', writeNpy(values.fill(Infinity, 4, 5), [1, 3, 2]));
    for (const range of ['unit', 'any'] as const) {
      expect(await refusal(load(matrix, { range }))).toMatch(
        /^bad-data: nan.npy: row 1, feature 0 holds NaN; remove the row/,
      );
      expect(await refusal(load(stack, { range }))).toMatch(/row 0, pixel \(1, 1\) holds NaN/);
    }
  });

  test('of other layouts and formats are refused with what to do', async () => {
    const stack = await store('chw.npy', writeNpy(new Float32Array(2 * 3 * 4 * 5), [2, 3, 4, 5]));
    expect(await refusal(load(stack))).toBe(
      'bad-data: chw.npy: holds [2, 3, 4, 5], channels before pixels; save [count, height, width, ' +
        'channels], x.transpose(0, 2, 3, 1)',
    );
    const five = await store('five.npy', writeNpy(new Float32Array(32), [2, 2, 2, 2, 2]));
    expect(await refusal(load(five))).toMatch(/holds \[2, 2, 2, 2, 2\], not \[count, features\]/);
    const none = await store('none.npy', writeNpy(new Float32Array(0), [0, 4]));
    expect(await refusal(load(none))).toMatch(/none.npy: holds no data \(0 rows of \[4\]\)/);
    for (const [name, begins, why] of [
      ['a.npz', 'PK\x03\x04', /cut short \(the list at the end/],
      ['a.h5', '\x89HDF\r\n', /is an HDF5 file/],
      ['a.mp3', 'ID3\x04', /is an MP3 file; convert it to WAV/],
      ['a.flac', 'fLaC', /is a FLAC file; convert it to WAV/],
      ['a.parquet', 'PAR1', /a.parquet: damaged or cut short/],
      ['a.txt', 'hello', /has a header and no rows of numbers/],
      ['a.bin', '\x01\x02hello', /is neither an IDX, .npy nor .csv file/],
      ['empty', '', /is empty/],
    ] as const) {
      const path = await store(name, Buffer.from(begins, 'latin1'));
      expect(await refusal(load(path))).toMatch(why);
    }
    const packed = await store('a.bin.gz', gzipSync('\x01\x02hello'));
    expect(await refusal(load(packed))).toMatch(/a.bin.gz is neither an IDX/);
  });
});

describe('folders of PNG images', () => {
  test('load in the order of their names, numbers as numbers', async () => {
    const names = ['img10.png', 'img9.PNG', 'img2.png'];
    const path = await images('order', names, [4, 6, 1]);
    await writeFile(here('order', 'notes.txt'), 'not an image');
    await writeFile(here('order', '.hidden.png'), 'not an image');
    const set = await load(path);
    expect(set).toMatchObject({ name: 'order', count: 3, shape: [4, 6] });
    expect([0, 1, 2].map((i) => set.data[24 * i])).toEqual([2, 1, 0]);
    expect(set.labels).toBeUndefined();
    expect(await load(path, { count: 2 })).toMatchObject({ count: 2 });
    const fractions: number[] = [];
    await load(path, { onProgress: (done) => fractions.push(done) });
    expect(fractions).toEqual([1 / 3, 2 / 3, 1]);
  });

  test('of folders have a class each', async () => {
    await images('classes/dog', ['1.png', '2.png'], [3, 3, 3]);
    await images('classes/cat', ['1.png'], [3, 3, 3]);
    await mkdir(here('classes/ant'), { recursive: true });
    const set = await load(here('classes'));
    expect(set).toMatchObject({ count: 3, shape: [3, 3, 3], classes: 2 });
    expect([...(set.labels ?? [])]).toEqual([0, 1, 1]);
  });

  test('may mix grey and colour, 8 and 16 bits', async () => {
    const path = await images('kinds', ['1.png'], [1, 2, 3]);
    const grey = encode({ width: 2, height: 1, channels: 1, depth: 8, data: [0, 51] as never });
    await writeFile(here('kinds', '2.png'), grey);
    const colors = await load(path);
    expect(colors.shape).toEqual([1, 2, 3]);
    expect([...colors.data.subarray(6)]).toEqual([0, 0, 0, 51, 51, 51]);
    const data = Uint16Array.of(65535, 13107);
    const deep = encode({ width: 2, height: 1, channels: 1, depth: 16, data });
    await writeFile(here('kinds', '3.png'), deep);
    const { data: floats } = await load(path);
    expect(floats).toBeInstanceOf(Float32Array);
    expect([...floats.subarray(6)]).toEqual(
      [0, 0, 0, 51, 51, 51, 255, 255, 255, 51, 51, 51].map((x) => Math.fround(x / 255)),
    );
  });

  test('are refused with the first fault and what to do', async () => {
    const sizes = await images('sizes', ['a.png', 'b.png'], [4, 6, 1]);
    await images('sizes', ['c.png'], [6, 4, 1]);
    expect(await refusal(load(sizes))).toBe(
      `bad-data: ${join(sizes, 'c.png')} is 4 × 6 and ${join(sizes, 'a.png')} is 6 × 4 pixels; ` +
        "all images must have one size (magick mogrify -resize '6x4!' FILES)",
    );
    const mixed = await images('mixed', ['a.png'], [2, 2, 1]);
    await images('mixed/b', ['a.png'], [2, 2, 1]);
    expect(await refusal(load(mixed))).toMatch(/holds images and a folder of images \(b\)/);
    await images('nested/test/a', ['1.png'], [2, 2, 1]);
    await images('nested/train/a', ['1.png'], [2, 2, 1]);
    expect(await refusal(load(here('nested')))).toMatch(
      /holds folders of folders; .*--data \S+nested\/train --test \S+nested\/test$/,
    );
    await mkdir(here('void'));
    expect(await refusal(load(here('void')))).toMatch(
      /void holds no PNG, JPEG, WebP, BMP or PNM image/,
    );
    await writeFile(here('void', 'a.gif'), 'x');
    expect(await refusal(load(here('void')))).toMatch(
      /void holds a.gif; images must be PNG, JPEG, WebP, BMP or PNM/,
    );
    const one = join(mixed, 'a.png');
    expect(await refusal(load(one))).toMatch(/a.png is one image; name the folder/);
    await mkdir(here('idx'));
    await writeFile(here('idx', 'train-images-idx3-ubyte.gz'), 'x');
    expect(await refusal(load(here('idx')))).toMatch(/--data mnist --data-dir \S+idx, or/);
  });

  test('300 folders with a mutated image load or give one clear line', async () => {
    const path = await images('fuzz', ['1.png', '2.png', '3.png'], [3, 5, 3]);
    const original = await readFile(join(path, '2.png'));
    const check = async (list: Parameters<typeof mutate>[1]) => {
      await writeFile(join(path, '2.png'), mutate(original, list));
      await load(path).then(
        (set) => expect(set).toMatchObject({ count: 3, shape: [3, 5, 3] }),
        (error) =>
          refusalOf(() => {
            throw error;
          }),
      );
    };
    await fc.assert(fc.asyncProperty(edits, check), { numRuns: 300 });
  });
});

describe('standardisation', () => {
  const table = (data: Uint8Array | Float32Array, shape: number[]): ImageDataset => ({
    name: 'x',
    source: 'x',
    count: data.length / shape.reduce((a, b) => a * b, 1),
    shape,
    data,
  });

  test('gives every feature mean 0 and deviation 1, and the way back', () => {
    const random = new Random(5, 0, 0);
    const scales = [1, 1e-4, 1e6, 3];
    const centers = [0, 5, -1e6, 1e4];
    const data = Float32Array.from({ length: 4000 }, (_, i) => {
      const j = i % 4;
      return (centers[j] as number) + (scales[j] as number) * random.normal();
    });
    const set = table(data, [4]);
    const s = standardizationOf(set);
    const rows = standardize(set, s);
    expect(rows.standardized).toBe(true);
    for (let j = 0; j < 4; j++) {
      const column = rows.data.filter((_, i) => i % 4 === j) as Float32Array;
      const mean = column.reduce((a, b) => a + b, 0) / 1000;
      const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / 1000;
      // What float32 leaves of data whose deviation is a small part of their mean.
      const error = 4 * 2 ** -24 * (1 + Math.abs((centers[j] as number) / (scales[j] as number)));
      expect(Math.abs(mean)).toBeLessThan(error);
      expect(Math.abs(variance - 1)).toBeLessThan(4 * error + 1e-5);
    }
    const back = toOriginal(rows.data as Float32Array, s);
    const scale = (j: number) => Math.abs(centers[j] as number) + 6 * (scales[j] as number);
    back.forEach((value, i) => {
      expect(Math.abs(value - (data[i] as number))).toBeLessThan(2 ** -21 * scale(i % 4));
    });
    expect(logScale(s)).toBeCloseTo(
      s.std.reduce((sum, x) => sum + Math.log(x), 0),
      10,
    );
  });

  test('makes 0 of what never varies, and refuses what is too far out', () => {
    const set = table(Float32Array.of(0.1, 1, 0.1, 3), [2]);
    const s = standardizationOf(set);
    expect([...s.std]).toEqual([1, 1]);
    expect([...standardize(set, s).data]).toEqual([0, -1, 0, 1]);
    const tiny = { mean: Float32Array.of(0, 0), std: Float32Array.of(1, 1e-30) };
    expect(refusalOf(() => standardize(table(Float32Array.of(0, 1e10), [2]), tiny))).toMatch(
      /^bad-data: x: row 0, feature 1: 10000000000 is too far from the mean 0/,
    );
    expect(refusalOf(() => standardize(table(new Float32Array(3), [3]), s))).toMatch(
      /^shape-mismatch: x has 3 features and was to be standardised by 2 means/,
    );
  });

  test('takes images by the channel, in units of value / 255 where they are bytes', () => {
    const bytes = Uint8Array.of(0, 10, 255, 20, 255, 10, 0, 20);
    // [2, 1, 2] of one channel: all eight are draws of one quantity.
    const { mean, std } = standardizationOf(table(bytes, [1, 4]));
    expect([...mean]).toEqual(new Array(4).fill(Math.fround(570 / 8 / 255)));
    expect(new Set(std).size).toBe(1);
    const colors = standardizationOf(table(Uint8Array.of(0, 51, 102, 255, 51, 0), [1, 2, 3]));
    const thirds = [127.5, 51, 51].map((x) => Math.fround(x / 255));
    expect([...colors.mean]).toEqual([...thirds, ...thirds]);
    expect(colors.std[1]).toBe(1);
  });

  test('is part of a model folder', () => {
    const values = settleRun('vae', [assignments('vae', ['latent=2', 'encoder.hidden=3'])], {
      isContinuous: true,
    });
    const described = { shape: [2], standardized: true };
    const { model: config } = runConfig('vae', described, values);
    expect(config.data).toEqual(described);
    expect(readModelJson(modelJson(config)).config).toEqual(config);
    const wrong = modelJson(config).replace('"standardized": true', '"standardized": "yes"');
    expect(refusalOf(() => readModelJson(wrong, 'm'))).toMatch(/m: data.standardized is "yes"/);

    const model = buildModel(config);
    const weights = new Map(model.parameters().map((p) => [p, new Float32Array(p.size)] as const));
    const s = { mean: Float32Array.of(1, 2), std: Float32Array.of(3, 4) };
    const bytes = writeWeights(weights, s);
    expect(readWeights(model, bytes, 'w', true)).toMatchObject({ standardization: s, extra: [] });
    const plain = readWeights(model, bytes, 'w');
    expect(plain.standardization).toBeUndefined();
    expect(plain.extra.sort()).toEqual(['standardize.mean', 'standardize.std']);
    const refuse = (given?: typeof s) =>
      refusalOf(() => readWeights(model, writeWeights(weights, given), 'w', true));
    expect(refuse()).toMatch(/bad-format: w: tensor 'standardize.mean' is missing/);
    expect(refuse({ mean: s.mean, std: Float32Array.of(1) })).toMatch(/has shape \[1\]/);
    expect(refuse({ mean: s.mean, std: Float32Array.of(1, 0) })).toMatch(/holds 0 at element 1/);
  });

  test('asks for a normal decoder, and so do vectors of numbers', () => {
    const settled = (texts: string[], isContinuous = false) =>
      settleRun('vae', [assignments('vae', texts)], { isContinuous });
    expect(settled([]).get('likelihood.kind')).toBe('bernoulli');
    expect(settled([], true).get('likelihood.kind')).toBe('normal');
    expect(settled(['likelihood.sigma=pixel'], true).get('likelihood.sigma')).toBe('pixel');
    expect(settled(['likelihood.kind=bernoulli'], true).get('likelihood.kind')).toBe('bernoulli');
    for (const kind of ['bernoulli', 'categorical']) {
      const asked = ['standardize=true', `likelihood.kind=${kind}`];
      expect(refusalOf(() => settled(asked, true))).toBe(
        `bad-config: likelihood.kind is ${kind}, and standardised data need a normal or student-t one; leave out one of them`,
      );
    }
    expect(refusalOf(() => settled(['standardize=true', 'binarize=static'], true))).toMatch(
      /binarize is static, and standardised data are not binarised/,
    );
    expect(
      settleData([assignments('vae', ['holdOut=0.1', 'standardize=true', 'latent=3'])]),
    ).toEqual({
      holdOut: 0.1,
      standardize: true,
    });
    expect(refusalOf(() => settleData([assignments('vae', ['holdOut=-1'])]))).toMatch(
      /holdOut is -1/,
    );
  });
});

describe('pictures of vectors', () => {
  test.each([1, 2, 7, 200])('of %i features are points in the plane', (width) => {
    const random = new Random(2, 0, 0);
    const rows = () => Float32Array.from({ length: 30 * width }, () => random.normal());
    const { width: across, height, channels, data } = cloudPicture(rows(), rows(), width);
    expect([across, height, channels]).toEqual([799, 706, 3]);
    // Blue and orange: both kinds are there.
    const has = (r: number, g: number, b: number) =>
      data.some((value, i) => value === r && data[i + 1] === g && data[i + 2] === b);
    expect(has(37, 99, 201) && has(232, 113, 10)).toBe(true);
  });
});

describe('the command line', () => {
  const SMALL = '--set encoder.hidden=16 decoder.hidden=16 latent=2';
  const cli = (line: string): Promise<Run> => perform(line.split(' ').filter(Boolean), folder);
  const works = async (line: string): Promise<Run> => {
    const run = await cli(line);
    expect(run.code, `${line}\n${run.stderr}`).toBe(0);
    return run;
  };
  const json = async (line: string) => JSON.parse((await works(`${line} --json`)).stdout);
  const model = async (name: string) =>
    JSON.parse(await readFile(here(name, 'model.json'), 'utf8'));
  const record = async (name: string) =>
    JSON.parse(await readFile(here(name, 'training.json'), 'utf8'));
  const tensors = async (name: string) =>
    readSafetensors(await readFile(here(name, 'weights.safetensors'))).tensors;

  /** A table whose second feature is a hundred times the noise of the first. */
  const rows = (scale: number) => {
    const random = new Random(9, 0, 0);
    return Array.from({ length: 120 }, () => {
      const z = random.normal();
      return [8 + z, 300 * z + 10, random.normal()].map((x) => scale * Math.fround(x)).join();
    });
  };

  beforeAll(async () => {
    await store('table.csv', `a,b,c\n${rows(1).join('\n')}\n`);
    await store('scaled.csv', `a,b,c\n${rows(8).join('\n')}\n`);
    await store('test.csv', rows(1).slice(0, 25).join('\n'));
  }, 120_000);

  test('trains on a standardised table, and evaluates in its units', async () => {
    const options = `--standardize --hold-out 20 --batch 20 --epochs 2 ${SMALL}`;
    const run = await json(`train vae --data table.csv ${options} --out table`);
    expect(await model('table')).toMatchObject({
      data: { shape: [3], name: 'table.csv', standardized: true },
      likelihood: { kind: 'normal', sigma: 'shared' },
    });
    expect(await record('table')).toMatchObject({
      config: { standardize: true, holdOut: 20, binarize: 'none' },
      data: { data: here('table.csv'), standardize: true, count: 100, shape: [3] },
    });
    const held = await tensors('table');
    const std = held.get('standardize.std')?.data as Float32Array;
    expect(std[1]).toBeGreaterThan(200);
    expect(held.get('standardize.mean')?.shape).toEqual([3]);
    // Beside samples and reconstructions stands which colour is the data and which the model.
    for (const [name, wide] of Object.entries({
      samples: 799,
      reconstructions: 799,
      latent: 730,
    })) {
      const { width, height } = decode(await readFile(here('table', `${name}.png`)));
      expect([width, height], name).toEqual([wide, 706]);
    }

    // The same data in other units: the same training, and densities that differ by the units.
    const scaled = await json(`train vae --data scaled.csv ${options} --out scaled`);
    const shift = 3 * Math.log(8);
    expect(scaled.negativeElbo - run.negativeElbo).toBeCloseTo(shift, 4);
    expect(scaled.loss - run.loss).toBeCloseTo(shift, 4);
    for (const [name, { data }] of await tensors('scaled')) {
      if (!name.startsWith('standardize')) expect(data, name).toEqual(held.get(name)?.data);
    }

    const own = await json('eval table --samples 20');
    expect(own).toMatchObject({ data: 'table.csv', count: 20, binarization: 'none' });
    const other = await json('eval table --data test.csv --samples 0');
    expect(other).toMatchObject({ data: 'test.csv', count: 25 });
    expect((await cli('eval table --binarize static')).stderr).toMatch(
      /binarize is static, and standardised data are not binarised/,
    );
    await store('far.csv', 'a,b,c\n1,2,3\n1e30,-1e30,1e30\n');
    expect((await works('score table --data far.csv --out far.npy')).stderr).toMatch(
      /log p\(x\) of 1 of 2 rows is no number, first of row 1: such rows lie further out/,
    );
    await works('sample table --count 400 --draw --out s.npy');
    const drawn = await load(here('s.npy'), { range: 'any' });
    expect(drawn).toMatchObject({ count: 400, shape: [3] });
    const drawnStd = standardizationOf(drawn).std;
    expect(drawnStd[1]).toBeGreaterThan(100);
    expect(drawnStd[1]).toBeLessThan(1000);
  });

  test('goes on with a standardised run as if it had not stopped', async () => {
    const options = `--data table.csv --test test.csv --standardize --batch 20 ${SMALL}`;
    await works(`train vae ${options} --epochs 2 --out whole`);
    await works(`train vae ${options} --epochs 1 --out parts`);
    await works('train vae --resume --epochs 2 --out parts');
    const bytes = (name: string) => readFile(here(name, 'weights.safetensors'));
    expect(await bytes('parts')).toEqual(await bytes('whole'));
    expect(await json('eval parts --samples 0')).toMatchObject({ data: 'test.csv', count: 25 });
    const refused = await cli('train vae --resume --epochs 3 --out parts --set standardize=false');
    expect(refused.stderr).toMatch(/standardize is true in parts and cannot become false/);
  });

  test('trains on a folder of colour images that are not square', async () => {
    const names = Array.from({ length: 24 }, (_, i) => `${i}.png`);
    await images('colors', names, [6, 9, 3]);
    const run = await json(`train vae --data colors --hold-out 0.25 --batch 6 --steps 3 ${SMALL}`);
    expect(run).toMatchObject({ folder: 'runs/colors-vae', binarization: 'resampled' });
    const out = 'runs/colors-vae';
    expect((await model(out)).data).toEqual({ shape: [6, 9, 3], name: 'colors' });
    expect((await record(out)).data).toMatchObject({ data: here('colors'), count: 18 });
    const samples = decode(await readFile(here(out, 'samples.png')));
    expect(samples.channels).toBe(3);
    expect((samples.width - 2) / 10 - 2).toBe(6 * 9);
    expect((samples.height - 2) / 10 - 2).toBe(6 * 6);
    expect(await json(`eval ${out} --samples 0`)).toMatchObject({ count: 6 });
    expect(await json(`eval ${out} --samples 0 --split train`)).toMatchObject({ count: 18 });
    await works(`train vae --data colors --standardize --batch 6 --steps 3 ${SMALL} --out std`);
    expect((await tensors('std')).get('standardize.std')?.shape).toEqual([162]);
  });

  test('keeps a column of labels apart, and remembers it', async () => {
    const random = new Random(3, 0, 0);
    const lines = Array.from({ length: 60 }, (_, i) =>
      [random.uniform(), ['no', 'yes'][i % 2], random.uniform()].join(),
    );
    await store('labelled.csv', `p,answer,q\n${lines.join('\n')}\n`);
    await store('unlabelled.csv', 'p,q\n0.5,0.25\n0,1\n');
    const options = `--data labelled.csv --batch 20 --steps 3 ${SMALL}`;
    const plain = await cli(`train vae ${options} --out words`);
    expect(plain.stderr).toContain('--label-column answer sets it apart as classes');
    expect((await model('words')).data.shape).toEqual([4]);
    await works(`train vae ${options} --out labelled --label-column answer`);
    expect((await model('labelled')).data.shape).toEqual([2]);
    expect((await record('labelled')).data).toMatchObject({ labelColumn: 'answer', count: 60 });
    // With a legend beside the plot, of the two classes.
    expect(decode(await readFile(here('labelled', 'latent.png'))).width).toBe(774);
    const own = await json('eval labelled --split train --samples 0');
    expect(own).toMatchObject({ count: 60 });
    const other = await json('eval labelled --data unlabelled.csv --samples 0');
    expect(other).toMatchObject({ count: 2 });
    expect((await cli('train vae --data digits --label-column x')).stderr).toMatch(
      /digits is no table, so that there is no column x; labels are those of a table/,
    );
  });

  test('refuses what it cannot train on, and writes nothing', async () => {
    const refuse = async (line: string, why: RegExp | string) => {
      const run = await cli(`train vae ${line} --out never`);
      expect([run.code, run.stdout]).toEqual([2, '']);
      expect(run.stderr.trim().split('\n')).toHaveLength(1);
      expect(run.stderr).toMatch(why);
    };
    await refuse(
      '--data table.csv',
      /table.csv: values range from -\S+ to \S+, not within \[0, 1\]; train with --standardize/,
    );
    await refuse('--data table.csv --standardize --set likelihood.kind=bernoulli', /need a normal/);
    await refuse(
      '--data test.csv --standardize --batch 26',
      /batch is 26 and test.csv has 25 rows/,
    );
    await refuse('--data test.csv --standardize --limit 1', /batch is 100 and test.csv has 1 row /);
    await refuse('--data test.csv --standardize --hold-out 25', /cannot hold out 25 of 25 rows/);
    await refuse('--data test.csv --hold-out 1.5', /a fraction below 1 or a whole number of rows/);
    await refuse('--data test.csv --limit 0', /whole number of at least 1/);
    await refuse('--data digits --test table.csv', /table.csv: values range/);
    await store('unit.csv', '0.5,0.25\n0.125,1\n');
    await refuse('--data unit.csv --batch 2 --binarize resampled', /goes with a Bernoulli decoder/);
    await refuse('--data digits --test unit.csv', /unit.csv has data points of \[2\]/);
    expect(await readdir(folder)).not.toContain('never');
  });
});
