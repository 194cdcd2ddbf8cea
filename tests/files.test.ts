// Files of data as other programs leave them: archives of arrays, Parquet, JSON, a zip of one file.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Zippable, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DataSpec } from '../src/data/data-spec.node.ts';
import { loadData } from '../src/data/load.node.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { edits, mutate } from './support/mutate.ts';
import { perform } from './support/perform.ts';
import { refusal } from './support/refusal.ts';

/** Mutated files; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const RUNS = 300 * Number(process.env.LATENTGPU_FUZZ ?? 1);
vi.setConfig({ testTimeout: 120_000 + 20 * RUNS });

const FIXTURES = join(import.meta.dirname, 'fixtures');
const npz = (name: string) => join(FIXTURES, 'npz', `${name}.npz`);
const parquet = (name: string) => join(FIXTURES, 'parquet', `${name}.parquet`);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function store(name: string, content: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** What is loaded, and what was said of it, without the folder. */
async function load(data: string, more: Partial<DataSpec> = {}) {
  const remarks: string[] = [];
  const onRemark = (text: string) => remarks.push(text.slice(text.indexOf(basename(data))));
  const found = await loadData({ data, split: 'train', range: 'any', onRemark, ...more });
  return { ...found, remarks };
}
const refused = async (data: string, more: Partial<DataSpec> = {}) =>
  (await refusal(load(data, more))).replace(`${folder}/`, '').replace(`${FIXTURES}/`, '');

