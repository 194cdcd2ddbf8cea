import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LatentGpuError } from '../src/errors.ts';
import { writeFileAtomic, writeFolderFile } from '../src/formats/atomic.node.ts';
import { gunzip, isGzip } from '../src/formats/gzip.ts';
import { isIdx, readIdx, writeIdx } from '../src/formats/idx.ts';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { partialName, thisProcess } from '../src/formats/owner.node.ts';
import { readSafetensors, writeSafetensors } from '../src/formats/safetensors.ts';
import { sha256 } from '../src/formats/sha256.ts';

/** Mutated files a format; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const FUZZ = Number(process.env.LATENTGPU_FUZZ ?? 1);
const RUNS = 10_000 * FUZZ;
vi.setConfig({ testTimeout: 60_000 * FUZZ });

const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url));
const ascii = (text: string) => new TextEncoder().encode(text);

/** Runs `read`; anything it throws must be a LatentGpuError `bad-format` of one line. */
function refusalOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof LatentGpuError)) throw error;
    expect(error.code).toBe('bad-format');
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(400);
    return error.message;
  }
}

interface Edit {
  kind: 'cut' | 'grow' | 'remove' | 'byte' | 'word' | 'digit';
  at: number;
  length: number;
  value: number;
}

/** Positions crowd towards the beginning, where headers are. */
const position = fc.oneof(fc.nat(16), fc.nat(160), fc.nat(4000));
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('cut', 'grow', 'remove', 'byte', 'byte', 'digit', 'digit', 'word', 'word'),
  at: position,
  length: fc.nat(40),
  value: fc.oneof(
    fc.nat(255),
    fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x01000000, 0x10000),
  ),
});
const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

function mutate(original: Uint8Array, list: readonly Edit[]): Uint8Array {
  let bytes = original.slice();
  for (const change of list) {
    const at = change.at % (bytes.length + 1);
    if (change.kind === 'cut') bytes = bytes.slice(0, at);
    else if (change.kind === 'grow') {
      const grown = new Uint8Array(bytes.length + change.length);
      grown.set(bytes.subarray(0, at));
      grown.set(bytes.subarray(at), at + change.length);
      bytes = grown;
    } else if (change.kind === 'remove') {
      const rest = bytes.subarray(Math.min(bytes.length, at + change.length));
      const shorter = new Uint8Array(at + rest.length);
      shorter.set(bytes.subarray(0, at));
      shorter.set(rest, at);
      bytes = shorter;
    } else if (change.kind === 'word') {
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, change.value);
    } else if (at < bytes.length) {
      bytes[at] = change.kind === 'digit' ? 48 + (change.value % 10) : change.value;
    }
  }
  return bytes;
}

describe('IDX', () => {
  const shapes = fc.array(fc.nat(5), { minLength: 1, maxLength: 5 });

  test('what is written is read back, without a copy', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const data = Uint8Array.from({ length: size }, (_, i) => i * 37);
        const bytes = writeIdx({ shape, data });
        const back = readIdx(bytes);
        expect(back).toEqual({ shape, data });
        expect(back.data.buffer).toBe(bytes.buffer);
        expect(isIdx(bytes)).toBe(true);
      }),
    );
  });

  test('lying headers are refused before anything is allocated', () => {
    const header = (rank: number, dims: number[]) => {
      const bytes = new Uint8Array(4 + 4 * dims.length + 3);
      bytes.set([0, 0, 8, rank]);
      dims.forEach((n, i) => {
        new DataView(bytes.buffer).setUint32(4 + 4 * i, n);
      });
      return bytes;
    };
    const huge = 0xffffffff;
    expect(refusalOf(() => readIdx(header(3, [huge, huge, huge])))).toMatch(/cut short/);
    expect(refusalOf(() => readIdx(header(40, new Array(40).fill(huge))))).toMatch(/cut short/);
    expect(refusalOf(() => readIdx(header(2, [huge, 0])))).toMatch(/too long/);
    expect(refusalOf(() => readIdx(header(255, [1])))).toMatch(/255 dimensions is cut short/);
    expect(refusalOf(() => readIdx(Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 0)))).toMatch(/float32/);
    expect(refusalOf(() => readIdx(ascii('hello')))).toMatch(/not an IDX file/);
    expect(refusalOf(() => readIdx(new Uint8Array()))).toMatch(/too short/);
  });

  test(`${RUNS} mutated files give their bytes or one clear line`, () => {
    const original = writeIdx({ shape: [5, 7, 3], data: new Uint8Array(105).fill(9) });
    const check = (list: Edit[]) => {
      const bytes = mutate(original, list);
      refusalOf(() => expect(readIdx(bytes).data.length).toBeLessThan(bytes.length));
    };
    fc.assert(fc.property(edits, check), { numRuns: RUNS });
  });
});

