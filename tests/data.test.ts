import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { arrayDataset, type StoredArray } from '../src/data/arrays.ts';
import { checkDataset, type ImageDataset, type ValueRange } from '../src/data/dataset.ts';
import { digits } from '../src/data/digits.ts';
import { type DataSpec, loadData } from '../src/data/load.node.ts';
import { loadMnist } from '../src/data/mnist.node.ts';
import { datasetOf } from '../src/data/own.ts';
import { select, split, take } from '../src/data/parts.ts';
import { gunzip } from '../src/formats/gzip.ts';
import { writeIdx } from '../src/formats/idx.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { sha256 } from '../src/formats/sha256.ts';
import { philox4x32, Random } from '../src/random.ts';
import { mnistFiles, ofMnist } from './support/mnist.ts';

const DIGEST_IMAGES = '56c816a98a5b9732f3b7abea2b636f5997d921273fa3b701ca1ecd27c99c936e';
const DIGEST_LABELS = '99e4156d835c80b958e61f72c72927b47e3ab6dcd5b5ac2bc2996349c8d96333';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-data-'));
});
beforeEach(() => {
  vi.stubEnv('LATENTGPU_DATA', undefined);
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'LatentGpuError' });
  const { message, code } = error as { message: string; code: string };
  expect(message).not.toContain('\n');
  return `${code}: ${message}`;
};

describe('data of a program', () => {
  test('are rows of numbers, with holes and classes', () => {
    const rows = [0.5, -3, 2, Number.NaN, 7, 1];
    const data = datasetOf(rows, [2], { name: 'mine', labels: [2, 0, 2] });
    expect(data).toMatchObject({ name: 'mine', count: 3, shape: [2], classes: 3 });
    expect([...data.data]).toEqual([0.5, -3, 2, 0, 7, 1]);
    expect([...(data.mask ?? [])]).toEqual([1, 1, 1, 0, 1, 1]);
    expect([...(data.labels ?? [])]).toEqual([2, 0, 2]);
    expect(rows[3], 'what was given stays').toBeNaN();
    const images = datasetOf(Uint8Array.of(0, 255, 9, 8), [2, 1], { classNames: ['a', 'b'] });
    expect(images.data).toEqual(Uint8Array.of(0, 255, 9, 8));
    expect(images.mask).toBeUndefined();
    expect(images.classNames).toEqual(['a', 'b']);
  });

  test.each([
    ['no whole rows', [1, 2, 3], [2], {}, /3 values make no whole rows of \[2\], 2 each/],
    ['none at all', [], [2], {}, /0 values make no whole rows/],
    ['rows in rows', [[1, 2] as never], [1], {}, /element 0 is a list, no number; .*rows\.flat/],
    ['words', ['1' as never, 2], [2], {}, /element 0 is '1', no number/],
    ['infinity', [1, 2, Number.POSITIVE_INFINITY, 4], [2], {}, /row 1, feature 0 holds Infinity/],
    ['a row of holes', [1, 2, Number.NaN, Number.NaN], [2], {}, /row 1 .* are missing/],
    ['a column of holes', [1, Number.NaN, 2, Number.NaN], [2], {}, /feature 1 are missing/],
    ['too few labels', [1, 2], [1], { labels: [0] }, /1 labels for 2 rows/],
    ['half a class', [1, 2], [1], { labels: [0, 0.5] }, /label 0\.5 is no class/],
    ['a class without a name', [1], [1], { labels: [1], classNames: ['a'] }, /not below 1/],
  ] as const)('%s', (_, values, shape, options, why) => {
    expect(() => datasetOf([...values], [...shape], options)).toThrow(why);
  });
});

