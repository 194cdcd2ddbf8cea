// State_dicts of other programs, as models of this one: names, layouts, types, and what they compute.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../src/formats/safetensors.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable } from '../src/graph/variable.ts';
import { ownWeights } from '../src/interchange/own-weights.ts';
import { parseMapping, parseRule } from '../src/interchange/rules.ts';
import {
  type Imported,
  type ImportRequest,
  importStateDict,
} from '../src/interchange/state-dict.ts';
import { buildModel, type Vae } from '../src/models/index.ts';
import type { Posterior } from '../src/objectives/index.ts';
import { evaluate } from '../src/ops/index.ts';
import { assignments } from '../src/training/index.ts';
import { readModelFolder } from '../src/training/model-folder.node.ts';
import { ROOT, type Run } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';

const FIXTURE = join(ROOT, 'tests/fixtures/torch-state-dict');
const RENAME =
  'fc1=encoder.0 fc21=encoder.mean fc22=encoder.logVar fc3=decoder.0 fc4=decoder.1'.split(' ');

type Tensors = Record<string, readonly number[]>;

/** A file of tensors of these shapes, with numbers that are a function of the name. */
function file(shapes: Tensors): Uint8Array {
  return writeSafetensors(
    Object.entries(shapes).map(([name, shape]): [string, WritableTensor] => [
      name,
      {
        shape,
        data: reals(
          name,
          shape.reduce((a, b) => a * b, 1),
        ),
      },
    ]),
  );
}

/** A file of tensors of another element type, whose elements all have the same bytes. */
function typed(dtype: string, shapes: Tensors, element: ArrayBufferView): Uint8Array {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += shape.reduce((a, b) => a * b, element.byteLength);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = JSON.stringify(Object.fromEntries(entries));
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  const one = new Uint8Array(element.buffer, element.byteOffset, element.byteLength);
  for (let at = 8 + text.length; at < bytes.length; at += one.length) bytes.set(one, at);
  return bytes;
}

interface Asked {
  rename?: string[];
  map?: string;
  set?: string[];
  shape?: readonly number[] | undefined;
  transpose?: boolean;
  family?: 'vae' | 'ae' | 'iwae' | undefined;
}

function imported(bytes: Uint8Array, asked: Asked = {}): Imported {
  const { rename = [], map = '{}', set = [], shape, family, transpose = false } = asked;
  const request: ImportRequest = {
    bytes,
    file: 'f',
    rules: [...parseMapping(map, 'map'), ...rename.map((text) => parseRule(text, '--rename'))],
    transpose,
    description: { family, shape, given: assignments(family ?? 'vae', set) },
  };
  return importStateDict(request);
}

/** A parameter's numbers. */
function numbers({ values }: Imported, name: string): number[] {
  const found = [...values].find(([parameter]) => parameter.name === name);
  return Array.from(found?.[1] as Float32Array);
}

const plain = (name: string, size: number) => Array.from(reals(name, size));

/** D 4 → 3 → M 2, and back. */
const EXAMPLES: Tensors = {
  'fc1.weight': [3, 4],
  'fc1.bias': [3],
  'fc21.weight': [2, 3],
  'fc21.bias': [2],
  'fc22.weight': [2, 3],
  'fc22.bias': [2],
  'fc3.weight': [3, 2],
  'fc3.bias': [3],
  'fc4.weight': [4, 3],
  'fc4.bias': [4],
};
/** The same net under this library's own names. */
const OWN: Tensors = {
  'encoder.0.weight': [3, 4],
  'encoder.0.bias': [3],
  'encoder.1.weight': [4, 3],
  'encoder.1.bias': [4],
  'decoder.0.weight': [3, 2],
  'decoder.0.bias': [3],
  'decoder.1.weight': [4, 3],
  'decoder.1.bias': [4],
};

/** The tensors under other names. */
const renamed = (tensors: Tensors, name: (old: string) => string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([old, shape]) => [name(old), shape]));

const without = (tensors: Tensors, ...names: string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));