describe('gzip', () => {
  test('inflates what zlib deflated, and stops at the limit', async () => {
    const plain = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) >> 7);
    const packed = gzipSync(plain);
    expect(isGzip(packed)).toBe(true);
    expect(await gunzip(packed)).toEqual(plain);
    expect(await gunzip(packed, plain.length)).toEqual(plain);
    await expect(gunzip(packed, plain.length - 1, 'x.gz')).rejects.toThrow(
      'x.gz: inflates to more than 29999 bytes',
    );
    const bomb = gzipSync(new Uint8Array(50_000_000));
    await expect(gunzip(bomb, 1000)).rejects.toThrow(/more than 1000 bytes/);
  });

  test(`${RUNS / 2} mutated files inflate within their bound or give one clear line`, async () => {
    const original = gzipSync(Uint8Array.from({ length: 600 }, (_, i) => i ^ (i >> 3)));
    const check = async (list: Edit[]) => {
      const bytes = mutate(original, list);
      const outcome = await gunzip(bytes).catch((error: unknown) => error);
      if (outcome instanceof Uint8Array) expect(outcome.length).toBeLessThan(1100 * bytes.length);
      else {
        refusalOf(() => {
          throw outcome;
        });
      }
    };
    await fc.assert(fc.asyncProperty(edits, check), { numRuns: RUNS / 2 });
  });
});

describe('NPY', () => {
  test.each(['f4', 'f8', 'u1', 'u4', 'i4', 'i8'])("reads NumPy's %s", async (type) => {
    const { shape, dtype, data } = readNpy(await fixture(`${type}.npy`));
    expect(shape).toEqual([2, 3]);
    expect(dtype).toBe(`${type === 'u1' ? '|' : '<'}${type}`);
    expect(Array.from(data as ArrayLike<number | bigint>, Number)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('reads at any alignment, and a scalar', async () => {
    const file = await fixture('f8.npy');
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(readNpy(shifted.subarray(3)).data).toEqual(Float64Array.of(0, 1, 2, 3, 4, 5));
    expect(readNpy(Buffer.from(shifted).subarray(3)).data).toEqual(readNpy(file).data);
    expect(readNpy(await fixture('scalar.npy'))).toMatchObject({ shape: [], dtype: '<f4' });
  });

  test('what is written is read back, aligned', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { maxLength: 4 }), (shape) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const data = Float32Array.from({ length: size }, (_, i) => Math.fround(i / 7 - 3));
        const bytes = writeNpy(data, shape);
        expect((bytes.length - 4 * size) % 64).toBe(0);
        expect(readNpy(bytes)).toEqual({ dtype: '<f4', shape, data });
      }),
    );
  });

  test('Fortran order, first index fastest, is put in C order', async () => {
    const ramp = Float32Array.of(0, 1, 2, 3, 4, 5);
    const file = await fixture('fortran.npy');
    expect(readNpy(file)).toEqual({ dtype: '<f4', shape: [2, 3], data: ramp });
    const shape = [2, 3, 1, 4];
    const at = (i: number, j: number, l: number) => 100 * i + 10 * j + l;
    const stored = new Float32Array(24);
    const wanted = new Float32Array(24);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++)
        for (let l = 0; l < 4; l++) {
          stored[i + 2 * (j + 3 * l)] = at(i, j, l);
          wanted[(i * 3 + j) * 4 + l] = at(i, j, l);
        }
    const bytes = writeNpy(stored, shape);
    const header = new TextDecoder('latin1').decode(bytes.subarray(0, 128));
    bytes.set(ascii('True, '), header.indexOf('False,'));
    expect(readNpy(bytes).data).toEqual(wanted);
  });

  test('what it cannot hold is refused, with the way out', async () => {
    const text = (header: string, data = 24) => {
      const bytes = new Uint8Array(10 + header.length + data);
      bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, header.length >> 8]);
      bytes.set(ascii(header), 10);
      return bytes;
    };
    const reject = (header: string) => refusalOf(() => readNpy(text(header)));
    const order = "'fortran_order': False";
    expect(reject(`{'descr': '>c8', ${order}, 'shape': (3,)}`)).toMatch(/element type ">c8"/);
    expect(reject(`{'descr': [('a', '<f4')], ${order}, 'shape': (6,)}`)).toMatch(
      /holds records of named fields; save .*structured_to_unstructured/,
    );
    expect(reject(`{'descr': '<f4', ${order}, 'shape': (7,)}`)).toMatch(/needs 28 bytes/);
    expect(reject(`{'descr': '<f4', ${order}, 'shape': (5,)}`)).toMatch(/too long/);
    expect(reject(`{'descr': '<f4', ${order}, 'shape': (99999999999999999999,)}`)).toBeDefined();
    expect(reject(`{'descr': '<f4', ${order}, 'shape': (6, 4294967295, 4294967295)}`)).toMatch(
      /cut short/,
    );
    expect(reject(`{'descr': '<f4', 'shape': (6,)}`)).toMatch(/lacks/);
    expect(reject(`{'descr': 'toString', ${order}, 'shape': (6,)}`)).toMatch(/element type/);
    expect(readNpy(text(`{"shape": (6L,), ${order}, 'descr': '<f4'}`)).shape).toEqual([6]);
  });

  test(`${RUNS} mutated files give their values or one clear line`, async () => {
    const originals = [await fixture('f4.npy'), await fixture('f8.npy'), await fixture('u1.npy')];
    const check = (which: number, list: Edit[]) => {
      const bytes = mutate(originals[which] as Uint8Array, list);
      refusalOf(() => expect(readNpy(bytes).data.byteLength).toBeLessThan(bytes.length));
    };
    fc.assert(fc.property(fc.nat(2), edits, check), { numRuns: RUNS });
  });
});

