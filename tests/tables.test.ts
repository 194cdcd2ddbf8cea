import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { readCsv } from '../src/formats/csv.ts';
import { gunzip } from '../src/formats/gzip.ts';
import { idxSize, readIdxArray } from '../src/formats/idx.ts';
import { npySize, readNpy } from '../src/formats/npy.ts';
import { edits, mutate } from './support/mutate.ts';
import { refusal, refusalOf } from './support/refusal.ts';

/** Mutated files; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const FUZZ = Number(process.env.LATENTGPU_FUZZ ?? 1);
const RUNS = 10_000 * FUZZ;
vi.setConfig({ testTimeout: 60_000 * FUZZ });

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => readCsv(utf8(text), 't.csv');

describe('CSV', () => {
  test.each([
    ['commas', '1,2\n3,4\n'],
    ['semicolons', '1;2\n3;4\n'],
    ['tabs, no last line break', '1\t2\n3\t4'],
    ['lines of Windows', '1,2\r\n3,4\r\n'],
    ['lines of old', '1,2\r3,4\r'],
    ['mixed lines', '1,2\r\n3,4\n'],
    ['a byte order mark', '\ufeff1,2\n3,4\n'],
    ['quotes', '"1","2"\n"3",4\n'],
    ['spaces', ' 1 , 2\n3 ,4 \n'],
    ['blank lines', '\n1,2\n\n3,4\n\n\n'],
    ['every way of writing a number', '+1.,.2e1\n3.0E0,0.4e+1\n'],
  ])('reads %s', (_, text) => {
    const { names, rows, columns, values } = read(text);
    expect({ names, rows, columns }).toEqual({ names: undefined, rows: 2, columns: 2 });
    expect([...values]).toEqual([1, 2, 3, 4]);
  });

  test.each([
    ['names', 'a,b\n1,2\n', ['a', 'b']],
    ['quoted names with a separator in them', '"a;b","c,d"\n1,2\n', ['a;b', 'c,d']],
    ['years after a name', 'id,2019\n1,2\n', ['id', '2019']],
    ['an unnamed column beside a named one', ',b\n7.5,2\n', ['', 'b']],
    ['one column', 'height of all\n1\n', ['height of all']],
  ])('knows a header of %s', (_, text, names) => {
    expect(read(text)).toMatchObject({ names, rows: 1, columns: names.length });
  });

  test.each([
    ['', 't.csv: is empty'],
    ['\n\n', 't.csv: is empty'],
    ['a,b\n', 't.csv: has a header and no rows of numbers'],
    ['1,2\n3\n', 't.csv: line 2 has 1 column and the first row 2'],
    ['a,b\n\n1,2,3\n', 't.csv: line 3 has 3 columns and the header 2'],
    ['a,b\n1,\n', 't.csv: line 2, column 2 ("b") is empty; fill it in, or remove'],
    ['1,,3\n', 't.csv: line 1, column 2 is empty'],
    ['1,2,\n3,4,5\n', 't.csv: line 1, column 3 is empty'],
    ['1\n\n2\n', 't.csv: line 2 is empty'],
    ['1,abc\n3,4\n', 't.csv: line 1, column 2 holds "abc", which is no number'],
    ['w,h\n3,4\n5,tall\n', 't.csv: line 3, column 2 ("h") holds "tall", which is no number'],
    ['1,nan\n', 't.csv: line 1, column 2 holds "nan"; fill it in'],
    ['1,2\n-Inf,4\n', 't.csv: line 2, column 1 holds "-Inf"; fill it in'],
    ['1,2\nNA,4\n', 't.csv: line 2, column 1 holds "NA"; fill it in'],
    ['1,1e39\n', 't.csv: line 1, column 2 holds "1e39", which does not fit float32'],
    ['3,4\n0x10,2\n', 't.csv: line 2, column 1 holds "0x10", which is no number'],
    [
      'a;b\n1,5;2.5\n',
      'line 2, column 2 ("b") holds "2.5", and line 2 has "1,5"; write all decimals',
    ],
    ['"1,2\n3,4\n', 't.csv: line 1: quoted field unterminated'],
  ])('refuses %j', (text, why) => {
    expect(refusalOf(() => read(text))).toContain(why);
  });

  test('takes a column of labels out, classes in the order of their names', () => {
    const text = 'x,kind,y\n1,b,2\n3,"a, or so",4\n5,b,6\n7,10,8\n9,9,10\n';
    const table = readCsv(utf8(text), 't.csv', { name: 'kind' });
    expect(table).toMatchObject({ names: ['x', 'y'], rows: 5, columns: 2 });
    expect([...table.values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(table.classes).toEqual(['9', '10', 'a, or so', 'b']);
    expect([...(table.labels ?? [])]).toEqual([3, 2, 3, 1, 0]);
    const plain = readCsv(utf8('x,y\n1,2\n'), 't.csv', { name: 'kind', isOptional: true });
    expect(plain).toMatchObject({ columns: 2, labels: undefined });
  });

  test.each([
    ['x,y\n1,2\n', 'no column of labels "kind" in this table, whose columns are "x", "y"'],
    [
      'x,Kind\n1,2\n',
      'no column of labels "kind" in this table, whose columns are "x", "Kind"; did you mean "Kind"?',
    ],
    ['1,2\n', 'no column of labels "kind" in this table, which has no header'],
    ['kind\na\n', 'no column of labels "kind" in this table, which is the only one'],
    ['x,kind\n1,\n', 'line 2, column 2 ("kind") is empty; every row needs a label'],
    ['x,kind\nb,1\n', 'line 2, column 1 ("x") holds "b", which is no number; name a column of'],
  ])('refuses the labels of %j', (text, why) => {
    const line = refusalOf(() => readCsv(utf8(text), 't.csv', { name: 'kind' }));
    expect(line).toContain(`t.csv: ${why}`);
  });

  test('reads a table of many pieces, and counts their lines', () => {
    const rows = 400_000;
    const lines = Array.from({ length: rows }, (_, i) => `${i}.25,"-${i}",1e-3`);
    const text = `a,b,c\n${lines.join('\n')}\n`;
    expect(text.length).toBeGreaterThan(2 * 2 ** 22);
    const table = read(text);
    expect([table.rows, table.columns]).toEqual([rows, 3]);
    const wrong = table.values.findIndex((value, at) => {
      const i = Math.floor(at / 3);
      return value !== [i + 0.25, -i, 1e-3][at % 3];
    });
    expect(wrong).toBe(-1);
    expect(refusalOf(() => read(`${text}1,2,x\n`))).toContain(`line ${rows + 2}, column 3 ("c")`);
  });

  test('gives back every number that float32 holds, in any separator', () => {
    const cell = fc.float({ noNaN: true, noDefaultInfinity: true });
    const table = fc.integer({ min: 1, max: 4 }).chain((columns) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), {
        minLength: 1,
        maxLength: 5,
      }),
    );
    fc.assert(
      fc.property(table, fc.constantFrom(',', ';', '\t'), fc.boolean(), (rows, mark, isQuoted) => {
        const shown = (x: number) => (isQuoted ? `"${x}"` : `${x}`);
        const text = rows.map((row) => row.map(shown).join(mark)).join('\n');
        const { values } = readCsv(utf8(text), 't.csv', undefined, { header: 'no' });
        expect([...values]).toEqual(rows.flat().map((x) => Number(String(x))));
      }),
    );
  });

  test(`${RUNS} mutated tables give finite numbers or one clear line`, () => {
    const originals = [
      'a,b,c\n1.5,-2,3e4\n0.25,7,-8\n9,10,11\n',
      '"1";"2"\r\n"3";"4"\r\n',
      '1\t2\t3\n4\t5\t6',
    ].map(utf8);
    const check = (which: number, list: Parameters<typeof mutate>[1]) => {
      const bytes = mutate(originals[which] as Uint8Array, list);
      const column = which === 0 ? { name: 'c', isOptional: true } : undefined;
      refusalOf(() => {
        const { rows, columns, values, labels, classes } = readCsv(bytes, 't.csv', column);
        if (labels) expect(labels.every((label) => label < classes.length)).toBe(true);
        expect(values.length).toBe(rows * columns);
        expect(values.every(Number.isFinite)).toBe(true);
        expect(values.buffer.byteLength).toBeLessThanOrEqual(8192 + 8 * bytes.length);
      });
    };
    fc.assert(fc.property(fc.nat(2), edits, check), { numRuns: RUNS });
  });
});

describe('IDX of any element type', () => {
  const idx = (type: number, shape: number[], elements: Uint8Array) => {
    const bytes = new Uint8Array(4 + 4 * shape.length + elements.length);
    bytes.set([0, 0, type, shape.length]);
    shape.forEach((n, i) => {
      new DataView(bytes.buffer).setUint32(4 + 4 * i, n);
    });
    bytes.set(elements, 4 + 4 * shape.length);
    return bytes;
  };
  const bigEndian = (width: number, put: (view: DataView) => void) => {
    const bytes = new Uint8Array(2 * width);
    put(new DataView(bytes.buffer));
    return bytes;
  };

  test.each([
    [0x08, Uint8Array.of(1, 254), Uint8Array.of(1, 254)],
    [0x09, Uint8Array.of(1, 254), Int8Array.of(1, -2)],
    [0x0b, bigEndian(2, (v) => v.setInt16(2, -300)), Int16Array.of(0, -300)],
    [0x0c, bigEndian(4, (v) => v.setInt32(4, -70000)), Int32Array.of(0, -70000)],
    [0x0d, bigEndian(4, (v) => v.setFloat32(4, 0.1)), Float32Array.of(0, 0.1)],
    [0x0e, bigEndian(8, (v) => v.setFloat64(8, 0.1)), Float64Array.of(0, 0.1)],
  ])('reads type %i', (type, elements, wanted) => {
    const bytes = idx(type, [1, 2], elements);
    expect(readIdxArray(bytes)).toEqual({ shape: [1, 2], data: wanted });
    expect(idxSize(bytes.subarray(0, 12))).toBe(bytes.length);
    expect(idxSize(bytes.subarray(0, 11))).toBeUndefined();
    expect(refusalOf(() => readIdxArray(bytes.subarray(0, -1)))).toMatch(/cut short/);
  });

  test('refuses a type that is none', () => {
    const line = refusalOf(() => readIdxArray(idx(0x0a, [1], new Uint8Array(1)), 'x.idx'));
    expect(line).toBe('bad-format: x.idx: holds unknown element type 0xa');
  });
});

describe('NPY of any element type', () => {
  /** A file of the given format version, its data at an odd place for version 3. */
  const npy = (descr: string, data: ArrayBufferView, version = 1, more = '') => {
    const length = data.byteLength;
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (1, ${more || '2'}), }\n`;
    const start = version === 1 ? 10 : 12;
    const bytes = new Uint8Array(start + header.length + length);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
    const view = new DataView(bytes.buffer);
    if (version === 1) view.setUint16(8, header.length, true);
    else view.setUint32(8, header.length, true);
    bytes.set(utf8(header), start);
    const { buffer, byteOffset } = data;
    bytes.set(new Uint8Array(buffer, byteOffset, length), start + header.length);
    return bytes;
  };

  test.each([
    ['<f4', Float32Array.of(0.5, -1)],
    ['<f8', Float64Array.of(0.1, -1)],
    ['|u1', Uint8Array.of(0, 255)],
    ['|i1', Int8Array.of(0, -5)],
    ['<u2', Uint16Array.of(0, 65535)],
    ['<i2', Int16Array.of(0, -300)],
    ['<u4', Uint32Array.of(0, 2 ** 32 - 1)],
    ['<i4', Int32Array.of(0, -300)],
    ['<u8', BigUint64Array.of(0n, 2n ** 60n)],
    ['<i8', BigInt64Array.of(0n, -5n)],
  ])('reads %s in every version of the format', (descr, data) => {
    for (const version of [1, 2, 3]) {
      const file = npy(descr, data, version);
      expect(readNpy(file)).toEqual({ dtype: descr, shape: [1, 2], data });
      expect(npySize(file.subarray(0, 90))).toBe(file.length);
      expect(npySize(file.subarray(0, 40))).toBeUndefined();
      const width = data.BYTES_PER_ELEMENT;
      const turned = new Uint8Array(data.buffer.slice(0)).map(
        (_, i, all) => all[i - (i % width) + width - 1 - (i % width)] as number,
      );
      const big = npy(descr.replace('<', '>'), turned, version);
      expect(readNpy(big)).toEqual({ dtype: descr, shape: [1, 2], data });
    }
  });

  test('reads booleans as 0 and 1, and float16 as float32', () => {
    expect(readNpy(npy('|b1', Uint8Array.of(1, 0))).data).toEqual(Uint8Array.of(1, 0));
    const halves = Uint16Array.of(0x3c00, 0xb800);
    expect(readNpy(npy('<f2', halves)).data).toEqual(Float32Array.of(1, -0.5));
  });

  test.each([
    ['>c8', /element type ">c8" is not read; of complex numbers save np\.hstack/],
    ['<f16', /element type "<f16" is not read; save x\.astype\('float64'\)/],
    ['<M8[D]', /element type .* it is times; if these are wanted as numbers/],
    ['|V4', /element type "\|V4" is not read; save it as one of <f4 <f8/],
    ['|O', /holds Python objects, which are pickled and not read; save x\.astype\('float32'\)/],
    ['<c8', /element type "<c8" is not read/],
    ['<U3', /element type "<U3" is not read; it is text; if that holds numbers, save x\.astype/],
  ])('refuses %s', (descr, why) => {
    expect(refusalOf(() => readNpy(npy(descr, new Uint8Array(8))))).toMatch(why);
  });

  test('refuses a header that no file needs', () => {
    const bytes = npy('<f4', new Float32Array(2), 2);
    new DataView(bytes.buffer).setUint32(8, 2 ** 31, true);
    expect(refusalOf(() => readNpy(bytes))).toMatch(/the header claims 2147483648 bytes/);
  });
});

describe('a gzipped file of which the header tells the size', () => {
  const packed = (claimed: number, held: number) => {
    const bytes = new Uint8Array(8 + held);
    bytes.set([0, 0, 8, 1]);
    new DataView(bytes.buffer).setUint32(4, claimed);
    return gzipSync(bytes);
  };
  const size = (head: Uint8Array) => idxSize(head);

  test('inflates to that size', async () => {
    expect((await gunzip(packed(300_000, 300_000), size)).length).toBe(300_008);
  });

  test('is stopped beyond it, and refused if it could never hold as much', async () => {
    expect(await refusal(gunzip(packed(100, 50_000_000), size, 'bomb'))).toBe(
      'bad-format: bomb: inflates to more than 108 bytes',
    );
    expect(await refusal(gunzip(packed(4e9, 1000), size, 'liar'))).toMatch(
      /^bad-format: liar: its header promises 4000000008 bytes, more than it could hold/,
    );
    expect(await refusal(gunzip(packed(9, 9).subarray(0, -4), size, 'short'))).toMatch(
      /short: damaged or cut short/,
    );
  });
});