describe('a state_dict', () => {
  test('of pytorch/examples computes what it does there', async () => {
    const found = imported(await readFile(join(FIXTURE, 'weights.safetensors')), {
      rename: RENAME,
      shape: [4, 3],
    });
    expect(found.config).toMatchObject({
      family: 'vae',
      data: { shape: [4, 3] },
      encoder: { hidden: [7], activation: 'relu' },
      latent: 3,
      decoder: { hidden: [7], activation: 'relu' },
      likelihood: { kind: 'bernoulli' },
    });
    const { tensors } = readSafetensors(await readFile(join(FIXTURE, 'forward.safetensors')));
    const torch = (name: string) => tensors.get(name)?.data as Float32Array;
    const model = buildModel(found.config) as Vae;
    const named = new Map([...found.values].map(([parameter, data]) => [parameter.name, data]));
    const x = input('x', [5, 12]);
    const { mean, logStd } = model.posterior({ x }) as Posterior & { logStd: Tensor };
    const outputs = { mean, logStd, reconstruction: model.decode(mean).mean };
    const given = new Map<Variable, ArrayLike<number>>([[x, torch('x')]]);
    for (const [name, parameter] of model.namedParameters()) {
      given.set(parameter, named.get(name) as Float32Array);
    }
    const computed = evaluate(Object.values(outputs), given);
    Object.keys(outputs).forEach((name, i) => {
      torch(name).forEach((value, j) => {
        // Of float64 on both sides, stored as float32 there.
        expect(computed[i]?.data[j]).toBeCloseTo(value, 6);
      });
    });
  });

  test('under this library’s names needs no mapping', () => {
    const found = imported(file(OWN));
    for (const [name, shape] of Object.entries(OWN)) {
      expect(numbers(found, name)).toEqual(
        plain(
          name,
          shape.reduce((a, b) => a * b),
        ),
      );
    }
    expect(found.assumed).toEqual([
      '--shape 4',
      'encoder.activation=relu',
      'decoder.activation=relu',
      'likelihood.kind=bernoulli',
      'rows 2 to 3 of encoder.1 are log std (a log-variance goes to encoder.mean+logVar)',
    ]);
  });

  test('of a Sequential counts its activations, below any name, behind any wrapper', () => {
    const steps = (old: string) => old.replace(/\.1\./, '.2.').replace(/^(..coder)/, 'net.$1.seq');
    const shapes = renamed(OWN, steps);
    const rename = ['net.encoder.seq=encoder', 'net.decoder.seq=decoder'];
    const found = imported(file(shapes), { rename });
    expect(numbers(found, 'encoder.1.weight')).toEqual(plain('net.encoder.seq.2.weight', 12));
    const wrapped = renamed(shapes, (old) => `_orig_mod.module.${old}`);
    const again = imported(file(wrapped), { rename });
    expect(numbers(again, 'decoder.1.bias')).toEqual(
      plain('_orig_mod.module.net.decoder.seq.2.bias', 4),
    );
  });

  test('is told in JSON or in words, the longest name first', () => {
    const map = JSON.stringify({
      fc1: 'encoder.0',
      fc21: 'encoder.mean',
      fc22: 'encoder.logStd',
      fc3: 'decoder.0',
      'fc3.bias': null,
    });
    const found = imported(file(EXAMPLES), { map, rename: ['fc4.weight=decoder.1', 'fc4.bias='] });
    expect(found.dropped).toEqual(['fc3.bias', 'fc4.bias']);
    // Left out, so zeros.
    expect(numbers(found, 'decoder.0.bias')).toEqual([0, 0, 0]);
    expect(numbers(found, 'decoder.1.weight')).toEqual(plain('fc4.weight', 12));
    const zeros = found.mapped.filter(({ from }) => from === undefined).map(({ to }) => to);
    expect(zeros).toEqual(['decoder.0.bias', 'decoder.1.bias']);
  });

  const half = (values: number[]) => values.map((value) => value / 2);
  test.each([
    ['logVar', half],
    ['logStd', (values: number[]) => values],
  ])('with two heads, mean and %s', (name, scaled) => {
    const rename = RENAME.map((text) => text.replace('logVar', name));
    const found = imported(file(EXAMPLES), { rename });
    expect(numbers(found, 'encoder.1.weight')).toEqual([
      ...plain('fc21.weight', 6),
      ...scaled(plain('fc22.weight', 6)),
    ]);
    expect(numbers(found, 'encoder.1.bias')).toEqual([
      ...plain('fc21.bias', 2),
      ...scaled(plain('fc22.bias', 2)),
    ]);
  });

  test.each(['mean+logVar', 'logVar+mean'])('with one head, %s', (halves) => {
    const shapes = renamed(OWN, (old) => old.replace('encoder.1', 'head'));
    const found = imported(file(shapes), { rename: [`head=encoder.${halves}`] });
    const [first, second] = [
      plain('head.weight', 12).slice(0, 6),
      plain('head.weight', 12).slice(6),
    ];
    const expected = halves === 'mean+logVar' ? [first, half(second)] : [second, half(first)];
    expect(numbers(found, 'encoder.1.weight')).toEqual(expected.flat());
  });

  test('with weights [in, out], all or one', () => {
    const turned: Tensors = Object.fromEntries(
      Object.entries(OWN).map(([name, shape]) => [name, [...shape].reverse()]),
    );
    const found = imported(file(turned), { transpose: true });
    const columns = plain('encoder.0.weight', 12);
    expect(numbers(found, 'encoder.0.weight').slice(0, 4)).toEqual(
      [0, 3, 6, 9].map((i) => columns[i]),
    );
    const one = { ...OWN, 'encoder.0.weight': [4, 3] };
    const map = '{ "encoder.0": { "to": "encoder.0", "transpose": true } }';
    expect(numbers(imported(file(one), { map }), 'encoder.0.weight')).toEqual(
      numbers(found, 'encoder.0.weight'),
    );
  });

  test('of an autoencoder, a normal likelihood, grey levels', () => {
    const code = { ...OWN, 'encoder.1.weight': [2, 3], 'encoder.1.bias': [2] };
    expect(imported(file(code)).config.family).toBe('ae');
    const normal = imported(file({ ...OWN, log_sigma: [] }), {
      rename: ['log_sigma=likelihood.logVar'],
    });
    expect(normal.config.likelihood).toEqual({ kind: 'normal', sigma: 'shared' });
    expect(numbers(normal, 'likelihood.logStd')).toEqual(half(plain('log_sigma', 1)));
    const wide = { ...OWN, 'decoder.1.weight': [12, 3], 'decoder.1.bias': [12] };
    const levels = imported(file(wide), { set: ['likelihood.kind=categorical'] });
    expect(levels.config.likelihood).toEqual({ kind: 'categorical', levels: 3 });
    const pixel = { ...OWN, 'decoder.1.weight': [8, 3], 'decoder.1.bias': [8] };
    const deviations = imported(file(pixel), { set: ['likelihood.kind=normal'], family: 'iwae' });
    expect(deviations.config).toMatchObject({
      family: 'iwae',
      likelihood: { kind: 'normal', sigma: 'pixel' },
    });
  });

  test('of standardised data brings its buffers', () => {
    const shapes = { ...OWN, mu: [4], 'standardize.std': [4] };
    const rename = ['mu=standardize.mean'];
    const set = ['likelihood.kind=normal'];
    // Numbers that are a function of their name lie on both sides of zero.
    expect(() => imported(file(shapes), { rename, set })).toThrow('must be above 0');
    const tensors = readSafetensors(file(shapes)).tensors;
    const std = Float32Array.of(1, 2, 3, 4);
    const bytes = writeSafetensors(
      [...tensors].map(([name, { shape, data }]): [string, WritableTensor] => [
        name,
        { shape, data: name === 'standardize.std' ? std : (data as Float32Array) },
      ]),
    );
    const found = imported(bytes, { rename, set });
    expect(found.config.data.standardized).toBe(true);
    expect(found.standardization).toEqual({ mean: reals('mu', 4), std });
  });

  test.each([
    ['F16', Uint16Array.of(0x3e00)],
    ['BF16', Uint16Array.of(0x3fc0)],
    ['F64', Float64Array.of(1.5)],
  ])('of type %s is converted, and says so', (dtype, element) => {
    const found = imported(typed(dtype, OWN, element));
    expect(numbers(found, 'encoder.0.bias')).toEqual([1.5, 1.5, 1.5]);
    expect(new Set(found.mapped.map(({ how }) => how.join()))).toEqual(
      new Set([`${dtype} to F32`]),
    );
  });

  test('under the names and in the layout of Keras', () => {
    const shapes = { ...without(OWN, 'encoder.0.weight'), 'dense/kernel:0': [4, 3] };
    const map = '{ "dense/kernel:0": { "to": "encoder.0.weight", "transpose": true } }';
    const columns = plain('dense/kernel:0', 12);
    expect(numbers(imported(file(shapes), { map }), 'encoder.0.weight').slice(0, 4)).toEqual(
      [0, 3, 6, 9].map((i) => columns[i]),
    );
  });
});