const floats = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return writeNpy(
    Float32Array.from({ length: size }, (_, i) => i % 3),
    shape,
  );
};
/** A 2 × 2 matrix as NumPy saves it. */
function npyOf(descr: string, data: ArrayBufferView): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (2, 2), }`.padEnd(117);
  const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0);
  return Buffer.concat([magic, Buffer.from(`${header}\n`), Buffer.from(data.buffer)]);
}
/** An archive of arrays of these shapes. */
const archive = (name: string, shapes: Record<string, readonly number[]>) =>
  store(
    name,
    zipSync(
      Object.fromEntries(
        Object.entries(shapes).map(([k, shape]) => [`${k}.npy`, floats(...shape)]),
      ),
    ),
  );

test.each([
  ['i8', BigInt64Array.of(2n ** 53n + 1n, 2n, 3n, 4n), 9007199254740993n],
  ['u8', BigUint64Array.of(1n, 2n, 3n, 2n ** 64n - 1n), 18446744073709551615n],
])('whole numbers that float64 does not hold are refused: %s', async (type, data, what) => {
  for (const more of [{ range: 'any' }, { windows: { window: 2 } }] as const) {
    const path = await store(`${type}.npy`, npyOf(`<${type}`, data));
    expect(await refused(path, more)).toContain(`holds ${what}, a whole number beyond 2^53`);
  }
});

test('a table that is gzipped in a zip archive is read, and an archive in an archive told', async () => {
  const table = gzipSync(new TextEncoder().encode('a,b\n0.5,1\n1,0\n'));
  const packed = await store('t.zip', zipSync({ 't.csv.gz': new Uint8Array(table) }));
  expect([...(await load(packed)).data]).toEqual([0.5, 1, 1, 0]);
  const twice = await store('u.zip', zipSync({ 't.zip': zipSync({ 't.csv': new Uint8Array(9) }) }));
  expect(await refused(twice)).toMatch(/u\.zip is a zip archive in another; unpack it/);
});

describe('archives of arrays', () => {
  test.each(['stored', 'deflated'])(
    '%s by numpy: the split by its name, with its classes',
    async (name) => {
      const train = await load(npz(name));
      expect(train).toMatchObject({ count: 6, shape: [2, 2], hasTest: true, classes: 3 });
      expect(train.classNames).toEqual(['1', '2', '3']);
      expect([...(train.labels ?? [])]).toEqual([2, 0, 1, 1, 0, 2]);
      const squares = Array.from({ length: 24 }, (_, i) => (5 * i * i) % 23);
      expect([...train.data]).toEqual(squares);
      expect(train.remarks).toEqual([
        `${name}.npz: array x_train [6,2,2] is taken for the data, and y_train for the classes; --array x_test would take that one`,
      ]);
      const held = await load(npz(name), { split: 'test', classes: ['1', '2', '3'] });
      expect(held).toMatchObject({ count: 2, shape: [2, 2] });
      expect([...held.data]).toEqual(squares.slice(16));
      expect([...(held.labels ?? [])]).toEqual([0, 2]);
    },
  );

  test('with classes by name', async () => {
    const { classNames, labels, data } = await load(npz('named'));
    expect(classNames).toEqual(['é', 'fig']);
    expect([...(labels ?? [])]).toEqual([1, 0, 1, 1, 0, 1]);
    expect(data[9]).toBe(14 / 8);
  });

  test.each<
    [string, Record<string, readonly number[]>, Partial<DataSpec>, readonly number[], boolean]
  >([
    ['the only one', { anything: [5, 2] }, {}, [5, 2], false],
    ['the first of two without names', { arr_0: [5, 2], arr_1: [5] }, {}, [5, 2], true],
    [
      "MedMNIST's",
      { train_images: [5, 2, 2], train_labels: [5, 1], test_images: [3, 2, 2] },
      {},
      [5, 2, 2],
      true,
    ],
    [
      'its test',
      { train_images: [5, 2], test_images: [3, 2], val_images: [4, 2] },
      { split: 'test' },
      [3, 2],
      false,
    ],
    ['another file of a test', { x: [5, 2], y: [5] }, { split: 'test' }, [5, 2], true],
    ['the only table of numbers', { codes: [5, 2], loss: [40] }, {}, [5, 2], false],
    ['classes of another length are none', { x: [5, 2], y: [4] }, {}, [5, 2], false],
    ['what was asked for', { a: [5, 2], b: [5, 3] }, { array: { name: 'b' } }, [5, 3], false],
    [
      'the counterpart of what was asked for',
      { A_train: [5, 2], A_test: [4, 2], B_train: [5, 3], B_test: [3, 3] },
      { split: 'test', array: { name: 'B_train', isOptional: true } },
      [3, 3],
      false,
    ],
    [
      'classes that were asked for',
      { x: [5, 2], group: [5] },
      { labelColumn: { name: 'group' } },
      [5, 2],
      true,
    ],
  ])('%s', async (_, shapes, more, shape, isLabelled) => {
    const { count, labels, ...found } = await load(await archive('a.npz', shapes), more);
    expect([count, ...found.shape]).toEqual(shape);
    expect(labels !== undefined).toBe(isLabelled);
  });

  test('series are a row of numbers', async () => {
    const path = await archive('s.npz', { values: [40] });
    expect(await load(path, { windows: { window: 10 } })).toMatchObject({ shape: [10] });
  });

  test('leave no doubt, or are refused', async () => {
    const two = await archive('two.npz', { a: [5, 2], b: [5, 3] });
    expect(await refused(two)).toBe(
      'bad-input: two.npz holds several arrays, a [5,2], b [5,3]; say which is the data, --array a',
    );
    expect(await refused(two, { array: { name: 'A' } })).toMatch(
      /^bad-input: two.npz has no array "A" \(--array\); did you mean "a"\? It holds a \[5,2\], b/,
    );
    const hot = await archive('hot.npz', { x: [5, 2], y: [5, 3] });
    expect(await refused(hot, { labelColumn: { name: 'y' } })).toMatch(
      /array y is \[5,3\], and no class a row of x \[5,2\]; of one column a class, save y.argmax\(1\)$/,
    );
    expect(await refused(hot, { table: { drop: ['a'] } })).toMatch(/is no table, so that/);
    expect(await refused(npz('objects'))).toMatch(/holds Python objects, which are pickled/);
    const sparse = await archive('sparse.npz', { indices: [5], data: [5], shape: [2], format: [] });
    expect(await refused(sparse)).toMatch(/is a sparse matrix of SciPy; save scipy\.sparse\.load_/);
    const table = await store('t.csv', 'a,b\n1,2\n3,5\n');
    expect(await refused(table, { array: { name: 'x' } })).toMatch(
      /^bad-input: t.csv is no archive of arrays \(.npz\), .* leave out --array$/,
    );
  });

  test('that are damaged, cut short, encrypted or too large say so', async () => {
    const whole = new Uint8Array(await readFile(npz('stored')));
    const file = (at: number, ...bytes: number[]) => {
      const copy = whole.slice();
      copy.set(bytes, at < 0 ? copy.length + at : at);
      return store('f.npz', copy);
    };
    const central = Buffer.from(whole).indexOf('PK\x01\x02', 0, 'latin1');
    expect(await refused(await store('f.npz', whole.subarray(0, -1)))).toMatch(
      /: cut short \(the list/,
    );
    expect(await refused(await store('f.npz', whole.subarray(300)))).toMatch(/is neither an IDX/);
    expect(await refused(await file(-12, 0xff, 0xff))).toMatch(
      /more than 4 GiB .* \(Zip64\); unpack it/,
    );
    expect(await refused(await file(central + 20, 255, 255, 255, 255))).toMatch(/\(Zip64\)/);
    expect(await refused(await file(central + 8, 1))).toMatch(/array x_train is encrypted; unpack/);
    expect(await refused(await file(central + 10, 12))).toMatch(/is packed by method 12/);
    expect(await refused(await file(190, 77))).toMatch(/"x_train.npy" is damaged \(its checksum/);
  });

  test(`${RUNS} mutated ones give data or one clear line`, async () => {
    const originals = await Promise.all(
      ['stored', 'deflated', 'named'].map((name) => readFile(npz(name))),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(2), edits, async (which, list) => {
        const path = await store('m.npz', mutate(originals[which] as Uint8Array, list));
        const found = await load(path).catch((error) => refusal(Promise.reject(error)));
        if (typeof found === 'string') return;
        expect(found.data.length).toBe(found.shape.reduce((a, b) => a * b, found.count));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('zip archives', () => {
  const text = (content: string) => new TextEncoder().encode(content);
  const zip = (name: string, files: Zippable) => store(name, zipSync(files));

  test('of one file are that file', async () => {
    const table = text('a,b\n1,2\n3,5\n');
    const path = await zip('t.csv.zip', { 'in/t.csv': table, '__MACOSX/._t.csv': text('x') });
    expect(await load(path)).toMatchObject({ count: 2, columns: ['a', 'b'] });
    expect(await load(await zip('x.zip', { 'x.npy': floats(3, 2) }))).toMatchObject({ count: 3 });
    const packed = await store('t.zip.gz', gzipSync(zipSync({ 't.csv': table })));
    expect(await load(packed)).toMatchObject({ count: 2 });
  });

  test.each<[string, readonly string[], RegExp]>([
    [
      'two.zip',
      ['a.csv', 'b.csv'],
      /^bad-format: two.zip is a zip archive of 2 files \(a.csv, b.csv\); unpack it/,
    ],
    [
      'b.xlsx',
      ['xl/workbook.xml', 'a.xml'],
      /is an Excel workbook; .*pd.read_excel\('\S+b.xlsx'\).to_csv\('\S+b.csv'/,
    ],
    [
      'm.pt',
      ['m/data.pkl', 'm/data/0'],
      /is a PyTorch file; .*torch.load\('\S+m.pt'\).numpy\(\)\)"$/,
    ],
    ['t.ods', ['content.xml', 'mimetype'], /is a document of LibreOffice/],
    ['none.zip', [], /is a zip archive without a file/],
  ])('%s of other things', async (name, files, why) => {
    const path = await zip(name, Object.fromEntries(files.map((file) => [file, text('x')])));
    expect((await refusal(load(path))).replace(`${folder}/two`, 'two')).toMatch(why);
  });
});

describe('Parquet', () => {
  const label: Partial<DataSpec> = { labelColumn: { name: 'kind' } };

  test('numbers of all types, in groups of rows', async () => {
    const found = await load(parquet('snappy'), {
      ...label,
      table: { drop: ['large'] },
      float64: true,
    });
    expect(found).toMatchObject({ count: 12, shape: [7], classNames: ['ant', 'bee', 'cat'] });
    expect(found.columns).toEqual(['length', 'width', 'count', 'small', 'yes', 'half', 'price']);
    const rows = Array.from({ length: 12 }, (_, i) => [
      ...[i * 0.25 - 1, Math.fround(i * 0.1), i - 3, i, Number(i % 3 === 0), i / 4, i / 4],
    ]);
    expect([...found.data]).toEqual(rows.flat());
    expect([...(found.labels ?? [])]).toEqual(rows.map((_, i) => i % 3));
  });

  test.each(['gzip', 'brotli', 'zstd', 'none'])('compressed by %s', async (codec) => {
    const { data } = await load(parquet(codec), label);
    expect([...data]).toEqual(Array.from({ length: 12 }, (_, i) => i * 0.25 - 1));
  });

  test('null is a cell that is empty, as in a table of text', async () => {
    const missing = { ...label, takesMissing: true, labelColumn: { name: 'kind', mayLack: true } };
    const [own, text] = await Promise.all(
      [parquet('holes'), parquet('holes').replace(/parquet$/, 'csv')].map((path) =>
        load(path, missing),
      ),
    );
    expect([own?.data, own?.mask, own?.labels]).toEqual([text?.data, text?.mask, text?.labels]);
    expect(await refused(parquet('holes'), label)).toBe(
      'bad-format: parquet/holes.parquet: row 2, column 1 ("length") is empty; fill it in, or remove the row, or leave the column out with --drop length',
    );
    expect(await refused(parquet('holes'), { ...label, takesMissing: true })).toMatch(
      /row 6, column 4 \("kind"\) is empty; every row needs a label: fill it in, or remove the row$/,
    );
  });

  test("pandas' index numbers the rows, and columns are put in the model's order", async () => {
    const table = { expected: ['wave', 'length'] };
    const { data, columns, remarks } = await load(parquet('index'), { ...label, table });
    expect(columns).toEqual(['wave', 'length']);
    expect([...data.subarray(0, 4)]).toEqual(
      [0, -1, 1, -0.75].map((x, i) => (i % 2 ? x : Math.fround(Math.sin(x)))),
    );
    const leftOut =
      'index.parquet: column 4 ("__index_level_0__") numbers the rows and is left out';
    expect(remarks).toEqual([leftOut, "index.parquet: its columns are put in the model's order"]);
    expect((await load(parquet('index'), label)).remarks).toEqual([leftOut]);
    expect(await refused(parquet('index'), { table: { expected: ['width'] } })).toMatch(
      /^shape-mismatch: .* has no column "width"/,
    );
  });

  test.each([
    [
      [],
      /row 0, column 2 \("when"\) holds "2020-01-01T00:00:00.000", .* with --drop when day time$/,
    ],
    [['when'], /column 3 \("day"\) holds "2020-02-28"/],
    [['when', 'day'], /column 4 \("time"\) holds "00:30:00.000"/],
    [
      ['2-4'],
      /row 0, column 5 \("id"\) holds 1152921504606846977, a whole number beyond 2\^53 .* --drop id$/,
    ],
    [['2-6', '8'], /column 7 \("place"\) is nested .*; leave it out with --drop place$/],
  ])('without %j is no table yet', async (drop, why) => {
    const nested = drop.some((name) => name.startsWith('2-')) && drop.length > 1 ? [] : ['6-8'];
    expect(await refused(parquet('others'), { table: { drop: [...drop, ...nested] } })).toMatch(
      why,
    );
  });

  const VECTORS = [0, 0, 0, 0.5, -1, 1, 1, -2, 4, 1.5, -3, 9, 2, -4, 16, 2.5, -5, 25];

  test.each([
    [{ drop: ['id', 'tokens', 'words'] }],
    [{ drop: ['1', '3', '5'] }],
    [{ columns: ['vector'] }],
    [{ columns: ['2'] }],
  ])('lists of numbers are as many columns (%j)', async (table) => {
    const found = await load(parquet('lists'), { ...label, table });
    expect(found).toMatchObject({ shape: [3], columns: ['vector.0', 'vector.1', 'vector.2'] });
    expect([...found.data].map((value) => value + 0)).toEqual(VECTORS);
    expect([...(found.labels ?? [])]).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test('of which a model takes its own', async () => {
    const { count, shape, data } = await load(parquet('lists'), {
      table: {
        expected: ['vector.2', 'vector.0'],
        known: ['id', 'tokens', 'words', 'kind', 'vector.1'],
      },
    });
    expect([count, shape, [...data].slice(0, 4)]).toEqual([6, [2], [0, 0, 1, 0.5]]);
    const one = await load(parquet('lists'), { table: { columns: ['vector.1', 'id'] } });
    expect(one).toMatchObject({ columns: ['vector.1', 'id'] });
  });

  test.each([
    [['words', 'kind'], /row 1, column 3 \("tokens"\) holds a list of \[2\].*--drop tokens$/],
    [['tokens', 'kind'], /column 5 \("words"\) is nested .*; leave it out with --drop words$/],
  ])('and other lists are named (without %j)', async (drop, why) => {
    expect(await refused(parquet('lists'), { table: { drop } })).toMatch(why);
  });

  test('lists of lists are images', async () => {
    const found = await load(parquet('pictures'), label);
    expect(found).toMatchObject({ count: 6, shape: [2, 3], classNames: ['a', 'b'] });
    expect([...found.data].slice(6, 12)).toEqual([1, 50, 100, 150, 200, 254]);
  });

  test("a column of images, as Hugging Face's data sets have", async () => {
    const found = await load(parquet('images'));
    expect(found).toMatchObject({ count: 6, shape: [2, 3], classNames: ['fig', 'elm', 'ash'] });
    expect([...found.data]).toEqual(Array.from({ length: 36 }, (_, i) => i));
    expect([...(found.labels ?? [])]).toEqual([2, 0, 1, 0, 2, 1]);
    expect(found.remarks).toEqual([
      'images.parquet: column image is taken for the images, and label for the classes',
    ]);
    const other = await load(parquet('images'), { labelColumn: { name: 'split' }, count: 2 });
    expect(other).toMatchObject({ count: 2, classNames: ['a'] });
    const numbers = { table: { drop: ['image', 'split'] } };
    expect(await load(parquet('images'), numbers)).toMatchObject({ columns: ['label'] });
    expect(await refused(parquet('images'), { windows: { window: 2 } })).toMatch(/holds images/);
  });

  test('of what is not read names it', async () => {
    expect(await refused(parquet('lz4'), label)).toMatch(
      /is compressed by LZ4_RAW.*compression='snappy'/,
    );
    expect(await refused(await store('e.parquet', 'PARE1234PARE'))).toMatch(
      /e.parquet: is encrypted/,
    );
    const whole = await readFile(parquet('snappy'));
    const cut = await store('c.parquet', whole.subarray(0, -9));
    expect(await refused(cut)).toMatch(/^bad-format: c.parquet: damaged or cut short/);
    expect(await refused(parquet('snappy'), { labelColumn: { name: 'Kind' } })).toMatch(
      /no column of labels "Kind" in this table, .*did you mean "kind"\?/,
    );
  });

  test(`${RUNS} mutated ones give data or one clear line`, async () => {
    const originals = await Promise.all(
      ['none', 'gzip', 'zstd', 'holes', 'images'].map((name) => readFile(parquet(name))),
    );
    const more = {
      labelColumn: { name: 'kind', isOptional: true, mayLack: true },
      takesMissing: true,
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(4), edits, async (which, list) => {
        const path = await store('m.parquet', mutate(originals[which] as Uint8Array, list));
        await load(path, more).catch((error) => refusal(Promise.reject(error)));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('JSON', () => {
  const wanted = { count: 2, shape: [2], columns: ['a', 'b'], data: Float32Array.of(1, 0.5, 2, 1) };

  test.each([
    ['a record a line', '{"a": 1, "b": 0.5}\n{"b": true, "a": 2}\n'],
    ['a list of records', '[{"a": 1, "b": 0.5},\n {"a": 2, "b": 1}]'],
    ['columns by row', '{"a": {"0": 1, "1": 2}, "b": {"0": 0.5, "1": 1}}'],
    ['rows by number', '{"0": {"a": 1, "b": 0.5}, "1": {"a": 2, "b": 1}}'],
    ['lists of columns', '{"a": [1, 2], "b": [0.5, 1]}'],
    ['names and rows', '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, 0.5], [2, 1]]}'],
    ['a list in an object', '{"data": [{"a": 1, "b": 0.5}, {"a": 2, "b": 1}]}'],
  ])('%s', async (_, text) => {
    expect(await load(await store('t.json', text))).toMatchObject(wanted);
    expect(await load(await store('t.json.gz', gzipSync(text)))).toMatchObject(wanted);
  });

  test('a list of rows has no headings', async () => {
    const { columns, data } = await load(await store('t.json', '[[1, 0.5], [2, 1]]'));
    expect(columns).toBeUndefined();
    expect(data).toEqual(wanted.data);
  });

  test('what is not there is missing, and classes are texts', async () => {
    const path = await store(
      't.jsonl',
      '{"a": 1, "k": "x"}\n{"b": 2, "a": null, "k": "y"}\n{"a": 3, "b": 4, "k": "x"}\n',
    );
    const { mask, labels } = await load(path, { labelColumn: { name: 'k' }, takesMissing: true });
    expect([...(mask ?? [])]).toEqual([1, 0, 0, 1, 1, 1]);
    expect([...(labels ?? [])]).toEqual([0, 1, 0]);
    expect(await refused(path)).toMatch(
      /t.jsonl: line 1, column 2 \("k"\) holds "x", which is no number/,
    );
  });

  test('lists of numbers are as many columns, and lists of lists images', async () => {
    const vectors = await store('v.jsonl', '{"e":[1.5,2],"k":"a"}\n{"k":"b","e":[3,4.5]}\n');
    const found = await load(vectors, { labelColumn: { name: 'k' } });
    expect(found).toMatchObject({ columns: ['e.0', 'e.1'], data: Float32Array.of(1.5, 2, 3, 4.5) });
    const rows = await store('r.jsonl', '[1.5,2]\n[3,4.5]\n');
    expect((await load(rows)).data).toEqual(Float32Array.of(1.5, 2, 3, 4.5));
    const pictures = await store('p.json', '[{"p":[[0,0.5,1]]},{"p":[[1,0.25,0]]}]');
    expect(await load(pictures)).toMatchObject({
      shape: [1, 3],
      data: Float32Array.of(0, 0.5, 1, 1, 0.25, 0),
    });
  });

  test.each([
    ['{"a": 1}\n{"a": 2\n', /line 2 is no JSON object, as the first is$/],
    ['[{"a": 1},', /is no JSON, or cut short; write records, df.to_json\(path, orient='records'\)/],
    ['[{"a": ["x"], "b": 1}]', /row 0, column 1 \("a"\) is nested \("\[\\"x\\"\]"\).*--drop a$/],
    [
      '[{"a": [1, 2]}, {"a": [1]}]',
      /row 1, column 1 \("a"\) holds a list of \[1\], and the first row one of \[2\] .*--drop a$/,
    ],
    ['[{"a": [1, 2]}, {"a": 3}]', /row 1, column 1 \("a"\) holds what is no such list/],
    ['{"a": 1, "b": {"c": 2}}', /is JSON, and no table/],
    ['[[1, 2], [3]]', /is JSON, and no list of records, or of rows of one length/],
  ])('%j is refused', async (text, why) => {
    expect(await refused(await store('t.json', text))).toMatch(why);
  });
});

test('what else people have is refused with the command that mends it', async () => {
  for (const [name, begins, why] of [
    ['a.h5', '\x89HDF\r\n', "h5py.File('a.h5')['NAME'][()]"],
    ['a.mat', 'MATLAB 5.0 MAT-file', "scipy.io.loadmat('a.mat')['NAME']"],
    ['a.feather', 'ARROW1\0\0', "pd.read_feather('a.feather').to_csv('a.csv', index=False)"],
    ['a.pkl', '\x80\x05x', "pd.read_pickle('a.pkl').to_csv('a.csv', index=False)"],
    ['a.dta', 'r\x02\x01\0', "pd.read_stata('a.dta').to_csv('a.csv', index=False)"],
    ['a b.xls', '\xd0\xcf\x11\xe0', "pd.read_excel('FILE').to_csv('FILE.csv', index=False)"],
  ] as const) {
    const path = await store(name, Buffer.from(begins, 'latin1'));
    expect((await refusal(load(path))).replaceAll(`${folder}/`, '')).toContain(why);
  }
});

describe('commands', () => {
  const works = async (line: string) => {
    const { code, stdout, stderr } = await perform(line.split(' '), folder);
    expect([code, stderr]).toEqual([0, stderr]);
    return stdout + stderr;
  };
  const record = async (run: string) =>
    JSON.parse(await readFile(join(folder, run, 'training.json'), 'utf8')).data;

  test('an archive is trained on, its test split evaluated on, and another array asked for', async () => {
    const size = '--set latent=2 encoder.hidden=4 decoder.hidden=4';
    await works(
      `train vae --data ${npz('stored')} --standardize --epochs 1 --batch 3 ${size} --out vae`,
    );
    expect(await record('vae')).toMatchObject({ test: npz('stored'), classes: ['1', '2', '3'] });
    expect(await works('eval vae --samples 2')).toMatch(/stored.npz, 2 rows/);
    expect(await works('encode vae --split train --out c.npy')).toMatch(/\[6, 2\] of stored.npz/);
    expect(await works('encode vae --split train --array x_test --out c.npy')).toMatch(
      /\[2, 2\] of/,
    );
    await works(
      `train vae --data ${npz('stored')} --standardize --epochs 2 --batch 3 --out vae --resume`,
    );
    const held = `train ppca --data ${npz('stored')} --array x_train --standardize --hold-out 2`;
    await works(`${held} --set latent=1 --out held`);
    expect(await record('held')).toMatchObject({ array: 'x_train', count: 4 });
    expect((await record('held')).test).toBeUndefined();
    expect(await works('eval held')).toMatch(/stored.npz, 2 rows/);
  });

  test('Parquet is trained on, and asked about in another order', async () => {
    await works(
      `train ppca --data ${parquet('index')} --label-column kind --standardize --hold-out 3 --set latent=1 --out pca`,
    );
    expect(await record('pca')).toMatchObject({
      labelColumn: 'kind',
      leftOut: ['__index_level_0__'],
    });
    const path = await store('o.json', '[{"wave": 1, "length": 0.5}, {"wave": 2, "length": 0.25}]');
    expect(await works(`score pca --data ${path} --out s.npy`)).toMatch(/put in the model's order/);
    expect(await works('sample pca --count 3 --out x.npy')).toMatch(/x.npy: 3 means of \[2\]/);
  });
});
