// What a model folder is read from, damaged at random: the values, or one clear line. Files of data are
// with their formats (formats, tables, png), model.json with its keys (config).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gunzip } from '../src/formats/gzip.ts';
import { idxSize, readIdxArray, writeIdx } from '../src/formats/idx.ts';
import { npySize, writeNpy } from '../src/formats/npy.ts';
import { thisProcess } from '../src/formats/owner.node.ts';
import { buildModel, readWeights, writeWeights } from '../src/models/index.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../src/training/index.ts';
import { checkFree } from '../src/training/lock.node.ts';
import { readModelFolder, readRecord } from '../src/training/model-folder.node.ts';
import { parseRecord } from '../src/training/record.ts';
import { RunFolder } from '../src/training/run-folder.node.ts';
import { type Edit, edits, mutate } from './support/mutate.ts';
import { refusalOf } from './support/refusal.ts';
import { configOf, recordOf, weightsOf } from './support/states.ts';

/** Mutated files a kind; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const RUNS = 10_000 * Number(process.env.LATENTGPU_FUZZ ?? 1);

const bytesOf = (text: string) => new TextEncoder().encode(text);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The refusal of what may also be taken, asynchronously. */
async function outcomeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return refusalOf(() => {
    if (error !== undefined) throw error;
  });
}

const checkpoint: Checkpoint = {
  state: {
    step: 12,
    tensors: new Map<string, Float32Array | Uint32Array>([
      ['parameters', Float32Array.of(1, 2, 3)],
      ['optimizer.m', Float32Array.of(4, 5, 6)],
      ['step', Uint32Array.of(12)],
    ]),
  },
  best: { loss: 1.5, step: 8, stale: 1, parameters: Float32Array.of(7, 8, 9) },
  layout: 'encoder.0.weight[3]',
};

test(`${RUNS} mutated checkpoints`, () => {
  const original = writeCheckpoint(checkpoint);
  const check = (list: Edit[]) => {
    const bytes = mutate(original, list);
    refusalOf(() => {
      const { state, best } = readCheckpoint(bytes, 'c');
      expect(Number.isSafeInteger(state.step) && state.step >= 0).toBe(true);
      const held = [...state.tensors.values(), ...(best ? [best.parameters] : [])];
      const size = held.reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(size).toBeLessThan(bytes.length);
      const numbers = [...(state.tensors.get('parameters') ?? []), ...(best?.parameters ?? [])];
      expect(numbers.every(Number.isFinite)).toBe(true);
    });
  };
  fc.assert(fc.property(edits, check), { numRuns: RUNS });
});

test(`${RUNS} mutated weights`, () => {
  const model = buildModel(configOf('a'));
  const original = writeWeights(weightsOf('a', 1));
  const check = (list: Edit[]) => {
    const bytes = mutate(original, list);
    refusalOf(() => {
      const { values } = readWeights(model, bytes, 'w');
      expect([...values.keys()]).toEqual(model.parameters());
      for (const [{ size }, data] of values) {
        expect(data.length).toBe(size);
        expect(data.every(Number.isFinite)).toBe(true);
      }
    });
  };
  fc.assert(fc.property(edits, check), { numRuns: RUNS });
});

/** JSON in place of a part of a record: of a wrong type, out of range, deep, or with odd keys. */
const oddity = fc.oneof(
  fc.constantFrom<unknown>(null, true, '', 'x', -1, 0.5, 1e300, [], {}, [[]], 'a\nb'),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant(Object.fromEntries([['__proto__', { data: 1 }]])),
);