describe('what cannot be imported is one line', () => {
  const bn = { ...EXAMPLES, 'bn.running_mean': [3], 'bn.running_var': [3] };
  const cases: [string, Tensors, Asked, RegExp][] = [
    [
      'no mapping',
      EXAMPLES,
      {},
      /"fc1\.weight", .* and 6 more have no place .*--rename fc1=encoder\.0/,
    ],
    [
      'what stands beside the weight of a layer',
      { ...OWN, 'decoder.0.weight_scale': [1] },
      {},
      /--rename decoder\.0\.weight_scale=decoder\.0\.weight or .* with --rename decoder\.0\.weight_scale=$/,
    ],
    [
      'a kernel in its place',
      { ...without(OWN, 'encoder.0.weight'), 'encoder.0.kernel': [4, 3] },
      {},
      /--rename encoder\.0\.kernel=encoder\.0\.weight or/,
    ],
    [
      'a layer with a name behind those with numbers',
      { ...OWN, 'decoder.out.weight': [4, 4], 'decoder.out.bias': [4] },
      {},
      /--rename decoder\.out=decoder\.\d or .* with --rename decoder\.out=$/,
    ],
    [
      'left over',
      bn,
      { rename: RENAME },
      /"bn" is batch normalisation of 3 channels; give it the place of the layer right before it/,
    ],
    [
      'a name too many',
      EXAMPLES,
      { rename: [...RENAME, 'fc5=decoder.2'] },
      /no tensor "fc5"; did you mean "fc\d"/,
    ],
    [
      'an unknown target',
      EXAMPLES,
      { rename: ['fc1=encodr.0'] },
      /"fc1\.weight" cannot become "encodr\.0\.weight"/,
    ],
    [
      'half a head',
      EXAMPLES,
      { rename: [...RENAME.filter((t) => !t.includes('Var')), 'fc22='] },
      /go together/,
    ],
    [
      'two heads in one',
      EXAMPLES,
      { rename: RENAME.map((t) => t.replace('logVar', 'mean')) },
      /both become encoder\.mean\.weight/,
    ],
    [
      'no decoder',
      EXAMPLES,
      { rename: [...RENAME.slice(0, 3), 'fc3=', 'fc4='] },
      /layer of the decoder/,
    ],
    [
      'order',
      EXAMPLES,
      { rename: [...RENAME.slice(0, 3), 'fc3=decoder.1', 'fc4=decoder.0'] },
      /are they in order/,
    ],
    [
      'a bias alone',
      without(OWN, 'decoder.1.weight'),
      {},
      /decoder\.1 has a bias \("decoder\.1\.bias"\) and no weight/,
    ],
    ['a layout', { ...OWN, 'encoder.0.weight': [4, 3] }, {}, /\[in, out\] \(--transpose\)/],
    [
      'a convolution',
      { ...OWN, 'encoder.0.weight': [3, 4, 1, 1] },
      {},
      /not the weight of a fully connected layer/,
    ],
    [
      'codes of another size',
      { ...OWN, 'encoder.1.weight': [3, 3], 'encoder.1.bias': [3] },
      {},
      /codes of 2 numbers, so the encoder must give 4/,
    ],
    ['another shape', OWN, { shape: [5] }, /--shape 5: f has an encoder of 4 features/],
    [
      'a wide decoder',
      { ...OWN, 'decoder.1.weight': [8, 3], 'decoder.1.bias': [8] },
      {},
      /gives 8 numbers for 4 features; say what they are/,
    ],
    [
      'no deviation',
      OWN,
      { set: ['likelihood.kind=normal', 'likelihood.sigma=shared'] },
      /no tensor becomes likelihood\.logStd.*sigma=fixed/,
    ],
    [
      'a deviation too many',
      { ...OWN, 'likelihood.logStd': [1] },
      { set: ['likelihood.kind=bernoulli'] },
      /for which the configuration has no place/,
    ],
    [
      'against the tensors',
      OWN,
      { set: ['latent=3'] },
      /encoder\.1\.weight as \[4, 3\]; the configuration asks for \[6, 3\]/,
    ],
    ['another family', OWN, { family: 'ae' }, /as \[4, 3\]; the configuration asks for \[2, 3\]/],
    ['no rule', OWN, { rename: ['fc1'] }, /"fc1" is not from=to/],
    ['no map', OWN, { map: '[1]' }, /map: not an object/],
    ['a broken map', OWN, { map: '{' }, /map: not JSON/],
    ['a map of numbers', OWN, { map: '{ "encoder.0": 1 }' }, /"encoder\.0" must map to a name/],
    ['no tensors', {}, {}, /layer of the encoder/],
  ];
  test.each(cases)('%s', (_, shapes, asked, why) => {
    let message = '';
    try {
      imported(file(shapes), asked);
    } catch (error) {
      expect((error as Error).name).toBe('LatentGpuError');
      message = (error as Error).message;
    }
    expect(message).toMatch(why);
    expect(message).not.toContain('\n');
  });

  test.each([
    ['beyond float32', 'F64', Float64Array.of(1e300), /holds Infinity as float32 at element 0/],
    [
      'not a number',
      'F32',
      Float32Array.of(Number.NaN),
      /"encoder\.0\.weight" holds NaN at element 0/,
    ],
    [
      'beyond float16',
      'F16',
      Uint16Array.of(0xfc00),
      /holds -Infinity at element 0; float16 goes to ±65504: save the numbers as float32 or bfloat16/,
    ],
    ['whole numbers', 'I64', BigInt64Array.of(1n), /is of type I64/],
  ])('%s', (_, dtype, element, why) => {
    expect(() => imported(typed(dtype, OWN, element))).toThrow(why);
  });

  test('what torch.save writes', () => {
    for (const start of ['504b030400000808', '80028a0a6cfc9c46']) {
      const bytes = Uint8Array.from([...Buffer.from(start, 'hex'), ...new Uint8Array(100)]);
      expect(() => imported(bytes)).toThrow('safetensors.torch.save_file');
    }
  });

  test.each([
    ['Keras', '894844460d0a1a0a', /is an HDF5 file, as Keras writes/],
    ['llama.cpp', '4747554603000000', /is a GGUF file/],
    ['torch.onnx', '080812077079746f', /is an ONNX file/],
    ['gzip', '1f8b080000000000', /is gzipped/],
    ['Git without LFS', Buffer.from('version https://git-lfs').toString('hex'), /Git LFS/],
    ['a page', Buffer.from('\n<!DOCTYPE html>').toString('hex'), /is HTML/],
    ['an index', Buffer.from('{"metadata": {"total').toString('hex'), /in several files/],
  ])('what %s writes is told by its name', (_, start, why) => {
    const bytes = Uint8Array.from([...Buffer.from(start, 'hex'), ...new Uint8Array(100)]);
    expect(() => imported(bytes)).toThrow(why);
    expect(() => ownWeights(bytes, 'f')).toThrow(why);
  });

  test('one of several files of a model is told as such', () => {
    const bytes = file({ 'encoder.0.weight': [3, 4], 'encoder.0.bias': [3] });
    const description = { family: 'vae', shape: undefined, given: new Map() };
    const request = (name: string) => ({
      ...{ bytes, file: name, rules: [], transpose: false, description },
    });
    expect(() => importStateDict(request('model-00001-of-00002.safetensors'))).toThrow(
      /is one of several files of a model; join them: load each/,
    );
    expect(() => importStateDict(request('model-00001-of-00001.safetensors'))).toThrow(
      /no tensor becomes a layer of the decoder/,
    );
  });

  test('a length that looks like another format does not matter', () => {
    // 0x120808 bytes of header begin as ONNX does.
    const header = JSON.stringify({ __metadata__: null }).padEnd(0x120808);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setUint32(0, header.length, true);
    bytes.set(new TextEncoder().encode(header), 8);
    expect(ownWeights(bytes, 'f')).toBeUndefined();
  });
});