describe('safetensors', () => {
  test('reads what the reference implementation wrote', async () => {
    const { tensors, metadata } = readSafetensors(await fixture('python.safetensors'));
    const values = [0, 1, -2, 0.5, 65504, 2 ** -24];
    expect(metadata).toEqual({ format: 'pt' });
    const weight = tensors.get('layer.0.weight');
    expect(weight).toEqual({ dtype: 'F32', shape: [2, 3], data: Float32Array.from(values) });
    expect(tensors.get('layer.0.bias')?.data).toEqual(Float32Array.from(values));
    expect(tensors.get('double')?.data).toEqual(Float32Array.from(values));
    const brain = tensors.get('brain');
    expect(brain?.data).toEqual(Float32Array.of(0, 1, -2, 0.5, 65536, 2 ** -24));
    expect(tensors.get('steps')?.data).toEqual(Uint32Array.of(1, 4294967295));
    const counter = tensors.get('num_batches_tracked');
    expect(counter).toEqual({ dtype: 'I64', shape: [], data: BigInt64Array.of(7n) });
    expect(tensors.get('mask')?.data).toEqual(Uint8Array.of(1, 0, 1));
    expect(tensors.get('empty')).toMatchObject({ shape: [0, 4], data: new Float32Array() });
  });

  test('every half-precision number becomes the float32 it is', () => {
    const bytes = new Uint8Array(2 * 65536);
    for (let i = 0; i < 65536; i++) new DataView(bytes.buffer).setUint16(2 * i, i, true);
    const file = forge({ x: { dtype: 'F16', shape: [65536], data_offsets: [0, 131072] } }, bytes);
    const data = readSafetensors(file).tensors.get('x')?.data as Float32Array;
    expect([data[0x3c00], data[0xc000], data[1], data[0x7bff]]).toEqual([1, -2, 2 ** -24, 65504]);
    expect([data[0x7c00], data[0xfc00]]).toEqual([Infinity, -Infinity]);
    expect(data[0x7e00]).toBeNaN();
    expect(Object.is(data[0x8000], -0)).toBe(true);
    for (let i = 1; i < 0x7c00; i++) {
      expect(data[i] as number).toBeGreaterThan(data[i - 1] as number);
    }
  });

  // Positive numbers by sixteens of the table of "FP8 formats for deep learning", Micikevicius et al. 2022.
  test.each([
    ['F8_E4M3', { 1: 2 ** -9, 7: 7 * 2 ** -9, 8: 2 ** -6, 56: 1, 60: 1.5, 64: 2, 126: 448 }, 0x7f],
    [
      'F8_E5M2',
      { 1: 2 ** -16, 3: 3 * 2 ** -16, 4: 2 ** -14, 60: 1, 62: 1.5, 123: 57344, 124: Infinity },
      0x7d,
    ],
  ] as const)('every number of type %s becomes the float32 it is', (dtype, table, firstNaN) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const file = forge({ x: { dtype, shape: [256], data_offsets: [0, 256] } }, bytes);
    const data = readSafetensors(file).tensors.get('x')?.data as Float32Array;
    for (const [byte, value] of Object.entries(table)) expect(data[Number(byte)]).toBe(value);
    for (let i = 1; i < firstNaN; i++) {
      expect(data[i] as number).toBeGreaterThan(data[i - 1] as number);
    }
    for (let i = 0; i < 128; i++) {
      expect(Number.isNaN(data[i])).toBe(i >= firstNaN);
      expect(data[128 + i]).toBe(-(data[i] as number));
    }
  });

  test('what is written is read back, bit for bit', () => {
    const shape = fc.array(fc.nat(4), { maxLength: 3 });
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', '0', 'é', '"'));
    const type = fc.constantFrom(Float32Array, Uint32Array, Int32Array, Uint8Array);
    const entry = fc.tuple(name, fc.record({ shape, type }));
    const list = fc.uniqueArray(entry, { selector: ([key]) => key, maxLength: 6 });
    fc.assert(
      fc.property(list, fc.dictionary(fc.string(), fc.string()), (entries, metadata) => {
        const tensors = entries.map(([key, { shape, type: Type }]) => {
          const size = shape.reduce((product, n) => product * n, 1);
          const data = Type.from(Array.from({ length: size }, (_, i) => i * 3 + 1));
          return [key, { shape, data }] as const;
        });
        const back = readSafetensors(writeSafetensors(tensors, metadata));
        expect({ ...back.metadata }).toEqual({ ...metadata });
        expect(back.tensors.size).toBe(tensors.length);
        for (const [key, { shape, data }] of tensors) {
          expect(back.tensors.get(key)).toMatchObject({ shape, data });
        }
      }),
    );
  });

  test('the same tensors give the same bytes, aligned and without a copy', () => {
    const weights = () =>
      writeSafetensors([
        ['flags', { shape: [3], data: Uint8Array.of(1, 2, 3) }],
        ['a.weight', { shape: [2, 2], data: Float32Array.of(1, NaN, -0, 4) }],
      ]);
    const bytes = weights();
    expect(weights()).toEqual(bytes);
    const { tensors } = readSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(['a.weight', 'flags']);
    const data = tensors.get('a.weight')?.data as Float32Array;
    expect(data.buffer).toBe(bytes.buffer);
    expect([...data]).toEqual([1, NaN, -0, 4]);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    // A Node.js Buffer is a Uint8Array whose slice does not copy.
    for (const moved of [shifted.subarray(1), Buffer.from(shifted).subarray(1)]) {
      const weight = readSafetensors(moved).tensors.get('a.weight');
      expect(weight?.data).toEqual(Float32Array.of(1, NaN, -0, 4));
    }
  });

  test('a name taken twice and a shape that does not fit are refused', () => {
    const x = { shape: [2], data: Float32Array.of(1, 2) };
    const code = (write: () => unknown) => {
      expect(write).toThrow(LatentGpuError);
    };
    code(() => writeSafetensors(Object.entries({ x: { ...x, shape: [3] } })));
    code(() =>
      writeSafetensors([
        ['x', x],
        ['x', x],
      ]),
    );
    code(() => writeSafetensors([['__metadata__', x]]));
  });

  test('headers that lie are refused by name', () => {
    const x = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
      dtype: 'F32',
      shape,
      data_offsets: [begin, end],
    });
    const refuse = (header: unknown, data = 16) =>
      refusalOf(() => readSafetensors(forge(header, new Uint8Array(data))));
    expect(refuse({ a: x(0, 16) })).toBeUndefined();
    expect(refuse({ a: x(0, 16, [5]) })).toMatch(/"a" is F32 \[5\]: 20 bytes, not 16/);
    expect(refuse({ a: x(0, 8), b: x(4, 16) })).toMatch(/"b" overlaps/);
    expect(refuse({ a: x(0, 4), b: x(8, 16) })).toMatch(/4 bytes before tensor "b"/);
    expect(refuse({ a: x(0, 12) })).toMatch(/4 bytes after the last/);
    expect(refuse({ a: x(0, 32) })).toMatch(/cut short/);
    expect(refuse({ a: x(16, 0) })).toMatch(/"a"/);
    expect(refuse({ a: { ...x(0, 16), dtype: 'F8_E8M0' } })).toMatch(/element type "F8_E8M0"/);
    expect(refuse({ a: { ...x(0, 16), dtype: 'constructor' } })).toMatch(/element type/);
    expect(refuse({ __metadata__: { step: 3 } }, 0)).toMatch(/__metadata__/);
    expect(refuse([1, 2])).toMatch(/not a JSON object/);
    expect(refuse({ a: x(0, 16, [2 ** 52, 2 ** 52, 0]) })).toMatch(/0 bytes, not 16/);
    expect(refuse({ ['n\n'.repeat(5000)]: x(0, 16, [5]) })).toBeDefined();
    const long = new Uint8Array(64).fill(0xff);
    expect(refusalOf(() => readSafetensors(long))).toMatch(/header claims/);
    expect(refusalOf(() => readSafetensors(ascii('PK')))).toMatch(/too short/);
  });

  test(`${RUNS} mutated files give their tensors or one clear line`, async () => {
    const original = await fixture('python.safetensors');
    const check = (list: Edit[]) => {
      const bytes = mutate(original, list);
      refusalOf(() => expect(held(bytes)).toBeLessThanOrEqual(2 * bytes.length));
    };
    fc.assert(fc.property(edits, check), { numRuns: RUNS });
  });

  test(`${RUNS} well-formed headers with wrong contents give tensors or one clear line`, () => {
    const number = fc.constantFrom(0, 1, 2, 4, 8, 16, -1, 1.5, 2 ** 31, 2 ** 53, 1e308);
    const odd = fc.oneof(number, fc.constantFrom<unknown>(null, 'x', [], {}, true));
    const dtype = fc.constantFrom<unknown>('F32', 'U8', 'F16', 'BF16', 'F64', 'I64', 'X', 3, null);
    const entry = fc.record({
      dtype,
      shape: fc.oneof({ weight: 9, arbitrary: fc.array(odd, { maxLength: 4 }) }, odd),
      data_offsets: fc.oneof({ weight: 9, arbitrary: fc.array(odd, { maxLength: 3 }) }, odd),
    });
    const header = fc.dictionary(fc.constantFrom('a', 'b', '__metadata__', ''), entry);
    const check = (value: unknown, size: number) => {
      const bytes = forge(value, new Uint8Array(size));
      refusalOf(() => expect(held(bytes)).toBeLessThanOrEqual(2 * size));
    };
    fc.assert(fc.property(header, fc.constantFrom(0, 4, 8, 16), check), { numRuns: RUNS });
  });

  /** Bytes in all tensors of a file. */
  function held(bytes: Uint8Array): number {
    const { tensors } = readSafetensors(bytes);
    return [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  function forge(header: unknown, data: Uint8Array): Uint8Array {
    const json = ascii(JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + data.length);
    new DataView(bytes.buffer).setUint32(0, json.length, true);
    bytes.set(json, 8);
    bytes.set(data, 8 + json.length);
    return bytes;
  }
});