describe('Philox4x32-10', () => {
  test('gives the known answers of its authors', () => {
    const hex = (words: number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join();
    expect(hex(philox4x32([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5,e169c58d,bc57ac4c,9b00dbd8');
    const ones = 0xffffffff;
    expect(hex(philox4x32([ones, ones, ones, ones], [ones, ones]))).toBe(
      '408f276d,41c83b0e,a20bc7c6,6d5451fd',
    );
    const pi = philox4x32(
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
    );
    expect(hex(pi)).toBe('d16cfe09,94fdcceb,5001e420,24126ea1');
  });

  test('uniform and normal numbers have their moments', () => {
    const random = new Random(3, 0, 0);
    const moments = (draw: () => number) => {
      const draws = Array.from({ length: 20000 }, draw);
      const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
      return [mean, variance] as const;
    };
    // Five standard errors of the mean; the variance's are smaller than its tolerance.
    const [mean, variance] = moments(() => random.uniform());
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 20000));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.003);
    const [center, spread] = moments(() => random.normal());
    expect(Math.abs(center)).toBeLessThan(5 * Math.sqrt(1 / 20000));
    expect(Math.abs(spread - 1)).toBeLessThan(0.05);
  });
});

describe('digits', () => {
  test('the first thousand images of seed 1 are the same bytes everywhere', async () => {
    const { data, labels, shape, count } = digits({ count: 1000, seed: 1 });
    expect([count, ...shape]).toEqual([1000, 28, 28]);
    expect(await sha256(data as Uint8Array)).toBe(DIGEST_IMAGES);
    expect(await sha256(labels as Uint8Array)).toBe(DIGEST_LABELS);
  });

  test('a shorter set is the beginning of a longer one', () => {
    const long = digits({ count: 50, seed: 7 });
    const short = digits({ count: 20, seed: 7 });
    expect(short.data).toEqual(take(long, 20).data);
    expect(short.labels).toEqual(take(long, 20).labels);
  });

  test('train, test and other seeds share no image', () => {
    const sets = [
      digits({ count: 300, seed: 1 }),
      digits({ count: 300, seed: 1, split: 'test' }),
      digits({ count: 300, seed: 2 }),
      digits({ count: 300, seed: 1 + 2 ** 32 }),
    ];
    const images = sets.flatMap(({ data }) =>
      Array.from({ length: 300 }, (_, i) => data.subarray(i * 784, (i + 1) * 784).join()),
    );
    expect(new Set(images).size).toBe(1200);
  });

  test('looks like MNIST: labels even, ink centred in the 20 × 20 box, as bright and as thick', () => {
    const { data, labels, count } = digits({ count: 3000, seed: 4 });
    const perClass = new Array<number>(10).fill(0);
    for (const label of labels as Uint8Array) perClass[label] = (perClass[label] as number) + 1;
    // Binomial(3000, 0.1): five standard deviations are 82.
    for (const number of perClass) expect(Math.abs(number - 300)).toBeLessThan(82);
    let ink = 0;
    let bright = 0;
    let edge = 0;
    for (let i = 0; i < count; i++) {
      let [mass, x, y] = [0, 0, 0];
      for (let p = 0; p < 784; p++) {
        const value = data[i * 784 + p] as number;
        const [row, column] = [Math.floor(p / 28), p % 28];
        mass += value;
        x += value * column;
        y += value * row;
        if (value > 250) bright++;
        if (row === 0 || row === 27 || column === 0 || column === 27) edge += value;
      }
      ink += mass;
      expect(Math.abs(x / mass - 13.5)).toBeLessThan(2.5);
      expect(Math.abs(y / mass - 13.5)).toBeLessThan(2.5);
    }
    // MNIST: mean 0.131 of full, 7 % of the pixels bright.
    expect(ink / data.length / 255).toBeGreaterThan(0.11);
    expect(ink / data.length / 255).toBeLessThan(0.15);
    expect(bright / data.length).toBeGreaterThan(0.05);
    expect(edge / ink).toBeLessThan(0.002);
  });

  test('draws at other sizes and refuses what makes no sense', () => {
    const { shape, data } = digits({ count: 3, size: 16 });
    expect(shape).toEqual([16, 16]);
    expect(data.some((value) => value > 200)).toBe(true);
    for (const wrong of [
      { count: 0 },
      { count: 1.5 },
      { count: 1, seed: -1 },
      { count: 1, size: 2 },
    ]) {
      expect(() => digits(wrong)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    }
  });
});

describe('data sets', () => {
  const numbered = (count: number): ImageDataset => ({
    name: 'numbered',
    count,
    shape: [2],
    data: Float32Array.from({ length: 2 * count }, (_, i) => i / (2 * count)),
    labels: Uint8Array.from({ length: count }, (_, i) => i),
    classes: count,
    source: 'test',
  });

  test('split holds out a fraction or a number, the same for the same seed', () => {
    const whole = numbered(20);
    for (const heldOut of [0.25, 5]) {
      const { train, test: rest } = split(whole, heldOut, 3);
      expect([train.count, rest.count]).toEqual([15, 5]);
      const both = [...(train.labels ?? []), ...(rest.labels ?? [])];
      expect(new Set(both).size).toBe(20);
      expect(rest.data[0]).toBe(whole.data[2 * ((rest.labels as Uint8Array)[0] as number)]);
      expect(split(whole, heldOut, 3).test.labels).toEqual(rest.labels);
    }
    expect(split(whole, 5, 4).test.labels).not.toEqual(split(whole, 5, 3).test.labels);
    for (const wrong of [0, -1, 20, 5.5, Number.NaN]) {
      expect(() => split(whole, wrong, 0)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    }
  });

  test('take and select keep rows and labels together', () => {
    const whole = numbered(6);
    expect(take(whole, 2, 3)).toMatchObject({ count: 2, labels: Uint8Array.of(3, 4) });
    expect(take(whole, 99).count).toBe(6);
    expect(() => take(whole, 1, 6)).toThrow(/cannot take/);
    const picked = select(whole, [5, 0]);
    expect(picked.labels).toEqual(Uint8Array.of(5, 0));
    expect(picked.data.subarray(2)).toEqual(whole.data.subarray(0, 2));
    expect(() => select(whole, [6])).toThrow(/no row 6/);
  });

  test('what is not whole or not in [0, 1] is refused with what was found', () => {
    const fault = (change: Partial<ImageDataset>) => () =>
      checkDataset({ ...numbered(3), ...change });
    expect(fault({ count: 4 })).toThrow(/4 rows of \[2\] need 8 values, there are 6/);
    expect(fault({ count: 0, data: new Uint8Array() })).toThrow(/holds no data/);
    expect(fault({ data: Float32Array.of(0, 1, 2, -3, 0, 0) })).toThrow(/range from -3 to 2/);
    expect(fault({ data: Float32Array.of(0, 1, 0, Number.NaN, 0, 0) })).toThrow(
      /row 1, feature 1 holds NaN/,
    );
    expect(fault({ labels: Uint8Array.of(0, 1) })).toThrow(/2 labels for 3 rows/);
    expect(fault({ labels: Uint8Array.of(0, 9, 1) })).toThrow(/label 9 of row 1 is not below 3/);
  });
});

describe('MNIST by its published digests', () => {
  test('another file under its name is refused: file, expected, found, remedy', async () => {
    const base = join(folder, 'tampered');
    await mkdir(base);
    const path = join(base, 't10k-images-idx3-ubyte');
    await writeFile(path, writeIdx({ shape: [1, 28, 28], data: new Uint8Array(784) }));
    const line = await refusal(loadMnist({ variant: 'mnist', split: 'test', dataDir: base }));
    expect(line).toContain(`bad-data: ${path} is not the MNIST file`);
    expect(line).toMatch(/expected 0fa7898d\w{56}, found \w{64}; .*--data-dir/);
  });

  test('a folder without the files is refused by name', async () => {
    const options = { variant: 'mnist', split: 'train', dataDir: folder } as const;
    const line = await refusal(loadMnist(options));
    expect(line).toMatch(/^bad-input: .* holds no train-images-idx3-ubyte .*--data-dir/);
  });
});

describe('MNIST', () => {
  const mnistDir = mnistFiles(() => folder);

  test.each([
    ['train', 60000, ofMnist([5, 0.1307], [8, 0.1294])],
    ['test', 10000, ofMnist([7, 0.1325], [5, 0.1282])],
  ] as const)('the %s split loads and its digests agree', async (part, count, [first, ink]) => {
    const set = await loadMnist({ variant: 'mnist', split: part, dataDir: mnistDir() });
    expect(set).toMatchObject({ name: 'mnist', count, shape: [28, 28], classes: 10 });
    expect(set.labels?.[0]).toBe(first);
    let total = 0;
    for (const value of set.data) total += value;
    expect(total / set.data.length / 255).toBeCloseTo(ink as number, 3);
  });

  test('is found through LATENTGPU_DATA, with or without a folder of its own, gzipped or not', async () => {
    const base = join(folder, 'environment');
    await mkdir(join(base, 'mnist'), { recursive: true });
    const images = await readFile(join(mnistDir(), 't10k-images-idx3-ubyte.gz'));
    await writeFile(join(base, 'mnist', 't10k-images.idx3-ubyte'), await gunzip(images));
    const labels = 't10k-labels-idx1-ubyte.gz';
    await copyFile(join(mnistDir(), labels), join(base, labels));
    vi.stubEnv('LATENTGPU_DATA', base);
    const set = await loadData({ data: 'mnist', split: 'test', count: 10 });
    expect(set).toMatchObject({ count: 10, name: 'mnist' });
  });

  test('Fashion-MNIST is told from MNIST, and checked by shape', async () => {
    const line = await refusal(
      loadMnist({ variant: 'fashion-mnist', split: 'test', dataDir: mnistDir() }),
    );
    expect(line).toMatch(/^bad-data: .* is MNIST, not Fashion-MNIST/);
    const base = join(folder, 'fashion');
    await mkdir(base);
    const store = (count: number) =>
      Promise.all([
        writeFile(
          join(base, 't10k-images-idx3-ubyte.gz'),
          gzipSync(writeIdx({ shape: [count, 28, 28], data: new Uint8Array(count * 784) })),
        ),
        writeFile(
          join(base, 't10k-labels-idx1-ubyte'),
          writeIdx({ shape: [count], data: new Uint8Array(count) }),
        ),
      ]);
    const load = () => loadData({ data: 'fashion-mnist', split: 'test', dataDir: base });
    await store(10000);
    expect(await load()).toMatchObject({ name: 'fashion-mnist', count: 10000 });
    await store(9);
    expect(await refusal(load())).toMatch(/holds \[9,28,28\], the test split .* \[10000,28,28\]/);
  });

  test('both lie side by side in folders of their own, and LATENTGPU_DATA names the one above', async () => {
    const base = join(folder, 'both');
    const images = { shape: [10000, 28, 28], data: new Uint8Array(7_840_000) };
    const labels = { shape: [10000], data: new Uint8Array(10000) };
    await mkdir(join(base, 'mnist'), { recursive: true });
    await mkdir(join(base, 'fashion-mnist'));
    for (const [name, array] of [
      ['t10k-images-idx3-ubyte', images],
      ['t10k-labels-idx1-ubyte', labels],
    ] as const) {
      await copyFile(join(mnistDir(), `${name}.gz`), join(base, 'mnist', `${name}.gz`));
      await writeFile(join(base, 'fashion-mnist', name), writeIdx(array));
    }
    for (const dataDir of [undefined, base]) {
      vi.stubEnv('LATENTGPU_DATA', dataDir ? undefined : base);
      for (const data of ['mnist', 'fashion-mnist']) {
        const set = await loadData({ data, split: 'test', ...(dataDir && { dataDir }) });
        expect(set).toMatchObject({ name: data, count: 10000, source: join(base, data) });
      }
    }
    // Of MNIST's own folder, Fashion-MNIST takes no notice, and goes on to the cache.
    vi.stubEnv('LATENTGPU_DATA', join(base, 'mnist'));
    const cacheDir = join(folder, 'kept');
    await mkdir(cacheDir);
    await rename(join(base, 'fashion-mnist'), join(cacheDir, 'fashion-mnist'));
    const kept = await loadMnist({ variant: 'fashion-mnist', split: 'test', cacheDir });
    expect(kept.source).toBe(join(cacheDir, 'fashion-mnist'));
  });
});

describe('downloading', () => {
  const mnistDir = mnistFiles(() => folder);
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  };
  const load = (cacheDir: string, mirrors: string[], timeoutMilliseconds: number) =>
    loadMnist({ variant: 'mnist', split: 'test', cacheDir, mirrors, timeoutMilliseconds });

  test('takes the first mirror with the true file, checks it and keeps it', async () => {
    const wrong = await serve((_, response) => response.end(gzipSync('something else')));
    const absent = await serve((_, response) => response.writeHead(404).end());
    const silent = await serve(() => undefined);
    const right = await serve(async (request, response) => {
      response.end(await readFile(join(mnistDir(), request.url ?? '')));
    });
    const cache = join(folder, 'downloads');
    // The right one has to answer in that time, too, whatever else the machine does.
    const set = await load(cache, [absent, wrong, silent, right], 2000);
    expect(set.count).toBe(10000);
    const kept = await readdir(join(cache, 'mnist'));
    expect(kept.sort()).toEqual(['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz']);
    const again = await load(cache, [], 0);
    expect(await sha256(again.data as Uint8Array)).toBe(await sha256(set.data as Uint8Array));
  });

  test('of Fashion-MNIST keeps only the published files', async () => {
    const wrong = await serve((_, response) => response.end(gzipSync('something else')));
    const cacheDir = join(folder, 'no-fashion');
    const options = {
      variant: 'fashion-mnist',
      split: 'test',
      cacheDir,
      mirrors: [wrong],
    } as const;
    expect(await refusal(loadMnist(options))).toMatch(
      /is not the Fashion-MNIST file: SHA-256 expected 346e55b948d9\w{52}, found \w{64}/,
    );
    await expect(readdir(cacheDir)).rejects.toThrow();
  });

  test('fails with one line that names every mirror and the ways out, and keeps nothing', async () => {
    const absent = await serve((_, response) => response.writeHead(404).end());
    const silent = await serve(() => undefined);
    const cache = join(folder, 'nothing');
    const line = await refusal(load(cache, [absent, silent, 'http://127.0.0.1:1/'], 300));
    expect(line).toMatch(/^io: mnist: no copy of t10k-images-idx3-ubyte/);
    expect(line).toMatch(/HTTP status 404; .*no answer in 0.3 s; .*--data-dir or LATENTGPU_DATA$/);
    await expect(readdir(cache)).rejects.toThrow();
  });
});

describe('loading by name or file', () => {
  const load = (data: string, more: Partial<DataSpec> = {}) =>
    loadData({ data, split: 'train', ...more });
  const store = async (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };

  test('digits', async () => {
    expect(await load('digits', { count: 30, seed: 5 })).toEqual(digits({ count: 30, seed: 5 }));
    expect((await load('digits', { split: 'test' })).count).toBe(2000);
  });

  test('IDX images of any size, gzipped, with the labels beside them', async () => {
    const data = Uint8Array.from({ length: 4 * 6 * 5 }, (_, i) => 2 * i);
    const path = await store(
      'own-images-idx3-ubyte.gz',
      gzipSync(writeIdx({ shape: [4, 6, 5], data })),
    );
    expect(await load(path)).toMatchObject({ count: 4, shape: [6, 5], data, source: path });
    const labels = Uint8Array.of(2, 0, 1, 2);
    await store('own-labels-idx1-ubyte.gz', writeIdx({ shape: [4], data: labels }));
    expect(await load(path)).toMatchObject({ labels, classes: 3 });
    await store('own-labels-idx1-ubyte.gz', writeIdx({ shape: [3], data: labels.subarray(1) }));
    expect(await refusal(load(path))).toMatch(/3 labels for 4 rows/);
    const flat = await store('flat', writeIdx({ shape: [9], data: new Uint8Array(9) }));
    expect(await refusal(load(flat))).toMatch(
      /bad-data: flat: holds \[9\], not \[count, features\]/,
    );
  });

  test('NPY matrices and stacks, with a part held out', async () => {
    const values = Float32Array.from({ length: 60 }, (_, i) => i / 60);
    const matrix = await store('matrix.npy', writeNpy(values, [10, 6]));
    expect(await load(matrix)).toMatchObject({ count: 10, shape: [6], data: values });
    const stack = await store('stack.npy', writeNpy(values, [5, 4, 3]));
    expect(await load(stack, { count: 2 })).toMatchObject({ count: 2, shape: [4, 3] });
    const train = await load(matrix, { holdOut: 0.3 });
    const rest = await load(matrix, { holdOut: 0.3, split: 'test' });
    expect([train.count, rest.count]).toEqual([7, 3]);
    const wide = await store('wide.npy', writeNpy(Float32Array.of(-1, 3), [1, 2]));
    expect(await refusal(load(wide))).toMatch(/bad-data: wide.npy: values range from -1 to 3/);
    const vector = await store('vector.npy', writeNpy(values, [60]));
    expect(await refusal(load(vector))).toMatch(/holds \[60\], not \[count, features\]/);
  });

  test('integers: bytes as grey levels, zeros and ones as themselves, others refused', () => {
    const make = (data: StoredArray['data'], range?: ValueRange) =>
      arrayDataset(
        { shape: [1, data.length], data },
        { name: 'x', source: 'x', ...(range && { range }) },
      ).data;
    expect(make(Uint8Array.of(0, 128, 255))).toEqual(Uint8Array.of(0, 128, 255));
    expect(make(Uint8Array.of(0, 1))).toEqual(Uint8Array.of(0, 255));
    expect(make(BigInt64Array.of(1n, 0n))).toEqual(Uint8Array.of(255, 0));
    expect(() => make(Int32Array.of(0, 200))).toThrow(
      /x: holds whole numbers from 0 to 200; save bytes .*, or train with --standardize/,
    );
    expect(() => make(Int16Array.of(-1, 200))).toThrow(/from -1 to 200; train with --standardize/);
    // What is to be standardised is rounded no sooner.
    expect(make(Int16Array.of(-1, 200), 'any')).toEqual(Float32Array.of(-1, 200));
    expect(make(Uint8Array.of(3, 200), 'any')).toEqual(Float32Array.of(3, 200));
    expect(make(BigUint64Array.of(3n, 2n ** 40n), 'any')).toEqual(Float64Array.of(3, 2 ** 40));
  });

  test('unknown names, absent files and wrong counts get one helpful line', async () => {
    expect(await refusal(load('mnits'))).toMatch(
      /bad-input: unknown data set 'mnits'; did you mean 'mnist'\? known: digits, mnist, fashion-mnist/,
    );
    expect(await refusal(load('./none.npy'))).toMatch(/no such file or folder: .\/none.npy; known/);

    const text = await store('notes.txt', new TextEncoder().encode('hello there'));
    expect(await refusal(load(text))).toMatch(
      /bad-format: .*notes.txt: has a header and no rows of numbers/,
    );
    expect(await refusal(load('digits', { count: 0 }))).toMatch(/whole number of at least 1/);
  });
});