describe('whatever a file holds, it becomes a whole model or one clear line', () => {
  /** A hundred times as many with `LATENTGPU_FUZZ=100`. */
  const RUNS = 2000 * Number(process.env.LATENTGPU_FUZZ ?? 1);

  /** Whether it was imported. */
  function survives(bytes: Uint8Array, asked: Asked): boolean {
    let found: Imported;
    try {
      found = imported(bytes, asked);
    } catch (error) {
      if (!isLatentGpuError(error)) throw error;
      return false;
    }
    for (const [{ name, size }, data] of found.values) {
      expect(data.length, name).toBe(size);
      expect(data.every(Number.isFinite), name).toBe(true);
      // Nobody gets more memory than the file has paid for.
      expect(data.byteLength, name).toBeLessThanOrEqual(bytes.length);
    }
    return true;
  }

  test(`${RUNS} files with tensors changed, missing and added`, () => {
    const extent = fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 2 ** 31);
    const change = fc.record({
      name: fc.constantFrom(
        ...Object.keys(OWN),
        ...[
          'likelihood.logStd',
          'standardize.mean',
          'encoder.mean.weight',
          'encoder.logVar.weight',
        ],
        ...['encoder.9.weight', 'decoder.logStd.bias', 'bn.running_mean', '__proto__', ''],
      ),
      shape: fc.option(fc.array(extent, { maxLength: 3 })),
    });
    const asked = fc.record({
      rename: fc.subarray(['bn=', 'encoder.1=encoder.mean+logVar', 'decoder.1=decoder.7']),
      set: fc.subarray(['likelihood.kind=normal', 'latent=2', 'encoder.hidden=3']),
      transpose: fc.boolean(),
      family: fc.constantFrom('vae', 'ae', undefined),
      shape: fc.constantFrom([4], [2, 2], undefined),
    });
    let whole = 0;
    const check = (changes: { name: string; shape: number[] | null }[], how: Asked) => {
      const shapes = new Map(Object.entries(OWN));
      for (const { name, shape } of changes) {
        const size = shape?.reduce((a, b) => a * b, 1) ?? 0;
        // A size that a file can have, whatever its extents say.
        if (shape && size <= 1000) shapes.set(name, shape);
        else shapes.delete(name);
      }
      if (survives(typed('F32', Object.fromEntries(shapes), Float32Array.of(0.5)), how)) whole++;
    };
    fc.assert(fc.property(fc.array(change, { maxLength: 3 }), asked, check), { numRuns: RUNS });
    // Or it would have tested nothing but refusals.
    expect(whole).toBeGreaterThan(RUNS / 100);
  });
});