describe('SHA-256', () => {
  test('gives the published examples (FIPS 180-4)', async () => {
    expect(await sha256(ascii('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(await sha256(new Uint8Array())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });
});

describe('writing files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-formats-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('replaces the old content whole and leaves nothing beside it', async () => {
    const path = join(folder, 'a', 'b');
    await writeFolderFile(path, 'model.json', '{}');
    await writeFolderFile(path, 'model.json', ascii('{"format":1}'));
    expect(await readFile(join(path, 'model.json'), 'utf8')).toBe('{"format":1}');
    expect(await readdir(path)).toEqual(['model.json']);
  });

  test('clears away what a killed process left, not what a running one is writing', async () => {
    const here = thisProcess();
    const dead = [
      partialName({ ...here, pid: 999_999_999 }),
      // A process that was given the same number later.
      partialName({ ...here, started: '1' }),
    ];
    const alive = [partialName(), partialName({ ...here, host: 'elsewhere' })];
    const old = partialName({ ...here, host: 'gone' });
    for (const name of [...dead, ...alive, old]) await writeFile(join(folder, name), 'half');
    await utimes(join(folder, old), 0, 0);
    await writeFileAtomic(join(folder, 'weights'), 'whole');
    const names = (await readdir(folder)).filter((name) => name.startsWith('.partial'));
    expect(names.sort()).toEqual(alive.sort());
  });

  test('a failure is one line and the old content stays', async () => {
    const path = join(folder, 'kept');
    await writeFileAtomic(path, 'old');
    const below = writeFolderFile(path, 'x', 'new');
    await expect(below).rejects.toMatchObject({ name: 'LatentGpuError', code: 'io' });
    const missing = writeFileAtomic(join(folder, 'no', 'such', 'file'), 'new');
    await expect(missing).rejects.toMatchObject({ code: 'io' });
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});