describe('training.json', () => {
  const record = {
    ...recordOf('a'),
    data: {
      data: 'digits',
      dataDir: '/x',
      test: 'y',
      limit: 5,
      standardize: true,
      name: 'digits',
      count: 5,
      shape: [4, 3],
      sha256: 'abc',
    },
  };

  function check(text: string): void {
    refusalOf(() => {
      const { data, config } = parseRecord(text, 'training.json');
      expect(typeof config).toBe('object');
      for (const key of ['data', 'dataDir', 'test', 'sha256', 'name'] as const) {
        expect(['string', 'undefined']).toContain(typeof data[key]);
      }
      expect(data.limit ?? 1).toBeGreaterThanOrEqual(1);
    });
  }

  test(`${RUNS} mutated ones`, () => {
    const original = bytesOf(JSON.stringify(record));
    const text = (list: Edit[]) => new TextDecoder().decode(mutate(original, list));
    fc.assert(
      fc.property(edits, (list) => check(text(list))),
      { numRuns: RUNS },
    );
  });

  test(`${RUNS} with wrong values`, () => {
    const path = fc.constantFrom('', 'format', 'config', 'data', ...Object.keys(record.data));
    const property = fc.property(path, oddity, (key, value) => {
      const whole = Object.hasOwn(record.data, key)
        ? { ...record, data: { ...record.data, [key]: value } }
        : { ...record, [key]: value };
      check(JSON.stringify(key === '' ? value : whole));
    });
    fc.assert(property, { numRuns: RUNS });
  });

  test.each([
    ['deep', '{"format":1,"data":'.repeat(50_000)],
    ['deep and whole', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['a number too large', '{"format":1e400,"data":{"data":"x"},"config":{}}'],
    ['a list', '[1]'],
    ['not UTF-8', Uint8Array.of(0xff, 0xfe, 0)],
  ])('%s is refused', async (_, text) => {
    writeFileSync(join(folder, 'training.json'), text);
    expect(await outcomeOf(() => readRecord(folder))).toMatch(
      /^bad-format: .*training\.json: not /,
    );
  });
});

test(`${RUNS / 50} mutated metrics.jsonl: a run that goes on keeps whole lines up to its step`, async () => {
  const path = join(folder, 'run');
  const run = new RunFolder(path);
  await run.begin(recordOf('a'), checkpoint);
  const lines = [4, 8, 12, 16].map((step) => JSON.stringify({ step, loss: 1 / step }));
  const original = bytesOf(`${lines.join('\n')}\n`);
  const property = fc.asyncProperty(edits, async (list) => {
    writeFileSync(join(path, 'metrics.jsonl'), mutate(original, list));
    await run.goOn(recordOf('a'), 12);
    await run.report({ step: 13 });
    const kept = readFileSync(join(path, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
    expect(kept.at(-1)).toBe('{"step":13}');
    for (const line of kept.slice(0, -1)) expect(JSON.parse(line).step).toBeLessThanOrEqual(12);
  });
  await fc.assert(property, { numRuns: RUNS / 50 });
});

test(`${RUNS / 20} mutated locks are free, or held with the way out`, async () => {
  const original = bytesOf(JSON.stringify({ ...thisProcess(), since: '2026-01-02T03:04:05Z' }));
  const path = join(folder, 'locked');
  mkdirSync(join(path, '.lock'), { recursive: true });
  const property = fc.asyncProperty(edits, async (list) => {
    writeFileSync(join(path, '.lock', 'x'), mutate(original, list));
    const why = await outcomeOf(() => checkFree(path));
    if (why) expect(why).toMatch(/^bad-input: .*(wait for it|\/\.lock$)/);
  });
  await fc.assert(property, { numRuns: RUNS / 20 });
});

describe('headers that lie', () => {
  /** An IDX file of any element type. */
  function idx(type: number, shape: number[], data: number): Uint8Array {
    const bytes = writeIdx({ shape: [1, 1, 1].slice(0, shape.length), data: Uint8Array.of(0) });
    const file = new Uint8Array(4 + 4 * shape.length + data);
    file.set(bytes.subarray(0, 4));
    file[2] = type;
    shape.forEach((n, axis) => {
      new DataView(file.buffer).setUint32(4 + 4 * axis, n);
    });
    return file;
  }

  test(`${RUNS} mutated IDX files of every element type`, () => {
    const originals = [8, 9, 11, 12, 13, 14].map((type) =>
      idx(type, [2, 3], 6 * (widths[type] as number)),
    );
    const check = (which: number, list: Edit[]) => {
      const bytes = mutate(originals[which] as Uint8Array, list);
      refusalOf(() => {
        const { shape, data } = readIdxArray(bytes, 'x');
        expect(data.length).toBe(shape.reduce((product, n) => product * n, 1));
        expect(data.byteLength).toBeLessThan(bytes.length);
      });
    };
    fc.assert(fc.property(fc.nat(5), edits, check), { numRuns: RUNS });
  });

  const huge = 0xffffffff;
  test.each<[string, Uint8Array, typeof idxSize]>([
    ['IDX of 2^96 numbers', idx(14, [huge, huge, huge], 64), idxSize],
    ['IDX of a gigabyte', idx(8, [2 ** 30], 64), idxSize],
    ['NPY of 2^40 numbers', npy([2 ** 20, 2 ** 20]), npySize],
  ])('a compressed %s is refused before it is made room for', async (_, plain, size) => {
    const before = process.memoryUsage();
    const why = await outcomeOf(() => gunzip(gzipSync(plain), size, 'x.gz'));
    expect(why).toMatch(
      /^bad-format: x\.gz: its header promises \S+ bytes, more than it could hold/,
    );
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 26);
  });

  test('a compressed file that goes on after its end is refused where it ends', async () => {
    const plain = new Uint8Array(50_000_000);
    plain.set(idx(8, [10], 10));
    const why = await outcomeOf(() => gunzip(gzipSync(plain), idxSize, 'x.gz'));
    expect(why).toMatch(/^bad-format: x\.gz: inflates to more than 18 bytes/);
  });

  /** The header of an array of that shape, and little else. */
  function npy(shape: number[]): Uint8Array {
    const file = writeNpy(new Float32Array(4), [2, 2]);
    const header = new TextDecoder().decode(file).replace('(2, 2)', `(${shape.join(', ')})`);
    const [start] = header.split('\n') as [string];
    // As long as before: the padding gives way.
    const text = `${start.trimEnd().padEnd(127)}\n`;
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    bytes.set(file.subarray(0, 10));
    return bytes;
  }

  const widths: Record<number, number> = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 };
});

test('a folder whose model.json asks for more than its weights hold is refused', async () => {
  const path = join(folder, 'model');
  const run = new RunFolder(path);
  await run.writeModel(configOf('a'), weightsOf('a', 1), '1.0.0');
  const text = readFileSync(join(path, 'model.json'), 'utf8');
  for (const [from, to] of [
    ['[4, 3]', '[9007199254740991, 3]'],
    ['"latent": 2', '"latent": 65536'],
    ['"hidden": [5]', `"hidden": [${new Array(100).fill(65536)}]`],
  ] as const) {
    writeFileSync(join(path, 'model.json'), text.replace(from, to));
    expect(await outcomeOf(() => readModelFolder(path))).toMatch(
      /^bad-format: .*model\.json asks for/,
    );
  }
});