describe('the command line', () => {
  let folder = '';
  const cli = (...args: string[]): Promise<Run> => perform(args, folder);
  const weights = join(FIXTURE, 'weights.safetensors');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-import-'));
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  test('explains itself on one screen', async () => {
    const { code, stdout } = await cli('import', '--help');
    const lines = stdout.trimEnd().split('\n');
    expect([
      code,
      lines.length <= 32,
      Math.max(...lines.map(({ length }) => length)) <= 80,
    ]).toEqual([0, true, true]);
    expect(stdout).toContain('Example:\n  latentgpu import');
  });

  test('leaves a folder that other commands read, and guards it', async () => {
    const args = ['import', weights, '--shape', '4,3', '--out', 'model', '--rename', ...RENAME];
    const run = await cli(...args);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^fc22\.bias +\[3\] +encoder\.1\.bias +rows 3 to 5: log std/m);
    expect(run.stdout).toContain('model: vae, [4, 3] -> 3 -> bernoulli, 263 numbers');
    expect(run.stderr).toMatch(/^latentgpu: assumed, .*likelihood\.kind=bernoulli\n$/);
    expect(await readdir(join(folder, 'model'))).toEqual(['model.json', 'weights.safetensors']);
    const { extra, config } = await readModelFolder(join(folder, 'model'));
    expect([extra, config.latent]).toEqual([[], 3]);

    const again = await cli(...args);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('already holds a model');
    await writeFile(join(folder, 'model/metrics.jsonl'), '{}\n');
    // The model's own file describes it as well.
    await writeFile(
      join(folder, 'map.json'),
      JSON.stringify(Object.fromEntries(RENAME.map((t) => t.split('=')))),
    );
    await writeFile(
      join(folder, 'described.json'),
      await readFile(join(folder, 'model/model.json')),
    );
    const forced = await cli(
      ...['import', weights, '--config', 'described.json', '--map', 'map.json', '--out', 'model'],
      ...['--force', '--json'],
    );
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(forced.stdout);
    expect(result).toMatchObject({ folder: 'model', parameters: 263, dropped: [], assumed: [] });
    expect(result.mapped).toHaveLength(10);
    // What was there told of another model.
    expect(await readdir(join(folder, 'model'))).toEqual(['model.json', 'weights.safetensors']);
  });

  test('tells what is no safetensors file, and inspect does', async () => {
    await writeFile(join(folder, 'net.h5'), '\x89HDF\r\n and more', 'latin1');
    for (const args of [
      ['inspect', 'net.h5'],
      ['import', 'net.h5', '--out', 'fresh'],
    ]) {
      const { code, stderr } = await cli(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining('net.h5: is an HDF5 file')]);
    }
  });

  test.each([
    ['a missing file', ['no.safetensors'], 'no such file: no.safetensors'],
    ['a missing map', [weights, '--map', 'no.json'], 'no such file: no.json'],
    ['no mapping', [weights], 'have no place'],
    [
      'a name twice',
      [weights, '--rename', 'fc1=encoder.0', 'fc1=decoder.0'],
      "'fc1' is named twice",
    ],
    ['a shape', [weights, '--shape', '4,,3'], 'height,width'],
    ['a training key', [weights, '--set', 'batch=3'], "unknown key 'batch'"],
  ])('refuses %s and writes nothing', async (_, args, why) => {
    const run = await cli('import', ...args, '--out', 'fresh');
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^latentgpu: [^\n]*\n$/);
    expect(run.stderr).toContain(why);
    expect(await readdir(folder)).not.toContain('fresh');
  });
});

