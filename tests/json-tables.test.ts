// Tables as JSON, as pandas, Python's json and interfaces of the web write them: the same rows in the same order,
// with the digits that the file has.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadData } from '../src/data/load.node.ts';
import { readRecords } from '../src/formats/records.ts';
import type { LabelColumn, TableOptions } from '../src/formats/table/options.ts';
import { refusalOf } from './support/refusal.ts';

const read = (text: string, options?: TableOptions, labels?: LabelColumn) =>
  readRecords(new TextEncoder().encode(text), 't.json', labels, options);
const shapeOf = (text: string, options?: TableOptions) => {
  const { names, values } = read(text, options);
  return [names, [...values]];
};

test.each([
  ['columns', '{"a":{"5":1.5,"26":2,"3":3},"b":{"5":4,"26":5,"3":6}}'],
  ['columns of numbers', '{"7":{"5":1.5,"26":2,"3":3},"4":{"5":4,"26":5,"3":6}}'],
  ['rows', '{"5":{"a":1.5,"b":4},"26":{"a":2,"b":5},"3":{"a":3,"b":6}}'],
])('rows of shuffled data keep their order: %s', (_, text) => {
  expect([...read(text).values]).toEqual([1.5, 4, 2, 5, 3, 6]);
});

test('of columns and rows that may be either, the way is said', () => {
  const { names, remarks } = read('{"r0":{"a":1,"b":2},"r1":{"a":3,"b":4},"r2":{"a":5,"b":7}}');
  expect(names).toEqual(['r0', 'r1', 'r2']);
  expect(remarks[0]).toContain('is taken for 3 columns ("r0", "r1" …) of 2 rows; if these are');
  expect(read('{"a":{"r0":1,"r1":3,"r2":5},"b":{"r0":2,"r1":4,"r2":7}}').remarks).toEqual([]);
});

test("pandas' index is left out of orient='table', and one with a name is not", () => {
  const table = (key: string) =>
    `{"schema":{"fields":[],"primaryKey":["${key}"]},"data":[{"${key}":4,"a":1.5},{"${key}":2,"a":2.5}]}`;
  expect(shapeOf(table('index'))).toEqual([['a'], [1.5, 2.5]]);
  expect(shapeOf(table('house'))).toEqual([
    ['house', 'a'],
    [4, 1.5, 2, 2.5],
  ]);
});

test.each([
  ['a list', '[1.5,2,-3]'],
  ['numbers of rows', '{"0":1.5,"1":2,"2":-3}'],
  ['an index beside it', '{"name":"a","index":[0,1,2],"data":[1.5,2,-3]}'],
])('a series is one column: %s', (_, text) => {
  expect(shapeOf(text)).toEqual([undefined, [1.5, 2, -3]]);
});

test('a first row of names names the columns', () => {
  expect(shapeOf('[["a","b"],["1.5","2"],["3","4"]]')).toEqual([
    ['a', 'b'],
    [1.5, 2, 3, 4],
  ]);
  expect(shapeOf('["a","b"]\n[1.5,2]\n[3,4]\n')[0]).toEqual(['a', 'b']);
  expect(shapeOf('{"columns":[0,1],"data":[[1.5,2],[3,4]]}')[0]).toEqual(['0', '1']);
});

test('whole numbers that float64 does not hold are refused, and kept where they name classes', () => {
  const text = '[{"id":9007199254740993,"a":0.1234567890123456789},{"id":9007199254740992,"a":2}]';
  expect(refusalOf(() => read(text))).toContain(
    'holds 9007199254740993, a whole number beyond 2^53 that float64 does not hold',
  );
  const { classes, values } = read(text, {}, { name: 'id' });
  expect(classes).toEqual(['9007199254740992', '9007199254740993']);
  expect([...values]).toEqual([Number('0.1234567890123456789'), 2]);
  expect(read('{"a 12345678901234567":1}\n{"a 12345678901234567":2}').names).toEqual([
    'a 12345678901234567',
  ]);
});

test("Python's NaN is missing, and its Infinity no number", () => {
  const text = '{"a": NaN, "b": "NaN or so"}\n{"a": 2, "b": "x"}\n';
  const { values, classes } = read(text, { takesMissing: true }, { name: 'b' });
  expect([...values]).toEqual([Number.NaN, 2]);
  expect(classes).toEqual(['NaN or so', 'x']);
  expect(refusalOf(() => read('[{"a": -Infinity},{"a": 2}]'))).toContain('holds "-Infinity"');
});

test('is read in the encoding that is said, and UTF-16 by its mark', async () => {
  const latin = Uint8Array.from('[{"gr\u00f6\u00dfe":1.5}]', (c) => c.charCodeAt(0));
  expect(refusalOf(() => readRecords(latin, 't.json'))).toContain('--encoding windows-1252');
  expect(readRecords(latin, 't.json', undefined, { encoding: 'windows-1252' }).names).toEqual([
    'größe',
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'latentgpu-json-'));
  try {
    const data = join(folder, 'a.jsonl');
    await writeFile(data, '\ufeff{"a":0.5}\n{"a":1}\n', 'utf16le');
    expect((await loadData({ data, split: 'train' })).columns).toEqual(['a']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