describe('what training tools leave in a file', () => {
  const tensor = (shape: number[], data: readonly number[]): WritableTensor => ({
    shape,
    data: Float32Array.from(data),
  });
  /** encoder 3 → 4 → mean and log std of 2, decoder 2 → 4 → 3, with other tensors in place of some. */
  const net = (others: Record<string, WritableTensor | undefined>, metadata = {}) => {
    const shapes: Tensors = {
      'encoder.0.weight': [4, 3],
      'encoder.0.bias': [4],
      'encoder.3.weight': [4, 4],
      'encoder.3.bias': [4],
      'decoder.0.weight': [4, 2],
      'decoder.0.bias': [4],
      'decoder.2.weight': [3, 4],
      'decoder.2.bias': [3],
    };
    const own = Object.entries(shapes).map(([name, shape]): [string, WritableTensor] => [
      name,
      {
        shape,
        data: reals(
          name,
          shape.reduce((a, b) => a * b, 1),
        ),
      },
    ]);
    const kept = own.filter(([name]) => !Object.hasOwn(others, name));
    const added = Object.entries(others).filter(
      (entry): entry is [string, WritableTensor] => entry[1] !== undefined,
    );
    return writeSafetensors([...kept, ...added], metadata);
  };
  const near = (found: ArrayLike<number>, expected: readonly number[]) => {
    expect(found.length).toBe(expected.length);
    expected.forEach((value, i) => {
      expect(Math.abs((found[i] as number) - value)).toBeLessThan(2 ** -22 * (1 + Math.abs(value)));
    });
  };
  const W = [3, 4, 0, 0, 5, 12, 1, 2, 2, -2, 0, 0];
  const weightOf = (others: Record<string, WritableTensor | undefined>) =>
    numbers(imported(net({ 'encoder.0.weight': undefined, ...others })), 'encoder.0.weight');

  test.each(['_g _v', 'parametrizations'])('weight norm by %s is folded: a norm a row', (kind) => {
    const names =
      kind === '_g _v'
        ? ['encoder.0.weight_g', 'encoder.0.weight_v']
        : [0, 1].map((i) => `encoder.0.parametrizations.weight.original${i}`);
    const [g = '', v = ''] = names;
    const norms = [5, 13, 3, 2];
    const expected = W.map(
      (x, i) => (x * (1 + Math.floor(i / 3))) / (norms[Math.floor(i / 3)] as number),
    );
    near(weightOf({ [g]: tensor([4, 1], [1, 2, 3, 4]), [v]: tensor([4, 3], W) }), expected);
  });

  test.each(['_orig', 'parametrizations'])('spectral norm by %s is folded: W / uᵀWv', (kind) => {
    const at = kind === '_orig' ? ['_orig', '_u', '_v'] : ['.original', '.0._u', '.0._v'];
    const base = kind === '_orig' ? 'encoder.0.weight' : 'encoder.0.parametrizations.weight';
    const parts = {
      [base + at[0]]: tensor([4, 3], W),
      [base + at[1]]: tensor([4], [0.5, 0.5, 0.5, 0.5]),
      [base + at[2]]: tensor([3], [0, 1, 0]),
    };
    const middle = (W[1] as number) + (W[4] as number) + (W[7] as number) + (W[10] as number);
    near(
      weightOf(parts),
      W.map((x) => x / (middle / 2)),
    );
  });

  test('spectral norm of the transpose is known by its vectors', () => {
    const parts = {
      'encoder.0.weight_orig': tensor([4, 3], W),
      'encoder.0.weight_u': tensor([3], [0, 1, 0]),
      'encoder.0.weight_v': tensor([4], [0.5, 0.5, 0.5, 0.5]),
    };
    const middle = (W[1] as number) + (W[4] as number) + (W[7] as number) + (W[10] as number);
    near(
      weightOf(parts),
      W.map((x) => x / (middle / 2)),
    );
    const { 'encoder.0.weight_v': _, ...without } = parts;
    const columns = [0, 1, 2, 3].map((i) => W[3 * i + 1] as number);
    near(
      weightOf(without),
      W.map((x) => x / Math.hypot(...columns)),
    );
    expect(() => weightOf({ ...parts, 'encoder.0.weight_u': tensor([2], [1, 0]) })).toThrow(
      /"encoder.0.weight_u" \[2\] and .* are not the singular vectors/,
    );
  });

  test('a bias of one row is a bias', () => {
    const found = imported(net({ 'encoder.0.bias': tensor([1, 4], [1, 2, 3, 4]) }));
    expect(numbers(found, 'encoder.0.bias')).toEqual([1, 2, 3, 4]);
    expect(() => imported(net({ 'encoder.0.bias': tensor([2, 2], [1, 2, 3, 4]) }))).toThrow(
      /"encoder.0.bias" \[2,2\] is not the bias/,
    );
  });

  test('pruning is folded, other parametrisations are named', () => {
    const mask = W.map((_, i) => i % 2);
    near(
      weightOf({
        'encoder.0.weight_orig': tensor([4, 3], W),
        'encoder.0.weight_mask': tensor([4, 3], mask),
      }),
      W.map((x, i) => x * (i % 2)),
    );
    expect(() =>
      weightOf({
        'encoder.0.parametrizations.weight.original': tensor([4, 3], W),
        'encoder.0.parametrizations.weight.0.base': tensor([4, 3], W),
      }),
    ).toThrow(/remove_parametrizations\(model\.encoder\[0\], 'weight'\)/);
  });

  test.each([1, 2])('batch normalisation at place %i of a Sequential is folded', (place) => {
    const [gamma, beta, mean, variance] = [
      [1, 2, -1, 0.5],
      [0.1, 0.2, 0.3, 0.4],
      [1, -1, 2, 0],
      [4, 1, 0.25, 9],
    ];
    const base = `encoder.${place}`;
    const found = imported(
      net({
        [`${base}.weight`]: tensor([4], gamma as number[]),
        [`${base}.bias`]: tensor([4], beta as number[]),
        [`${base}.running_mean`]: tensor([4], mean as number[]),
        [`${base}.running_var`]: tensor([4], variance as number[]),
      }),
    );
    const scale = (gamma as number[]).map(
      (x, i) => x / Math.sqrt((variance?.[i] as number) + 1e-5),
    );
    const shift = (beta as number[]).map(
      (x, i) => x - (mean?.[i] as number) * (scale[i] as number),
    );
    if (place === 1) {
      const [w, b] = [plain('encoder.0.weight', 12), plain('encoder.0.bias', 4)];
      near(
        numbers(found, 'encoder.0.weight'),
        [...w].map((x, i) => x * (scale[Math.floor(i / 3)] as number)),
      );
      near(
        numbers(found, 'encoder.0.bias'),
        [...b].map((x, i) => x * (scale[i] as number) + (shift[i] as number)),
      );
    } else {
      const [w, b] = [plain('encoder.3.weight', 16), plain('encoder.3.bias', 4)];
      near(
        numbers(found, 'encoder.1.weight'),
        [...w].map((x, i) => x * (scale[i % 4] as number)),
      );
      near(
        numbers(found, 'encoder.1.bias'),
        [...b].map((x, i) => shift.reduce((sum, s, j) => sum + s * (w[4 * i + j] as number), x)),
      );
    }
    expect(found.assumed.join()).toContain(
      `${base} is batch normalisation that ${place === 1 ? 'follows encoder.0' : 'precedes encoder.3'}, eps 0.00001`,
    );
  });

  test('normalisation that is given a place stays a layer', () => {
    const bytes = net({
      'bn.weight': tensor([4], [1, 2, -1, 0.5]),
      'bn.bias': tensor([4], [0.1, 0.2, 0.3, 0.4]),
      'bn.running_mean': tensor([4], [1, -1, 2, 0]),
      'bn.running_var': tensor([4], [4, 1, 0.25, 9]),
    });
    const folded = imported(bytes, { rename: ['encoder.0=encoder.0', 'bn=encoder.0'] });
    const kept = imported(bytes, { rename: ['bn=encoder.norms.0'] });
    expect(kept.config.encoder.norm).toBe('batch');
    expect(kept.config.decoder.norm).toBe('none');
    const codes = [folded, kept].map(({ config, values, buffers }) => {
      const model = buildModel(config) as Vae;
      const x = input('x', [2, 3]);
      const own = (list: [string, Variable][], from: ReadonlyMap<Variable, Float32Array>) => {
        const all = [...from.values()];
        return list.map(([, v], i) => [v, all[i] as Float32Array] as const);
      };
      const given = new Map<Tensor, ArrayLike<number>>([
        ...own(model.namedParameters(), values),
        ...own(model.namedBuffers(), buffers),
        [x, [0.3, -1, 2, 1.5, 0.2, -0.7]],
      ]);
      return [...(evaluate([model.numbers({ x })], given)[0]?.data ?? [])];
    });
    near(codes[1] as number[], codes[0] as number[]);
    const layer = net({
      'ln.weight': tensor([4], [1, 2, 3, 4]),
      'ln.bias': tensor([4], [1, 2, 3, 4]),
    });
    expect(imported(layer, { rename: ['ln=encoder.norms.0'] }).config.encoder.norm).toBe('layer');
    const half = net({ 'bn.running_mean': tensor([4], [1, 2, 3, 4]) });
    expect(() => imported(half, { rename: ['bn=encoder.norms.0'] })).toThrow(
      /no tensor becomes encoder\.norms\.0\.weight/,
    );
  });

  test('modules without tensors are told, a variance below 0 is refused', () => {
    const { assumed } = imported(net({}));
    expect(assumed.join()).toMatch(/2 modules without tensors between encoder\.0 and encoder\.3 /);
    const weight = { 'encoder.1.weight': tensor([4], [1, 1, 1, 1]) };
    const norm = {
      ...{ ...weight, 'encoder.1.bias': tensor([4], [0, 0, 0, 0]) },
      'encoder.1.running_mean': tensor([4], [0, 0, 0, 0]),
      'encoder.1.running_var': tensor([4], [1, 1, 1, 1]),
    };
    expect(imported(net(norm)).assumed.join()).not.toContain('without tensors');
    const wrong = { ...norm, 'encoder.1.running_var': tensor([4], [1, -1, 1, 1]) };
    expect(() => imported(net(wrong))).toThrow(/running_var" holds -1 at element 1/);
  });

  test('normalisation without running statistics is refused, with the way', () => {
    const bytes = net({
      'encoder.1.weight': tensor([4], [1, 2, 3, 4]),
      'encoder.1.bias': tensor([4], [1, 2, 3, 4]),
    });
    expect(() => imported(bytes)).toThrow(
      /"encoder\.1\.weight" \[4\] is that of a normalisation .*LayerNorm.*encoder\.norms\.0.*BatchNorm1d, which is folded/,
    );
    expect(imported(bytes, { rename: ['encoder.1='] }).dropped).toEqual([
      'encoder.1.weight',
      'encoder.1.bias',
    ]);
  });

  test('a tied tensor stands under both names, transposed where its bias says so', () => {
    const bytes = net(
      { 'decoder.2.weight': undefined },
      { format: 'pt', 'decoder.2.weight': 'encoder.0.weight' },
    );
    const found = imported(bytes);
    const w = plain('encoder.0.weight', 12);
    expect([...numbers(found, 'decoder.1.weight')]).toEqual(
      [0, 1, 2].flatMap((j) => [0, 1, 2, 3].map((i) => w[3 * i + j])),
    );
    expect(found.mapped.find(({ from }) => from === 'decoder.2.weight')?.how).toEqual([
      'transposed',
      'tied to encoder.0.weight',
    ]);
  });

  test('wrappers are taken off wherever they stand; two nets of one name are refused', () => {
    const found = imported(
      net({
        'encoder.0.weight': undefined,
        'module.encoder._orig_mod.0.weight': tensor([4, 3], W),
        n_averaged: tensor([], [7]),
      }),
    );
    expect([...numbers(found, 'encoder.0.weight')]).toEqual(W);
    expect(found.dropped).toEqual(['n_averaged']);
    const told = imported(net({ n_averaged: tensor([], [7]) }), { rename: ['n_averaged='] });
    expect(told.dropped).toEqual(['n_averaged']);
    expect(() => imported(net({ 'module.encoder.0.weight': tensor([4, 3], W) }))).toThrow(
      /are one name without what torch\.compile/,
    );
  });
});
